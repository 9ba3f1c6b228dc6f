"""The machine: Python, and the packages that are needed. Asks nobody."""

from __future__ import annotations

import platform
import re
import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import reconciler
from reconciler.core.examination import fine, untried, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.cli.doctoring.case import Case
    from reconciler.core.examination import Examined

_NEEDED: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*\(?(?:>=\s*(?P<floor>\d[\w.]*))?"
)


class Needed(NamedTuple):
    """A package and the lowest version of it that will do; an extra one only matters when it is installed."""

    name: str
    floor: str
    is_extra: bool = False


class Requirements(NamedTuple):
    """What this version needs: the oldest Python, and packages."""

    python: str
    packages: tuple[Needed, ...]


def python_examined(_case: Case) -> Iterator[Examined]:
    """Tell which Python runs this, and where."""
    version = platform.python_version()
    found = (
        f"{platform.python_implementation()} {version} on {platform.system()} {platform.machine()}"
    )
    needed = requirements()
    floor = needed.python if needed is not None else ""
    if floor and tuple(sys.version_info[:3]) < _release(floor):
        yield wrong("python", f"{found}; {floor} or newer is needed", f"apt install python{floor}")
        return
    yield fine("python", found)


def packages_examined(_case: Case) -> Iterator[Examined]:
    """Tell whether the packages are there, and new enough."""
    needed = requirements()
    if needed is None:
        yield untried("packages", "neither package metadata nor pyproject.toml say what is needed")
        return
    missing = [one for one in map(_lack, needed.packages) if one is not None]
    if not missing:
        required = [one for one in needed.packages if not one.is_extra]
        yield fine("packages", f"{len(required)} needed ones are there and new enough")
        return
    names = " ".join(f"'{one.name}>={one.floor}'" for one, _ in missing)
    words = "; ".join(words for _, words in missing)
    yield wrong("packages", words, f"{Path(sys.executable).name} -m pip install {names}")


def requirements() -> Requirements | None:
    """Return what is needed, by the metadata of the installed package, else by the ``pyproject.toml`` beside it."""
    try:
        found = metadata.distribution("reconciler")
    except metadata.PackageNotFoundError:
        return _of_project(Path(reconciler.__file__).parents[1] / "pyproject.toml")
    packages = [_needed(line, is_extra="extra ==" in line) for line in found.requires or ()]
    python = next(iter(found.metadata.get_all("Requires-Python") or ()), "")
    return Requirements(_floor(python), _known(packages))


def _of_project(path: Path) -> Requirements | None:
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError):
        return None
    extras = chain.from_iterable(project.get("optional-dependencies", {}).values())
    packages = [
        *(_needed(line) for line in project.get("dependencies", ())),
        *(_needed(line, is_extra=True) for line in extras),
    ]
    return Requirements(_floor(project.get("requires-python", "")), _known(packages))


def _needed(line: str, *, is_extra: bool = False) -> Needed | None:
    found = _NEEDED.match(line)
    return Needed(found["name"], found["floor"] or "0", is_extra) if found is not None else None


def _known(packages: Iterable[Needed | None]) -> tuple[Needed, ...]:
    return tuple(one for one in packages if one is not None)


def _lack(needed: Needed) -> tuple[Needed, str] | None:
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return None if needed.is_extra else (needed, f"{needed.name} is not installed")
    if _release(version) >= _release(needed.floor):
        return None
    return needed, f"{needed.name} is {version}, {needed.floor} or newer is needed"


def _floor(text: str) -> str:
    found = re.search(r">=\s*(\d[\w.]*)", text)
    return found[1] if found is not None else ""


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, without zeros at the end."""
    numbers = []
    for part in version.split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        numbers.append(int(digits[0]))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
