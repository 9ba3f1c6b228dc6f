"""What starting costs and promises: nothing heavy is imported, nothing is assumed of the terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reconciler
from reconciler.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Run, Shop

ROOT = Path(__file__).parents[2]
HEAVY = {
    "deepdiff",
    "google",
    "httpx",
    "jsonschema",
    "pydantic",
    "rich",
    "ruamel",
    "starlette",
    "stripe",
    "uvicorn",
    "yaml",
}


def imported_by(*arguments: str) -> set[str]:
    """Return the top-level modules that a command imports."""
    program = (
        "import json, sys; from reconciler.cli.main import main; main(sys.argv[1:]);"
        "found = {name.partition('.')[0] for name, one in sys.modules.items() if one is not None};"
        "print(json.dumps(sorted(found)))"
    )
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_help_imports_nothing_heavy(argument: str) -> None:
    assert HEAVY & imported_by(argument) == set()


def test_validating_imports_no_vendor_sdk_and_no_server() -> None:
    unwanted = {"deepdiff", "google", "httpx", "rich", "starlette", "stripe", "uvicorn"}

    assert unwanted & imported_by("validate", "sandbox") == set()


def test_it_runs_as_a_module(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("--version")

    out, err = process.communicate(timeout=20)

    assert (process.returncode, out, err) == (0, f"reconciler {reconciler.__version__}\n", "")


def test_help_lists_every_command(run: Run) -> None:
    ran = run("--help")

    assert ran.code == 0
    assert all(f"  {name} " in ran.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own(run: Run, command: str) -> None:
    ran = run(command, "--help")

    assert ran.code == 0
    assert ran.err == ""
    assert f"reconciler {command}" in ran.out


def test_no_arguments_show_the_help(run: Run) -> None:
    ran = run()

    assert "Commands:" in ran.all
    assert ran.code in {0, 1}


def test_a_reader_that_goes_away_is_no_traceback(
    good: Shop, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start("-C", good.root, "show", "good")
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait(20) in {0, 1}


def test_drift_is_drift_when_the_reader_has_gone(
    good: Shop, start: Callable[..., subprocess.Popen[str]]
) -> None:
    good.click(url="https://old.example/stripe")
    process = start("-C", good.root, "drift", "sandbox")
    assert process.stdout is not None

    process.stdout.close()

    assert process.wait(20) == 2


def test_a_command_that_was_cut_short_is_no_success(
    good: Shop, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """With unbuffered output the plan cannot be shown, so nothing may be applied."""
    good.click(url="https://old.example/stripe")
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    reading, writing = os.pipe()
    os.close(reading)

    process = start("-C", good.root, "apply", "sandbox", "--yes", stdout=writing, env=environ)
    os.close(writing)
    code = process.wait(20)

    assert code == 1
    assert good.world.writes() == ()


def test_the_result_alone_is_on_stdout(good: Shop) -> None:
    good.click(url="https://old.example/stripe")

    ran = good.run("apply", "sandbox", "--yes", "--format", "json")

    assert ran.json["result"] == "done"
    assert "stripe.webhook_endpoint/payments" in ran.err


def test_a_plan_on_stdout_is_not_mixed_with_remarks(good: Shop) -> None:
    ran = good.done("plan", "sandbox", "-o", "a.plan", "--format", "json")

    assert ran.json["environment"] == "sandbox"
    assert "Saved to a.plan" in ran.err


def on_a_terminal(shop: Shop, *arguments: str, **environ: str) -> str:
    """Return what a command writes when it has a terminal."""
    main_end, terminal = pty.openpty()
    surroundings: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "reconciler", "-C", str(shop.root), *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**surroundings, **environ},
    ):
        os.close(terminal)
        written = b""
        try:
            while chunk := os.read(main_end, 4096):
                written += chunk
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(main_end)
    return written.decode()


def test_a_terminal_gets_colours(good: Shop) -> None:
    good.click(url="https://old.example/stripe")

    assert "\x1b[" in on_a_terminal(good, "plan", "sandbox")


@pytest.mark.parametrize(
    ("environ", "option"),
    [({"NO_COLOR": "1"}, ()), ({"TERM": "dumb"}, ()), ({}, ("--no-color",))],
    ids=["NO_COLOR", "TERM=dumb", "--no-color"],
)
def test_colours_can_be_refused(
    good: Shop, environ: dict[str, str], option: tuple[str, ...]
) -> None:
    good.click(url="https://old.example/stripe")

    assert "\x1b" not in on_a_terminal(good, *option, "plan", "sandbox", **environ)


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"TERM": "dumb"}], ids=["CI", "TERM=dumb"])
def test_progress_does_not_move_where_it_cannot(good: Shop, environ: dict[str, str]) -> None:
    good.click(url="https://old.example/stripe")

    written = on_a_terminal(good, "apply", "sandbox", "--yes", NO_COLOR="1", **environ)

    assert "\x1b" not in written
    assert "[1/1] ~ stripe.webhook_endpoint/payments" in written


def test_a_pipe_gets_no_colours(good: Shop) -> None:
    good.click(url="https://old.example/stripe")

    ran = good.run("apply", "sandbox", "--yes")

    assert "\x1b" not in ran.all
