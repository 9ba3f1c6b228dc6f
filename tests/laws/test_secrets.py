"""Secrets as values: what is known of them, how they are compared, and what is done about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.change import Action, Change, FieldChange, Origin
from reconciler.core.finding import Weight
from reconciler.core.planning import decide
from reconciler.core.revocation import Revocation, revoked_findings
from reconciler.core.secret import (
    Deferred,
    SecretValue,
    decode,
    encode,
    same_secret,
    secrets_in,
)
from reconciler.core.witness import Witness, asked_for, scene_of, settle

if TYPE_CHECKING:
    from types import SimpleNamespace

HASH = "hmac-sha256"
OURS, THEIRS = "11111111", "22222222"
ADDRESS = "test.queue/q"
CLOSED = {"name": "mail", "events": ["paid"], "type": "closed"}


def hashed(key: str, number: int) -> str:
    return f"{HASH}:{key}:{number:032x}"


our_fingerprints = st.builds(hashed, st.just(OURS), st.integers(0, 2))
fingerprints = st.builds(hashed, st.sampled_from([OURS, THEIRS]), st.integers(0, 2))
REFERENCES = (
    "${secret:env/A}",
    "${secret:gcp/B}",
    "${secret:gcp/B@2}",
    "Bearer ${secret:env/A}",
    "${secret:env/A}:${secret:gcp/C}",
)
references = st.sampled_from(REFERENCES)
versions = st.none() | st.sampled_from(["1", "2"])
secrets = st.builds(
    SecretValue,
    st.none() | references,
    st.none() | fingerprints,
    versions,
    st.none() | st.just("age"),
)
knowledge = st.dictionaries(
    references, st.tuples(fingerprints, versions), max_size=len(REFERENCES)
).map(lambda told: {text: SecretValue(text, *known) for text, known in told.items()})


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(["url", "token", "secret"])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=6,
    )


def in_queue(secret: SecretValue) -> dict[str, Any]:
    return {**CLOSED, "token": secret}


# --- As values


@given(value=nested(secrets | st.builds(Deferred, references) | st.none() | st.text(max_size=3)))
def test_a_secret_comes_back_from_a_file_with_version_and_seal(value: Any) -> None:
    assert decode(json.loads(json.dumps(encode(value)))) == value


@given(one=secrets, other=secrets)
def test_sameness_has_no_direction(one: SecretValue, other: SecretValue) -> None:
    assert same_secret(one, other) is same_secret(other, one)


@given(one=secrets, other=secrets, hashes=st.tuples(our_fingerprints, our_fingerprints))
def test_fingerprints_of_one_key_decide_alone(
    one: SecretValue, other: SecretValue, hashes: tuple[str, str]
) -> None:
    one, other = one._replace(fingerprint=hashes[0]), other._replace(fingerprint=hashes[1])

    assert same_secret(one, other) is (one.fingerprint == other.fingerprint)


@given(one=secrets, other=secrets)
def test_across_keys_only_versions_of_one_reference_tell(
    one: SecretValue, other: SecretValue
) -> None:
    one = one._replace(fingerprint=hashed(OURS, 0))
    other = other._replace(fingerprint=hashed(THEIRS, 0))

    told = same_secret(one, other)

    has_versions = one.version is not None and other.version is not None
    is_one_place = one.reference is not None and one.reference == other.reference
    assert (told is not None) is (has_versions and is_one_place)


# --- As files declare them


@given(reference=references, fingerprint=our_fingerprints, version=versions)
def test_what_gives_what_was_applied_is_no_change(
    lab: SimpleNamespace, reference: str, fingerprint: str, version: str | None
) -> None:
    known = SecretValue(reference, fingerprint, version)

    found = planned(lab, SecretValue(reference), known, {reference: known})

    assert found.changes == ()


@given(
    reference=references,
    before=our_fingerprints,
    now=our_fingerprints,
    versions=st.tuples(versions, versions),
)
def test_what_gives_another_value_is_one_change_and_then_none(
    lab: SimpleNamespace,
    reference: str,
    before: str,
    now: str,
    versions: tuple[str | None, str | None],
) -> None:
    assume(before != now)
    known = SecretValue(reference, now, versions[1])
    base = SecretValue(reference, before, versions[0])

    first = planned(lab, SecretValue(reference), base, {reference: known})
    second = planned(lab, SecretValue(reference), known, {reference: known})

    (change,) = first.changes
    assert [(one.field, one.origin) for one in change.field_changes] == [("token", Origin.INTENT)]
    assert change.after()["token"] == known
    assert second.changes == ()


@given(reference=references, before=our_fingerprints, version=versions)
def test_what_another_key_hashed_is_a_note_and_no_change(
    lab: SimpleNamespace, reference: str, before: str, version: str | None
) -> None:
    known = SecretValue(reference, hashed(THEIRS, 7), version)

    found = planned(lab, SecretValue(reference), SecretValue(reference, before), {reference: known})

    assert found.changes == ()
    (note,) = found.findings
    assert (note.weight, note.address) == (Weight.NOTE, ADDRESS)
    assert "another key" in note.message


@given(reference=references, base=secrets)
def test_a_store_that_does_not_answer_changes_nothing(
    lab: SimpleNamespace, reference: str, base: SecretValue
) -> None:
    silent = {reference: "gcp does not answer"}

    found = planned(lab, SecretValue(reference), base._replace(reference=reference), {}, silent)

    assert found.changes == ()
    assert "not_compared" in {finding.rule for finding in found.findings}


# --- As a snapshot wants them


@given(wanted=secrets, base=secrets, elsewhere=secrets, known=knowledge)
def test_a_way_that_is_found_leads_to_the_wanted_value(
    lab: SimpleNamespace,
    wanted: SecretValue,
    base: SecretValue,
    elsewhere: SecretValue,
    known: dict[str, SecretValue],
) -> None:
    assume(wanted.fingerprint is not None)
    found = settled(lab, wanted, base, elsewhere, known)

    now = known.get(found.reference or "")
    assert found.reference in {None, wanted.reference, *known}
    if now is not None:
        assert same_value(now, wanted) is not False
    elif wanted.reference is None:
        assert found == wanted


@given(wanted=secrets, base=secrets, elsewhere=secrets, known=knowledge)
def test_a_rollback_never_writes_another_value_than_the_snapshots(
    lab: SimpleNamespace,
    wanted: SecretValue,
    base: SecretValue,
    elsewhere: SecretValue,
    known: dict[str, SecretValue],
) -> None:
    assume(wanted.fingerprint is not None)
    other = lab.entry(
        {**CLOSED, "name": "other", "token": elsewhere}, "test.queue/other", remote_id="id-2"
    )
    items = [lab.declared(in_queue(wanted), owns_all=True)]

    found = decide(
        lab.desired(*items, source="snapshot"),
        lab.snapshot(lab.entry(CLOSED), other),
        lab.snapshot(lab.entry(in_queue(base)), other),
        today="2026-11-19",
        witness=Witness(known=known),
    )

    for change in found.changes:
        sent = [one for one in secrets_in(change.after()) if one.can_be_sent]
        if change.action is Action.MANUAL:
            assert sent == []
        for one in sent:
            now = known.get(one.reference or "")
            assert now is None or same_value(now, wanted) is not False


@given(wanted=secrets, base=secrets, elsewhere=secrets)
def test_only_secret_references_are_asked_and_only_those_that_exist(
    lab: SimpleNamespace, wanted: SecretValue, base: SecretValue, elsewhere: SecretValue
) -> None:
    scene = scene_with(lab, wanted, base, elsewhere)

    asked = asked_for(*scene)

    pinned = {"${secret:gcp/B@1}", "${secret:gcp/B@2}", "${secret:env/A@1}", "${secret:env/A@2}"}
    assert asked <= {*REFERENCES} | pinned


@given(data=st.data())
def test_the_order_of_what_is_declared_and_seen_decides_nothing(
    lab: SimpleNamespace, data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(secrets, min_size=3, max_size=3))
    before = data.draw(st.lists(secrets, min_size=3, max_size=3))
    known = data.draw(knowledge)
    items = [
        lab.declared({**in_queue(one), "name": f"q{n}"}, f"test.queue/q{n}")
        for n, one in enumerate(wanted)
    ]
    entries = [
        lab.entry({**in_queue(one), "name": f"q{n}"}, f"test.queue/q{n}", remote_id=f"id-{n}")
        for n, one in enumerate(before)
    ]

    def made(turn: int) -> Any:
        seen = lab.snapshot(*entries[::turn])
        witness = Witness(known=dict(list(known.items())[::turn]))
        return decide(lab.desired(*items[::turn]), seen, seen, today="2026-11-19", witness=witness)

    assert made(1).changes == made(-1).changes
    assert sorted(made(1).findings, key=repr) == sorted(made(-1).findings, key=repr)


# --- Revoked

BY_HASH = Revocation(fingerprint=hashed(OURS, 1), reason="leaked", date="2026-11-19")
BY_VERSION = Revocation(secret="gcp/B", version="2", reason="leaked", date="2026-11-19")


@pytest.mark.parametrize("way", ["create", "update", "put back", "inside"])
@given(secret=secrets)
def test_a_revoked_value_is_refused_whichever_way_it_comes(way: str, secret: SecretValue) -> None:
    found = list(revoked_findings([change_with(secret, way)], [BY_HASH, BY_VERSION]))

    assert bool(found) is (BY_HASH.is_of(secret) or BY_VERSION.is_of(secret))
    assert {finding.weight for finding in found} <= {Weight.REFUSAL}


@given(reference=references)
def test_a_revoked_value_is_found_inside_a_longer_text(reference: str) -> None:
    revoked = Revocation(fingerprint=hashed(OURS, 5), reason="x", date="2026-11-19")
    part = "${secret:env/A}"
    known = {
        reference: SecretValue(reference, hashed(OURS, 6)),
        part: SecretValue(part, revoked.fingerprint),
    }

    found = list(
        revoked_findings([change_with(SecretValue(reference), "update")], [revoked], known)
    )

    assert bool(found) is (part in reference)


def change_with(secret: SecretValue, way: str) -> Change:
    change = Change(address=ADDRESS, kind="test.queue", action=Action.UPDATE, reason="")
    match way:
        case "create":
            return change.model_copy(update={"values": {"token": secret}})
        case "put back":
            return change.model_copy(update={"keeps": {"token": secret}})
        case "inside":
            return change.model_copy(update={"values": {"env": {"TOKEN": [secret]}}})
        case _:
            field = FieldChange(field="token", after=secret, origin=Origin.INTENT)
            return change.model_copy(update={"field_changes": (field,)})


# --- Short ways


def planned(
    lab: SimpleNamespace,
    declared: SecretValue,
    base: SecretValue,
    known: dict[str, SecretValue],
    silent: dict[str, str] | None = None,
) -> Any:
    return decide(
        lab.desired(lab.declared(in_queue(declared))),
        lab.snapshot(lab.entry(in_queue(base))),
        lab.snapshot(lab.entry(in_queue(base))),
        today="2026-11-19",
        witness=Witness(known=known, silent=silent or {}),
    )


def scene_with(
    lab: SimpleNamespace, wanted: SecretValue, base: SecretValue, elsewhere: SecretValue
) -> tuple[Any, Any]:
    live = {ADDRESS: lab.entry(CLOSED)}
    before = {
        ADDRESS: lab.entry(in_queue(base)),
        "test.queue/other": lab.entry(in_queue(elsewhere), "test.queue/other"),
    }
    desired = lab.desired(lab.declared(in_queue(wanted)))
    return desired, scene_of(desired, live, before)


def settled(
    lab: SimpleNamespace,
    wanted: SecretValue,
    base: SecretValue,
    elsewhere: SecretValue,
    known: dict[str, SecretValue],
) -> SecretValue:
    desired, scene = scene_with(lab, wanted, base, elsewhere)
    item = settle(desired.resources[0], desired, scene, Witness(known=known), frozenset())
    found: SecretValue = item.values["token"]
    return found


def same_value(one: SecretValue, other: SecretValue) -> bool | None:
    return same_secret(one._replace(reference=None), other._replace(reference=None))
