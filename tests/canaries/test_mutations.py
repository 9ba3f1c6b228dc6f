"""The search for canaries can fail: with a step of masking taken out, it finds a leak."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.canaries import test_canaries as nights
from tests.canaries.mutations import MUTATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.canaries.conftest import MakeNight
    from tests.canaries.night import Night


def apply_with_a_trace(night: Night) -> None:
    night.run("apply", "night", "--yes", options=("-vv", "--trace", "trace.jsonl"))


def use_what_was_pasted(night: Night) -> None:
    nights.use_what_was_pasted(night)


def works_with(habit: str) -> Callable[[Night], None]:
    def work(night: Night) -> None:
        nights.work_with(night, habit)

    return work


class Proof(NamedTuple):
    """Steps that are taken out together, what is done then, and where a leak must be found.

    One step alone leaks, unless another stands behind it: then each alone must not, and all together must.
    """

    steps: tuple[str, ...]
    act: Callable[[Night], None]
    where: str = ""
    in_short: bool = False

    def __str__(self) -> str:
        return " and ".join(self.steps)


PROOFS = (
    Proof(("no form for URLs",), works_with("is defective"), "out/"),
    Proof(("no form for JSON",), works_with("is defective"), "out/"),
    Proof(("no form for Python",), works_with("is defective"), "out/"),
    Proof(("no form for YAML",), works_with("is defective"), "out/"),
    Proof(("no form for shells",), works_with("is defective"), "out/"),
    Proof(("no form for markup",), works_with("is defective"), "out/"),
    Proof(("no hexadecimal",), works_with("is defective"), "out/"),
    Proof(("no base64",), works_with("is defective"), "out/", in_short=True),
    Proof(("no lines",), works_with("is defective"), "out/"),
    Proof(("no forms of the renderers",), use_what_was_pasted, "out/"),
    Proof(("streams unmasked",), works_with("talks"), "out/", in_short=True),
    Proof(("pieces not held back",), works_with("talks"), "out/", in_short=True),
    Proof(("bytes past the text",), works_with("talks"), "out/"),
    Proof(("trace not redacted",), apply_with_a_trace, "trace.jsonl: secret", in_short=True),
    Proof(
        ("trace with credentials", "trace not masked"), apply_with_a_trace, "trace.jsonl: NIGHT_"
    ),
    Proof(("trace not masked",), nights.repeat_in_every_encoding, "trace.jsonl"),
    Proof(("store not guarded",), use_what_was_pasted, "snapshots/", in_short=True),
    Proof(("SDK not silenced",), works_with("logs"), "out/"),
    Proof(
        ("words of vendors not cleaned", "reasons not masked", "streams unmasked"),
        nights.repeat_in_every_encoding,
        "out/",
    ),
    Proof(
        ("journal not masked", "store not guarded"),
        works_with("breaks writes"),
        "journal.jsonl",
        in_short=True,
    ),
    Proof(("reasons not masked", "store not guarded"), works_with("breaks reads"), "b.json"),
    Proof(("trace with bodies of stores", "trace not redacted"), apply_with_a_trace, "in gcp"),
)
CHOSEN = [one for one in PROOFS if one.in_short or os.environ.get("RECONCILER_LONG")]


def test_every_step_is_taken_out_once() -> None:
    assert {step for proof in PROOFS for step in proof.steps} == set(MUTATIONS)


@pytest.mark.parametrize("proof", CHOSEN, ids=str)
def test_without_a_step_the_search_finds_a_leak(make_night: MakeNight, proof: Proof) -> None:
    night = make_night(*proof.steps)

    proof.act(night)

    assert [leak for leak in night.leaks() if proof.where in leak] != []


@pytest.mark.parametrize("proof", [one for one in CHOSEN if len(one.steps) > 1], ids=str)
def test_of_steps_that_stand_behind_each_other_one_is_enough(
    make_night: MakeNight, proof: Proof
) -> None:
    for step in proof.steps:
        night = make_night(step)

        proof.act(night)

        assert [leak for leak in night.leaks() if proof.where in leak] == [], step
