from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import SecretUnavailable
from reconciler.secrets.fingerprints import Fingerprints
from reconciler.secrets.resolver import Resolver
from reconciler.secrets.store import Fetched, Right

if TYPE_CHECKING:
    from reconciler.core.masking import Masker
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import SecretStore


class Box:
    """A store in memory that counts."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.asked: list[str] = []

    def fetch(self, name: SecretName) -> Fetched:
        self.asked.append(name.name)
        if name.name not in self.values:
            raise SecretUnavailable(f"{name} is not there")
        return Fetched(self.values[name.name], name.version)

    def keep(self, name: SecretName, value: str) -> str | None:
        self.values[name.name] = value
        return name.version

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        del name, writes
        return ()


@pytest.fixture
def box() -> Box:
    return Box(KEY="FAKE-key-value", PASSWORD="p&ss wörd")


@pytest.fixture
def resolver(box: Box, masker: Masker) -> Resolver:
    return Resolver({"box": box}, masker, Fingerprints(lambda: "FAKE-key-of-fingerprints"))


def test_a_reference_is_filled_in(resolver: Resolver) -> None:
    assert resolver.resolve("${secret:box/KEY}") == "FAKE-key-value"


def test_references_inside_a_text_are_filled_in_once(resolver: Resolver, box: Box) -> None:
    box.values["KEY"] = "${secret:box/PASSWORD}"

    assert resolver.resolve("a ${secret:box/KEY} $${x}") == "a ${secret:box/PASSWORD} ${x}"


def test_a_value_is_fetched_once(resolver: Resolver, box: Box) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: resolver.resolve("${secret:box/KEY}"), range(64)))

    assert box.asked == ["KEY"]


def test_a_failure_is_not_remembered(resolver: Resolver, box: Box) -> None:
    with pytest.raises(SecretUnavailable):
        resolver.resolve("${secret:box/LATER}")
    box.values["LATER"] = "FAKE"

    assert resolver.resolve("${secret:box/LATER}") == "FAKE"


@pytest.mark.parametrize(
    "shown", ["p&ss wörd", "p%26ss%20w%C3%B6rd", "p%26ss+w%C3%B6rd", r"p&ss w\u00f6rd"]
)
def test_what_was_resolved_is_masked_in_every_encoding(
    resolver: Resolver, masker: Masker, shown: str
) -> None:
    resolver.resolve("${secret:box/PASSWORD}")

    assert masker.mask(f"<{shown}>") == "<[secret]>"


def test_the_whole_text_around_a_secret_is_masked(resolver: Resolver, masker: Masker) -> None:
    resolver.resolve("user:${secret:box/KEY}@host")

    assert masker.mask("user:FAKE-key-value@host") == "[secret]"
    assert masker.mask("FAKE-key-value") == "[secret]"


def test_what_is_kept_is_masked_and_known(resolver: Resolver, box: Box, masker: Masker) -> None:
    resolver.keep("${secret:box/NEW}", "FAKE-captured")

    assert box.values["NEW"] == "FAKE-captured"
    assert resolver.resolve("${secret:box/NEW}") == "FAKE-captured"
    assert box.asked == []
    assert masker.mask("FAKE-captured") == "[secret]"


def test_what_is_kept_replaces_what_was_known(resolver: Resolver) -> None:
    resolver.resolve("${secret:box/KEY}")

    resolver.keep("${secret:box/KEY}", "FAKE-rotated")

    assert resolver.resolve("${secret:box/KEY}") == "FAKE-rotated"


@pytest.mark.parametrize(
    "place", ["plain", "${var:x}", "a${secret:box/NEW}", "${secret:box/A}${secret:box/B}"]
)
def test_a_place_that_is_none_is_refused_and_the_value_not_told(
    resolver: Resolver, masker: Masker, place: str
) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        resolver.keep(place, "FAKE-captured")

    assert "FAKE-captured" not in f"{caught.value}{caught.value.detail}"
    assert masker.hides("FAKE-captured")


def test_a_store_that_is_not_there_is_answered_with_those_there_are(resolver: Resolver) -> None:
    with pytest.raises(SecretUnavailable, match="no secret store 'gcp'") as caught:
        resolver.resolve("${secret:gcp/KEY}")

    assert "There are: box." in caught.value.detail


@pytest.mark.parametrize("text", ["${var:x}", "${ref:stripe.webhook_endpoint/a#id}", "${env:HOME}"])
def test_nothing_but_secrets_is_resolved(resolver: Resolver, text: str) -> None:
    with pytest.raises(SecretUnavailable, match="cannot be resolved here"):
        resolver.resolve(text)


def test_a_secret_that_needs_itself_is_refused_and_nobody_waits(masker: Masker) -> None:
    stores: dict[str, SecretStore] = {}
    resolver = Resolver(stores, masker, Fingerprints(lambda: "FAKE-key-of-fingerprints"))

    class Locked(Box):
        def fetch(self, name: SecretName) -> Fetched:
            resolver.resolve("${secret:locked/token}")
            return super().fetch(name)

    stores["locked"] = Locked(token="FAKE", key="FAKE")

    with pytest.raises(SecretUnavailable, match="needed to open the store that it is in"):
        resolver.resolve("${secret:locked/token}")
    with pytest.raises(SecretUnavailable, match="needed to open the store that it is in"):
        resolver.resolve("${secret:locked/key}")


def test_bytes_that_are_no_text_are_refused_before_anything_is_sent(
    resolver: Resolver, box: Box
) -> None:
    box.values["KEY"] = b"FAKE\xff".decode("utf-8", "surrogateescape")

    with pytest.raises(SecretUnavailable, match="no UTF-8 text"):
        resolver.resolve("${secret:box/KEY}")
