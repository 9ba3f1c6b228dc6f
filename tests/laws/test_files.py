"""Digests and files: equal values have equal bytes, and altered bytes are refused."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.digest import canonical, digest
from reconciler.core.errors import CorruptFile
from reconciler.core.secret import SecretValue
from reconciler.core.stored import parse_snapshot, snapshot_text

if TYPE_CHECKING:
    import random
    from types import SimpleNamespace

    from reconciler.core.state import Snapshot

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def read(text: str) -> Snapshot:
    return parse_snapshot(io.StringIO(text), "s.jsonl")


@given(value=st.dictionaries(st.text(max_size=3), values), seed=st.randoms(use_true_random=False))
def test_a_digest_does_not_depend_on_the_order_of_keys(
    value: dict[str, Any], seed: random.Random
) -> None:
    keys = list(value)
    seed.shuffle(keys)

    turned = {key: value[key] for key in keys}

    assert digest(turned) == digest(value)
    assert canonical(turned) == canonical(value)


def test_a_digest_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from reconciler.core.behaviour import plain\n"
        "from reconciler.core.digest import digest\n"
        "print(digest(plain(frozenset('paid failed refunded é'.split()))))"
    )

    def told(seed: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert told("1") == told("2")


@given(data=st.data())
def test_a_snapshot_survives_its_file(lab: SimpleNamespace, data: st.DataObject) -> None:
    entries = [
        lab.entry(
            {**data.draw(lab.live_values), "token": SecretValue("${secret:env/A}")},
            address=data.draw(st.none() | st.just(f"test.queue/{number}")),
            remote_id=f"id-{number}",
            owned=("name", "labels.team"),
            evidence={"written_at": number},
        )
        for number in range(data.draw(st.integers(0, 3)))
    ]
    snapshot = lab.snapshot(*entries, note=data.draw(st.text(max_size=5)))

    text = snapshot_text(snapshot)
    found = read(text)

    assert found.entries == snapshot.entries
    assert snapshot_text(found) == text


@pytest.fixture(scope="module")
def stored(lab: SimpleNamespace) -> str:
    values = {"name": "mail", "events": ["paid"], "labels": {"team": "é"}}
    return snapshot_text(lab.snapshot(lab.entry(values), note="before the deploy"))


def test_every_altered_byte_of_a_snapshot_is_refused(stored: str) -> None:
    raw = stored.encode()
    accepted = []

    for at in range(len(raw)):
        altered = bytes([*raw[:at], raw[at] ^ 1, *raw[at + 1 :]]).decode("utf-8", "replace")
        try:
            read(altered)
        except CorruptFile:
            continue
        accepted.append(at)

    assert accepted == []


def test_every_cut_off_snapshot_is_refused(stored: str) -> None:
    for length in range(len(stored)):
        with pytest.raises(CorruptFile) as caught:
            read(stored[:length])

        assert "s.jsonl" in caught.value.summary


@given(extra=st.text(min_size=1, max_size=5))
def test_a_snapshot_with_something_after_it_is_refused(stored: str, extra: str) -> None:
    with pytest.raises(CorruptFile):
        read(stored + extra)


def test_a_file_of_a_newer_format_is_refused_by_name(stored: str) -> None:
    newer = stored.replace('"format_version":1', '"format_version":2', 1)

    with pytest.raises(CorruptFile) as caught:
        read(newer)

    assert "newer version" in caught.value.summary
    assert "upgrade" in caught.value.mend
