"""What a look found: each thing once, what mends it on a line that can be copied, and nothing that acts."""

from __future__ import annotations

import pytest

from reconciler.core.diagnostic import Diagnostic, Place
from reconciler.core.errors import (
    InvalidInput,
    LockHeld,
    PartialRead,
    PermissionDenied,
    ReconcilerError,
    SecretUnavailable,
    Unauthenticated,
    Unavailable,
)
from reconciler.core.examination import Trouble, doubtful, failed, fine, untried, wrong
from reconciler.render.doctor_text import doctor_json, doctor_text

FOUND = (
    fine("lock", "free"),
    doubtful("base", "no snapshot yet", "reconciler snapshot production --label good"),
    wrong("secret env/KEY", "not set", "export KEY=…", Trouble.DENIED),
    untried("clock", "no vendor answered"),
)


def test_each_thing_has_a_line_and_its_mend_another() -> None:
    assert doctor_text("production", FOUND) == (
        "production\n"
        "\n"
        "ok    lock   free\n"
        "warn  base   no snapshot yet\n"
        "          reconciler snapshot production --label good\n"
        "FAIL  secret env/KEY   not set\n"
        "          export KEY=…\n"
        "-     clock   not tried: no vendor answered\n"
        "\n"
        "1 ok, 1 warning, 1 failed, 1 not tried\n"
    )


def test_what_was_all_tried_is_not_counted_as_untried() -> None:
    assert doctor_text("e", FOUND[:1]).endswith("1 ok, 0 warnings, 0 failed\n")


def test_a_mend_is_never_broken_and_a_finding_is() -> None:
    command = "reconciler " + "x" * 60 + " --option " + "y" * 60

    text = doctor_text("e", [doubtful("base", "word " * 40, command)], width=60)

    assert f"          {command}\n" in text
    assert all(len(line) <= 60 for line in text.splitlines() if command not in line)


def test_a_mend_of_several_lines_keeps_them() -> None:
    text = doctor_text("e", [doubtful("base", "b", "first\nsecond")])

    assert "          first\n          second\n" in text


def test_hostile_words_do_not_act() -> None:
    text = doctor_text("e", [wrong("a\x1b[2J", "b\u202ec", "d\x07")])

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert r"a\x1b[2J" in text


def test_colours_only_add_to_the_words() -> None:
    painted = doctor_text("e", FOUND, color=True)

    assert "\x1b[1;31mFAIL" in painted
    assert "\x1b" not in doctor_text("e", FOUND)


def test_the_document() -> None:
    document = doctor_json("production", FOUND, 4)

    assert document["environment"] == "production"
    assert document["exit_code"] == 4
    assert document["summary"] == {"ok": 1, "warn": 1, "fail": 1, "untried": 1}
    assert document["checks"][2] == {
        "subject": "secret env/KEY",
        "standing": "fail",
        "found": "not set",
        "mend": "export KEY=…",
        "trouble": "denied",
    }


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (Unauthenticated("no", vendor="stripe"), Trouble.DENIED),
        (PermissionDenied("no", vendor="stripe"), Trouble.DENIED),
        (SecretUnavailable("no"), Trouble.DENIED),
        (Unavailable("no", vendor="stripe"), Trouble.UNKNOWN),
        (PartialRead("no"), Trouble.UNKNOWN),
        (LockHeld("no"), Trouble.NONE),
        (ReconcilerError("no"), Trouble.NONE),
    ],
)
def test_an_error_is_denied_or_unknown_or_neither(error: ReconcilerError, trouble: Trouble) -> None:
    assert failed("x", error).trouble is trouble


def test_of_several_errors_the_first_is_told_with_its_place() -> None:
    place = Place(file="desired_state/e/a.yaml", line=7, column=3)
    first = Diagnostic(summary="Unknown key", detail="vlaue.\nPerhaps value?", place=place)
    error = InvalidInput([first, Diagnostic(summary="Another")])

    found = failed("files", error, further="reconciler validate e")

    assert found.found == (
        "desired_state/e/a.yaml:7:3: Unknown key (1 more). vlaue. Perhaps value?"
    )
    assert found.mend == "reconciler validate e"
