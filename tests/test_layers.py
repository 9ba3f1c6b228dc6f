"""What holds of the repository as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from reconciler.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "reconciler").rglob("*.py"))
HINT = re.compile(r"reconciler ([a-z]+)(?= (?:ENV|[A-Z{\"'+]|sandbox|kinds|schema)|[`\"'])")
PROSE = {"environment", "resources"}
"""Words that follow the name in the titles of schemas."""


def test_imports_point_down() -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as main; main()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-3000:]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_a_file_of_its_name(name: str) -> None:
    module = import_module(f"reconciler.cli.{name}_command")

    assert isinstance(module.command, click.Command)
    assert module.command.name == name


def test_every_command_that_a_message_names_is_there() -> None:
    named = {
        (word, path.name)
        for path in SOURCES
        for word in HINT.findall(path.read_text(encoding="utf-8"))
        if word not in PROSE
    }

    assert named
    assert [one for one in sorted(named) if one[0] not in COMMANDS] == []


def test_no_file_is_of_one_machine() -> None:
    folders = ("reconciler", "tests", "desired_state", "benchmarks", "docs", "schemas")
    texts = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".yaml", ".json", ".md", ".toml"}
    ]
    own = re.compile(r"(?<![\w.])/(?:home|Users|work)/\w+")

    found = [
        path.relative_to(ROOT).as_posix()
        for path in texts
        if own.search(path.read_text(encoding="utf-8"))
    ]

    assert found == []
