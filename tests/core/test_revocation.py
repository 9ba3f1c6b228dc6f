"""Which secrets are revoked, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.core.change import Action, Change, FieldChange, Origin
from reconciler.core.revocation import Revocation, foreign_keys, revoked_findings, secrets_of
from reconciler.core.secret import SecretValue

HASH = "hmac-sha256:0000000a:00000000000000000000000000000001"
WHY: dict[str, Any] = {"reason": "in a log", "date": "2026-11-19"}
BY_HASH = Revocation(fingerprint=HASH, **WHY)
BY_VERSION = Revocation(secret="gcp/KEY", version="3", **WHY)


def change(**more: Any) -> Change:
    return Change(
        address="test.queue/q", kind="test.queue", action=Action.UPDATE, reason="", **more
    )


@pytest.mark.parametrize(
    ("secret", "is_revoked"),
    [
        (SecretValue("${secret:env/A}", HASH), True),
        (SecretValue(None, HASH, sealed="age"), True),
        (SecretValue("${ref:stripe.webhook_endpoint/p#secret}", HASH), True),
        (SecretValue("${secret:env/A}", HASH[:-1] + "2"), False),
        (SecretValue("${secret:env/A}"), False),
        (SecretValue(None), False),
    ],
)
def test_a_value_is_known_by_its_fingerprint(secret: SecretValue, *, is_revoked: bool) -> None:
    assert BY_HASH.is_of(secret) is is_revoked


@pytest.mark.parametrize(
    ("secret", "is_revoked"),
    [
        (SecretValue("${secret:gcp/KEY@3}"), True),
        (SecretValue("${secret:gcp/KEY}", None, "3"), True),
        (SecretValue("Bearer ${secret:gcp/KEY@3}"), True),
        (SecretValue("${secret:gcp/KEY@3}:${secret:gcp/OTHER}"), True),
        (SecretValue("${secret:gcp/KEY@4}", None, "3"), False),
        (SecretValue("${secret:gcp/KEY}"), False),
        (SecretValue("${secret:aws/KEY@3}"), False),
        (SecretValue("${ref:gcp.key/KEY#secret}", None, "3"), False),
    ],
)
def test_a_value_is_known_by_its_version(secret: SecretValue, *, is_revoked: bool) -> None:
    assert BY_VERSION.is_of(secret) is is_revoked


def test_secrets_are_found_wherever_a_change_has_them() -> None:
    one, two, three, four = (SecretValue(f"${{secret:env/{name}}}") for name in "ABCD")
    field = FieldChange(field="token", after=three, origin=Origin.INTENT)
    of = change(
        values={"env": {"x": [one]}, "name": "n"}, field_changes=(field,), keeps={"secret": four}
    )
    of = of.model_copy(update={"values": {**of.values, "more": {"y": two}}})

    assert {secret for _, secret in secrets_of(of)} == {one, two, three, four}


def test_a_longer_text_is_told_apart_into_its_secrets() -> None:
    text = SecretValue("${secret:env/A}:${ref:a.b/c#d} and $${x}", HASH)

    found = [secret for _, secret in secrets_of(change(values={"token": text}))]

    assert found == [text, SecretValue("${secret:env/A}"), SecretValue("${ref:a.b/c#d}")]


def test_a_revoked_secret_inside_a_longer_text_is_refused_once() -> None:
    text = SecretValue("${secret:env/A}:${secret:env/A}")
    known = {"${secret:env/A}": SecretValue("${secret:env/A}", HASH)}

    (found,) = revoked_findings([change(values={"token": text})], [BY_HASH], known)

    assert found.message == "token would be a secret that was revoked on 2026-11-19: in a log"
    assert found.remedy


def test_what_a_plan_was_made_for_goes_before_what_a_reference_gives_now() -> None:
    """A pinned or sealed value is not the one that the reference gives now."""
    planned = SecretValue("${secret:env/A}", HASH)
    known = {"${secret:env/A}": SecretValue("${secret:env/A}", HASH[:-1] + "2")}

    assert list(revoked_findings([change(values={"token": planned})], [BY_HASH], known))


def test_fingerprints_of_another_key_are_counted() -> None:
    other = Revocation(fingerprint=HASH.replace("a:", "b:"), **WHY)

    assert foreign_keys([BY_HASH, other, BY_VERSION], HASH) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"secret": "gcp/KEY"},
        {"version": "3"},
        {"fingerprint": HASH, "secret": "gcp/KEY"},
        {"fingerprint": "sha256:aa"},
        {"secret": "gcp/KEY@3", "version": "3"},
        {"secret": "${secret:gcp/KEY}", "version": "3"},
        {"fingerprint": HASH, "reason": ""},
        {"fingerprint": HASH, "date": "19.11.2026"},
    ],
)
def test_an_entry_that_names_no_one_value_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Revocation.model_validate({**WHY, **fields})
