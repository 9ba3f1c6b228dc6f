"""Consent comes from flags or from a person at a terminal. Never from a pipe, never by default."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Shop

COMMANDS = [("apply", "sandbox"), ("rollback", "sandbox"), ("rollback", "sandbox", "--to", "good")]


class Terminal(io.StringIO):
    """Someone who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def drifted(good: Shop) -> Shop:
    good.click(url="https://old.example/stripe")
    return good


def types(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Sit down at a terminal and type."""
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_terminal_nothing_is_asked_and_nothing_done(
    drifted: Shop, command: tuple[str, ...]
) -> None:
    ran = drifted.run(*command)

    assert ran.code == 5
    assert "add --yes" in ran.err
    assert "Go on?" not in ran.all
    assert drifted.world.writes() == ()


def test_a_piped_yes_is_no_consent(drifted: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\nyes\nsandbox\n"))

    ran = drifted.run("apply", "sandbox")

    assert ran.code == 5
    assert drifted.world.writes() == ()


def test_a_person_is_told_the_consequences_and_asked_once(
    drifted: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, "y\n")

    ran = drifted.run("apply", "sandbox")

    assert ran.code == 0
    assert ran.err.count("Go on?") == 1
    assert "1 changes with 1 calls in sandbox (stripe acct_1SandboxShop test" in ran.err
    assert drifted.endpoint()["url"] == "https://shop.example/api/webhooks/stripe"


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_no_and_return_mean_no(drifted: Shop, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    types(monkeypatch, answer)

    ran = drifted.run("apply", "sandbox")

    assert ran.code == 5
    assert drifted.world.writes() == ()


def test_the_end_of_input_is_an_interruption(
    drifted: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, "")

    ran = drifted.run("apply", "sandbox")

    assert ran.code == 130
    assert drifted.world.writes() == ()


def test_a_protected_environment_wants_its_name(drifted: Shop) -> None:
    drifted.protect()

    ran = drifted.run("apply", "sandbox", "--yes")

    assert ran.code == 5
    assert "--yes --confirm sandbox" in ran.err
    assert drifted.world.writes() == ()


@pytest.mark.parametrize("name", ["production", "Sandbox", "sandbox ", ""])
def test_another_name_is_refused(drifted: Shop, name: str) -> None:
    drifted.protect()

    ran = drifted.run("apply", "sandbox", "--yes", "--confirm", name)

    assert ran.code == 5
    assert drifted.world.writes() == ()


def test_a_wrong_name_is_refused_where_none_is_needed(drifted: Shop) -> None:
    ran = drifted.run("apply", "sandbox", "--yes", "--confirm", "production")

    assert ran.code == 5
    assert "is not the name of this environment, sandbox" in ran.err
    assert drifted.world.writes() == ()


def test_the_right_name_lets_it_through(drifted: Shop) -> None:
    drifted.protect()

    assert drifted.run("apply", "sandbox", "--yes", "--confirm", "sandbox").code == 0


@pytest.mark.parametrize(("typed", "code"), [("sandbox\n", 0), ("y\n", 5), ("production\n", 5)])
def test_a_person_types_the_name_of_a_protected_environment(
    drifted: Shop, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    drifted.protect()
    types(monkeypatch, typed)

    ran = drifted.run("apply", "sandbox")

    assert ran.code == code
    assert (drifted.world.writes() == ()) is (code != 0)


def test_what_cannot_be_undone_is_said_before_the_question(
    good: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.edit("payments.yaml", '"2024-06-20"', '"2025-01-27"')
    types(monkeypatch, "n\n")

    ran = good.run("apply", "sandbox", "--allow-replace", "stripe.webhook_endpoint/connect")

    question = ran.err.index("Go on?")
    assert ran.err.index("stripe.webhook_endpoint/connect: lossy") < question
