"""What must agree between resources, and what is said when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import pytest
from pydantic import ValidationError

from reconciler.core.agreement import Invariant, Rules, disagreements, sight_of
from reconciler.core.behaviour import Key, Merged, Secret, WriteOnly
from reconciler.core.change import Action, Change, FieldChange, Origin
from reconciler.core.hosts import host_of, is_near
from reconciler.core.resource import Output, Resource
from reconciler.core.secret import SecretValue
from reconciler.core.state import Account, Declared, DesiredState, Entry, Snapshot, SnapshotHeader

if TYPE_CHECKING:
    from reconciler.core.finding import Finding


class Hook(Resource):
    """Is called at an address, and gives a secret away."""

    kind: ClassVar[str] = "test.hook"
    outputs: ClassVar[dict[str, Output]] = {"secret": Output(secret=True, only_at_create=True)}
    called_at: ClassVar[str | None] = "url"
    url: Annotated[str, Key()]


class Site(Resource):
    """Serves hosts."""

    kind: ClassVar[str] = "test.site"
    serves: ClassVar[str | None] = "hosts"
    name: Annotated[str, Key()]


class Variable(Resource):
    """Holds a value, and labels."""

    kind: ClassVar[str] = "test.variable"
    name: Annotated[str, Key()]
    value: Annotated[str, Secret(), WriteOnly()] = ""
    shown: str = ""
    labels: Annotated[dict[str, str], Merged()] = {}


MODELS: dict[str, type[Resource]] = {one.kind: one for one in (Hook, Site, Variable)}
A, B, HOOK, SITE = "test.variable/a", "test.variable/b", "test.hook/h", "test.site/s"
PLACE, WIRED, STORED = "${secret:gcp/HOOK}", "${ref:test.hook/h#secret}", "${secret:gcp/KEY}"
ONE, TWO = "hmac-sha256:11:aa", "hmac-sha256:11:bb"


def thing(address: str, **values: Any) -> Entry:
    return Entry(address, address.partition("/")[0], address, {"name": address, **values})


def hook(url: str = "https://shop.example/hook", **outputs: SecretValue) -> Entry:
    return Entry(HOOK, "test.hook", "h-1", {"url": url}, outputs=outputs)


def site(*hosts: str) -> Entry:
    return Entry(SITE, "test.site", "s-1", {"name": "s"}, evidence={"hosts": list(hosts)})


def said(
    *entries: Entry,
    changes: tuple[Change, ...] = (),
    rules: Rules = Rules(),  # noqa: B008 - a frozen value
    accounts: tuple[Account, ...] = (),
) -> list[Finding]:
    header = SnapshotHeader(
        environment="test", taken_at="2026-11-19T02:00:00Z", tool_version="0", accounts=accounts
    )
    declared = (
        Declared(HOOK, "test.hook", {}, capture=(("secret", PLACE),), place="hooks.yaml:3"),
        Declared(B, "test.variable", {}, place="web.yaml:7"),
    )
    desired = DesiredState("test", declared, "files", "sha256:0", models=MODELS)
    sight = sight_of(Snapshot(header, entries), desired, rules, changes)
    return list(disagreements(sight, rules.invariants))


def change(address: str, field: str, after: Any, action: Action = Action.UPDATE) -> Change:
    fields = (FieldChange(field=field, after=after, origin=Origin.INTENT),)
    kind = address.partition("/")[0]
    return Change(address=address, kind=kind, action=action, reason="", field_changes=fields)


def both(**fields: tuple[str, ...]) -> Rules:
    return Rules((Invariant.model_validate({"name": "one key", **fields}),))


# --- Copies of one secret


def test_two_versions_of_one_secret_are_named_with_both_places() -> None:
    (found,) = said(
        thing(A, value=SecretValue(STORED, ONE, "4")), thing(B, value=SecretValue(STORED, TWO, "5"))
    )

    assert found.rule == "same_version"
    assert found.address == f"{A}#value"
    assert f"{B}#value (web.yaml:7): version 4 here, 5 there" in found.message


@pytest.mark.parametrize(
    "other",
    [
        SecretValue(STORED, ONE, "5"),
        SecretValue(STORED, "hmac-sha256:22:bb"),
        SecretValue(STORED),
        SecretValue("${secret:gcp/OTHER}", TWO),
        SecretValue(None, TWO),
    ],
    ids=["the same value", "another key", "nothing known", "another secret", "not ours"],
)
def test_what_is_the_same_or_cannot_be_told_is_no_disagreement(other: SecretValue) -> None:
    assert said(thing(A, value=SecretValue(STORED, ONE, "4")), thing(B, value=other)) == []


@pytest.mark.parametrize("reference", [WIRED, PLACE], ids=["by reference", "by its place"])
def test_a_consumer_with_the_secret_of_an_earlier_object_is_named(reference: str) -> None:
    live = hook(secret=SecretValue(PLACE, TWO))

    (found,) = said(live, thing(A, value=SecretValue(reference, ONE)))

    assert (found.rule, found.address) == ("same_secret", f"{A}#value")
    assert f"{HOOK} (hooks.yaml:3)" in found.message


def test_the_state_that_a_plan_leads_to_is_looked_at() -> None:
    live = hook(secret=SecretValue(PLACE, TWO))
    consumer = thing(A, value=SecretValue(WIRED, ONE))

    assert said(live, consumer, changes=(change(A, "value", SecretValue(WIRED, TWO)),)) == []


def test_a_step_that_is_left_to_a_person_changes_nothing_yet() -> None:
    live = hook(secret=SecretValue(PLACE, TWO))
    by_hand = change(A, "value", SecretValue(None, TWO), Action.MANUAL)

    (found,) = said(live, thing(A, value=SecretValue(WIRED, ONE)), changes=(by_hand,))

    assert found.address == f"{A}#value"


def test_of_an_object_that_is_made_anew_nothing_is_known_yet() -> None:
    consumer = thing(A, value=SecretValue(WIRED, ONE))
    anew = change(HOOK, "url", "https://shop.example", Action.REPLACE)

    assert said(hook(secret=SecretValue(PLACE, TWO)), consumer, changes=(anew,)) == []


# --- Addresses


@pytest.mark.parametrize(
    ("url", "hosts", "is_said"),
    [
        ("https://old.shop.example/hook", ["shop.example"], True),
        ("https://shop.example/hook", ["shop.example"], False),
        ("https://SHOP.example/hook", ["Shop.Example"], False),
        ("https://elsewhere.example.org/hook", ["shop.example"], False),
        ("https://partner.co.uk/hook", ["shop.co.uk"], False),
        ("https://old.shop.co.uk/hook", ["shop.co.uk"], True),
        ("http://10.0.0.1/hook", ["127.0.0.1"], False),
        ("https://shop-git-x.vercel.app/hook", ["shop.vercel.app"], True),
        ("https://other.vercel.app/hook", ["shop.vercel.app"], False),
        ("https://[", ["shop.example"], False),
        ("no address", ["shop.example"], False),
    ],
)
def test_an_address_beside_what_is_served_is_named(
    url: str, hosts: list[str], *, is_said: bool
) -> None:
    found = said(hook(url), site(*hosts))

    assert [one.rule for one in found] == (["served"] if is_said else [])


def test_hosts_are_compared_by_the_part_that_one_owner_has() -> None:
    assert host_of("https://Shop.Example:8443/x") == "shop.example"
    assert host_of(SecretValue(STORED)) is None
    assert is_near("a.shop.example", ["b.shop.example"])
    assert not is_near("localhost", ["shop.example"])


# --- Modes of keys


@pytest.mark.parametrize(
    ("value", "is_said"),
    [("pk_live_FAKE", True), ("pk_test_FAKE", False), ("pk_other_FAKE", False), ("short", False)],
)
def test_a_readable_key_of_the_other_mode_is_named(value: str, *, is_said: bool) -> None:
    def mode(text: str) -> str | None:
        return next((one for one in ("live", "test") if f"_{one}_" in text), None)

    account = Account(vendor="stripe", id="acct_1", mode="test")

    found = said(thing(A, shown=value), rules=Rules((), {"stripe": mode}), accounts=(account,))

    assert [one.address for one in found] == ([f"{A}#shown"] if is_said else [])
    assert all(value not in one.message for one in found)


# --- Declared


@pytest.mark.parametrize(
    ("one", "other", "said_of_it"),
    [
        (SecretValue(STORED, ONE), SecretValue("${secret:env/B}", ONE), None),
        (SecretValue(STORED, ONE), SecretValue("${secret:env/B}", TWO), "is not as"),
        (SecretValue(None), SecretValue(None), "cannot be told"),
        (SecretValue(STORED), SecretValue(STORED), "cannot be told"),
        ("plain", SecretValue(STORED, ONE), "cannot be told"),
    ],
    ids=["same", "other", "both unknown", "never hashed", "one is readable"],
)
@pytest.mark.parametrize("how", ["same_secret", "equal"])
def test_secrets_agree_by_fingerprint_however_it_is_declared(
    how: str, one: Any, other: Any, said_of_it: str | None
) -> None:
    rules = both(**{how: (f"{A}#value", f"{B}#value")})

    found = said(thing(A, value=one), thing(B, value=other), rules=rules)

    told = [finding for finding in found if finding.rule == "invariant"]
    assert len(told) == (said_of_it is not None)
    assert said_of_it is None or said_of_it in told[0].message


def test_a_key_of_a_map_that_the_plan_changes_counts_as_it_will_be() -> None:
    rules = both(equal=(f"{A}#labels.site", f"{B}#labels.site"))
    entries = (thing(A, labels={"site": "old", "team": "x"}), thing(B, labels={"site": "new"}))

    before = said(*entries, rules=rules)
    after = said(*entries, rules=rules, changes=(change(A, "labels.site", "new"),))

    assert (len(before), after) == (1, [])


def test_what_is_not_there_is_said_to_be_unknown() -> None:
    (found,) = said(thing(A, shown="x"), rules=both(equal=(f"{A}#shown", f"{B}#shown")))

    assert (found.address, found.message) == (f"{B}#shown", "one key: nothing is known of it")


@pytest.mark.parametrize(
    "fields",
    [{}, {"equal": ("a.b/c#d",)}, {"equal": ("a.b/c#d", "no field")}],
    ids=["nothing", "one field", "no field"],
)
def test_an_invariant_says_one_thing_of_two_fields(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Invariant.model_validate({"name": "x", **fields})
