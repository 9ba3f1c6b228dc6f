"""What becomes of a secret that is given away once, when a process goes on with what another began."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.change import Action, Change
from reconciler.core.errors import SecretUnavailable
from reconciler.core.ports import Created
from reconciler.core.secret import SecretValue
from reconciler.engine.filling import Made
from reconciler.engine.keeping import Keeper

ADDRESS = "acme.hook/payments"
PLACE = "${secret:vault/payments}"
CHANGE = Change(
    address=ADDRESS,
    kind="acme.hook",
    action=Action.CREATE,
    reason="declared, and not there",
    capture={"secret": PLACE},
)
MADE = Created("hook_1", {"secret": "FAKE new"})


class Versions:
    """A secret source that keeps every value in a version of its own, and says what is asked of it."""

    def __init__(self, *values: str, readable: bool = True) -> None:
        self.values = list(values)
        self._readable = readable

    def learn(self, value: str) -> None:
        """Nothing is shown here."""

    def fingerprint(self, value: str) -> str:
        return f"fingerprint of {value}"

    def known(self, text: str) -> SecretValue:
        if not (self.values and self._readable):
            raise SecretUnavailable("it cannot be read")
        return SecretValue(text, self.fingerprint(self.values[-1]), str(len(self.values)))

    def keep(self, reference: str, value: str) -> SecretValue:
        self.values.append(value)
        return SecretValue(reference, self.fingerprint(value), str(len(self.values)))


class Told:
    """A journal in memory."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def append(self, event: str, **facts: Any) -> None:
        del facts
        self.events.append(event)

    def close(self) -> None:
        """Nothing is open."""


def kept(source: Versions, made: Made, in_flight: frozenset[str]) -> list[str]:
    """Keep what the vendor gave; return what the journal was told."""
    journal = Told()
    Keeper(source, journal, made, in_flight).keep_outputs(CHANGE, MADE)  # type: ignore[arg-type]
    return journal.events


def test_a_new_secret_is_stored_without_a_look_at_its_place() -> None:
    source = Versions("FAKE new")

    events = kept(source, Made(), frozenset())

    assert source.values == ["FAKE new", "FAKE new"]
    assert events == ["captured"]


def test_what_was_stored_before_the_journal_said_so_gets_no_second_version() -> None:
    source, made = Versions("FAKE old", "FAKE new"), Made()

    events = kept(source, made, frozenset({ADDRESS}))

    assert source.values == ["FAKE old", "FAKE new"]
    assert events == ["captured"]
    assert made.outputs[ADDRESS, "secret"].version == "2"


def test_what_the_journal_said_is_not_said_again() -> None:
    source = Versions("FAKE new")
    made = Made(outputs={(ADDRESS, "secret"): source.known(PLACE)})

    events = kept(source, made, frozenset({ADDRESS}))

    assert source.values == ["FAKE new"]
    assert events == []


@pytest.mark.parametrize("values", [["FAKE old"], []], ids=["another", "none"])
@pytest.mark.parametrize("sealed", [None, "FAKE sealed"], ids=["stored", "sealed"])
def test_what_the_journal_says_is_stored_again_where_its_place_does_not_give_it(
    values: list[str], sealed: str | None
) -> None:
    source = Versions(*values)
    said = SecretValue(None if sealed else PLACE, source.fingerprint("FAKE new"), sealed=sealed)

    kept(source, Made(outputs={(ADDRESS, "secret"): said}), frozenset({ADDRESS}))

    assert source.values == [*values, "FAKE new"]


def test_where_nobody_may_look_it_is_stored_rather_twice_than_never() -> None:
    source = Versions("FAKE new", readable=False)

    kept(source, Made(), frozenset({ADDRESS}))

    assert source.values == ["FAKE new", "FAKE new"]
