"""The sandbox as a process, and the demo that runs on it."""

from __future__ import annotations

import json
import signal
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_its_first_line_is_json_and_a_signal_ends_it(
    start: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = start("sandbox", "serve", "--port", "0")
    assert process.stdout is not None

    urls = json.loads(process.stdout.readline())
    answer = httpx.get(f"{urls['control']}/requests", trust_env=False)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)

    assert set(urls) >= {"stripe", "vercel", "control"}
    assert answer.json() == []
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_said_plainly(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ran = run("sandbox", "serve", "--port", str(port))

    assert ran.code == 1
    assert f"port {port}, wanted for stripe, is in use" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--vendors", "stripe,paypl"), "the sandbox has no paypl"),
        (("--seed", "nowhere.json"), "nowhere.json: cannot be read"),
        (("--seed", "list.json"), "a seed is a JSON object"),
        (("--seed", "foreign.json"), "a seed for paypal"),
        (("--latency", "soon"), "expected something like 80ms"),
        (("--latency", "-1s"), "expected something like 80ms"),
        (("--latency", "nans"), "expected something like 80ms"),
        (("--port", "70000"), "70000"),
        (("--port", "x"), "'x'"),
    ],
)
def test_what_cannot_be_served_is_refused(
    run: Run, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "foreign.json").write_text('{"paypal": {}}')

    ran = run("-C", tmp_path, "sandbox", "serve", *options)

    assert ran.code == 1
    assert said in ran.err
    assert ran.out == ""


def test_the_demo_ends_well_and_each_command_is_shown_as_it_can_be_typed(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "a folder, très long"
    (folder / ".demo" / "snapshots" / "sandbox").mkdir(parents=True)
    (folder / ".demo" / "snapshots" / "sandbox" / "labels.json").write_text("of an earlier demo")

    process = start("demo", cwd=folder)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert out.count("  ok   ") >= 4
    assert "WRONG" not in out
    commands = [line for line in out.splitlines() if line.startswith("$ ")]
    assert commands[0] == "$ reconciler -C .demo validate sandbox"
    assert any(" rollback sandbox --to good" in line for line in commands)
