"""From where a wanted secret can be had, case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import pytest

from reconciler.core.behaviour import Key, Secret, WriteOnly
from reconciler.core.change import Action, Origin
from reconciler.core.planning import decide
from reconciler.core.resource import Output, Resource
from reconciler.core.restoring import Way, restorability
from reconciler.core.secret import SecretValue
from reconciler.core.state import Declared, DesiredState, Entry, Snapshot, SnapshotHeader
from reconciler.core.witness import Witness, asked_for, scene_of, settle

if TYPE_CHECKING:
    from types import SimpleNamespace


class Hook(Resource):
    """Gives a secret away when it is made."""

    kind: ClassVar[str] = "test.hook"
    outputs: ClassVar[dict[str, Output]] = {"secret": Output(secret=True, only_at_create=True)}
    url: Annotated[str, Key()]


class Function(Resource):
    """Holds secrets by themselves, in a map, and with a digest that the vendor shows."""

    kind: ClassVar[str] = "test.function"
    name: Annotated[str, Key()]
    token: Annotated[str, Secret(), WriteOnly(signal="written_at")] = ""
    env: Annotated[dict[str, str], Secret(), WriteOnly()] = {}


MODELS: dict[str, type[Resource]] = {"test.hook": Hook, "test.function": Function}
HOOK, CONSUMER = "test.hook/h", "test.function/f"
PLACE, WIRED = "${secret:gcp/HOOK}", "${ref:test.hook/h#secret}"
ONE, TWO, LONGER = "hmac-sha256:11:aa", "hmac-sha256:11:bb", "hmac-sha256:11:cc"
FOREIGN = "hmac-sha256:22:aa"


def hook(**outputs: SecretValue) -> tuple[Declared, Entry]:
    values = {"url": "https://shop.example"}
    return (
        Declared(HOOK, "test.hook", values, capture=(("secret", PLACE),)),
        Entry(HOOK, "test.hook", "h-1", values, outputs=outputs),
    )


def function(**values: Any) -> Declared:
    refers = ((HOOK, "secret"),) if "${ref:" in repr(values) else ()
    return Declared(CONSUMER, "test.function", {"name": "f", **values}, refers=refers)


def entry(written_at: int = 1, digests: dict[str, str] | None = None, **values: Any) -> Entry:
    return Entry(
        CONSUMER,
        "test.function",
        "f-1",
        {"name": "f", **values},
        evidence={"written_at": written_at},
        digests=digests or {},
    )


def wanted(*items: Declared) -> DesiredState:
    return DesiredState("test", items, "snapshot s", "sha256:0", models=MODELS)


def known(**told: tuple[str, str | None]) -> Witness:
    texts = {
        "place": PLACE,
        "a": "${secret:gcp/A}",
        "a1": "${secret:gcp/A@1}",
        "copy": "${secret:env/COPY}",
    }
    return Witness({texts[name]: SecretValue(texts[name], *one) for name, one in told.items()})


def settled(
    item: Declared, witness: Witness, *entries: Entry, others: tuple[Declared, ...] = ()
) -> Any:
    desired = wanted(item, *others)
    by_address = {one.address or "": one for one in entries}
    scene = scene_of(desired, by_address, by_address)
    return settle(item, desired, scene, witness, frozenset()).values


def asked(desired: DesiredState, live: list[Entry], base: list[Entry]) -> frozenset[str]:
    of = [{one.address or "": one for one in entries} for entries in (live, base)]
    return asked_for(desired, scene_of(desired, *of))


OLD = SecretValue("${secret:gcp/A}", ONE, "1")


@pytest.mark.parametrize(
    ("witness", "found"),
    [
        (known(a=(ONE, "1")), OLD),
        (known(a=(TWO, "2"), a1=(ONE, "1")), SecretValue("${secret:gcp/A@1}", ONE, "1")),
        (known(a=(TWO, "2"), copy=(ONE, None)), SecretValue("${secret:env/COPY}", ONE)),
        (known(a=(TWO, "2")), SecretValue(None, ONE, "1")),
        (known(), OLD),
        (
            known(a=(FOREIGN, "2"), a1=(FOREIGN, "1")),
            SecretValue("${secret:gcp/A@1}", FOREIGN, "1"),
        ),
        (known(a=(FOREIGN, "2")), SecretValue(None, ONE, "1")),
        (known(a=(FOREIGN, None)), OLD),
    ],
    ids=[
        "at its own reference",
        "at the version it had",
        "where it is kept as well",
        "nowhere",
        "nobody was asked",
        "by version, hashed with another key",
        "another version, hashed with another key",
        "not to be told",
    ],
)
def test_an_earlier_value_is_had_from(witness: Witness, found: SecretValue) -> None:
    copy = Entry(
        "test.function/g", "test.function", "g-1", {"token": SecretValue("${secret:env/COPY}", ONE)}
    )

    values = settled(function(token=OLD), witness, entry(), copy)

    assert values["token"] == found


def test_a_sealed_value_stays_sealed() -> None:
    sealed = SecretValue(None, ONE, sealed="age")

    assert settled(function(token=sealed), known(a=(TWO, None)), entry())["token"] == sealed


@pytest.mark.parametrize(
    ("there", "base", "is_asked"),
    [(OLD, OLD, False), (SecretValue(OLD.reference), OLD, True), (None, None, True)],
    ids=["it is there", "it was written outside since", "the object is gone"],
)
def test_a_snapshots_value_is_asked_for_unless_it_is_there(
    there: SecretValue | None, base: SecretValue | None, *, is_asked: bool
) -> None:
    live = [entry(token=there)] if there is not None else []

    found = asked(wanted(function(token=OLD)), live, [entry(token=base)] if base else [])

    assert found == ({"${secret:gcp/A}", "${secret:gcp/A@1}"} if is_asked else frozenset())


def test_a_files_value_is_asked_for_where_it_can_be_compared() -> None:
    desired = wanted(function(token=SecretValue("${secret:gcp/A}")))

    assert asked(desired, [entry()], [entry(token=OLD)]) == {"${secret:gcp/A}"}
    assert asked(desired, [entry()], [entry(token=SecretValue("${secret:gcp/A}"))]) == frozenset()


def test_secrets_inside_a_map_are_compared_one_by_one() -> None:
    values = {
        "A": SecretValue("${secret:gcp/A}"),
        "B": "plain",
        "C": SecretValue("${secret:env/COPY}"),
    }
    base = entry(env={"A": OLD, "B": "plain", "C": SecretValue("${secret:env/COPY}", TWO)})

    same = changes([function(env=values)], [base], known(a=(ONE, "1"), copy=(TWO, None)))
    other = changes([function(env=values)], [base], known(a=(TWO, "2"), copy=(TWO, None)))

    assert asked(wanted(function(env=values)), [base], [base]) == {
        "${secret:gcp/A}",
        "${secret:env/COPY}",
    }
    assert same == ()
    assert [change.field_changes[0].field for change in other] == ["env"]


@pytest.mark.parametrize(
    ("values", "way"),
    [
        ({"A": OLD, "B": "plain"}, Way.REFERENCE),
        ({"A": OLD, "B": SecretValue(None, ONE, sealed="age")}, Way.SEALED),
        ({"A": OLD, "B": SecretValue(None)}, Way.NOWHERE),
    ],
)
def test_a_map_can_be_had_again_as_its_hardest_secret(
    shop: SimpleNamespace, values: dict[str, Any], way: Way
) -> None:
    found = {one.field: one.way for one in restorability(shop.snapshot(entry(env=values)), MODELS)}

    assert found["env"] is way


# --- Outputs


def test_a_longer_text_with_an_output_follows_what_its_place_gives() -> None:
    item, live = hook(secret=SecretValue(PLACE, TWO, "2"))
    text = f"Bearer {WIRED}"
    unwired = f"Bearer {PLACE}"
    before = entry(token=SecretValue(text, ONE))
    witness = Witness({PLACE: SecretValue(PLACE, TWO, "2"), unwired: SecretValue(unwired, LONGER)})

    found = changes([item, function(token=SecretValue(text))], [live, before], witness)

    assert unwired in asked(
        wanted(item, function(token=SecretValue(text))), [live, before], [live, before]
    )
    (change,) = found
    assert change.after() == {"token": SecretValue(text, LONGER)}


def test_of_a_place_that_is_put_right_in_this_plan_nothing_is_said_yet() -> None:
    item, live = hook(secret=SecretValue(PLACE, ONE, "1"))
    text, unwired = f"Bearer {WIRED}", f"Bearer {PLACE}"
    witness = Witness({PLACE: SecretValue(PLACE, TWO, "2"), unwired: SecretValue(unwired, LONGER)})

    values = settled(function(token=SecretValue(text)), witness, live, entry(), others=(item,))

    assert values["token"] == SecretValue(text)


def test_a_consumer_gets_an_output_that_is_put_back_from_elsewhere() -> None:
    item, live = hook(secret=SecretValue(PLACE, ONE))
    copy = Entry(
        "test.function/g", "test.function", "g-1", {"token": SecretValue("${secret:env/COPY}", ONE)}
    )
    witness = known(place=(TWO, None), copy=(ONE, None))

    found = changes(
        [item, function(token=SecretValue(WIRED))],
        [live, entry(token=SecretValue(WIRED, ONE)), copy],
        witness,
        live=[live, entry(2), copy],
    )

    assert [(change.address, change.action) for change in found] == [
        (HOOK, Action.UPDATE),
        (CONSUMER, Action.UPDATE),
    ]
    assert found[0].keeps == {"secret": SecretValue("${secret:env/COPY}", ONE)}
    assert found[1].after() == {"token": SecretValue(WIRED, ONE)}


# --- Digests that the vendor shows


@pytest.mark.parametrize(
    ("told", "now", "origins"),
    [
        (True, ONE, []),
        (False, ONE, [Origin.DRIFT]),
        (True, TWO, [Origin.DRIFT]),
        (False, TWO, []),
        (False, FOREIGN, []),
    ],
    ids=["equal", "unequal", "live is what the store gives now", "neither", "not to be told"],
)
def test_a_digest_tells_of_a_snapshots_value_only_if_the_store_still_gives_it(
    now: str, origins: list[Origin], *, told: bool
) -> None:
    """The digest is compared with what the reference gives now, which may be another value than the snapshot's."""
    both = [entry(env={}, token=OLD, digests={"token": "00"})]
    witness = known(a=(now, None), a1=(ONE, "1"))._replace(agreeing={(CONSUMER, "token"): told})

    found = changes([function(token=OLD)], both, witness)

    assert [field.origin for change in found for field in change.field_changes] == origins
    assert "${secret:gcp/A}" in asked(wanted(function(token=OLD)), both, both)


def test_another_reference_is_no_drift_although_the_digest_differs() -> None:
    item = function(token=SecretValue("${secret:env/COPY}"))
    witness = known(copy=(TWO, None))._replace(agreeing={(CONSUMER, "token"): False})

    (change,) = changes([item], [entry(token=OLD)], witness)

    assert [field.origin for field in change.field_changes] == [Origin.INTENT]


def changes(
    items: list[Declared], base: list[Entry], witness: Witness, live: list[Entry] | None = None
) -> Any:
    def taken(entries: list[Entry]) -> Snapshot:
        header = SnapshotHeader(
            environment="test", taken_at="2026-11-19T02:00:00Z", tool_version="0"
        )
        return Snapshot(header, tuple(entries))

    seen = taken(base if live is None else live)
    return decide(wanted(*items), seen, taken(base), today="2026-11-19", witness=witness).changes
