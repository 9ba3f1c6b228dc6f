"""Each law against the fixture of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.conformance.fixture import load_fixtures
from reconciler.conformance.laws import LAWS

if TYPE_CHECKING:
    import pytest

FIXTURES = load_fixtures(Path(__file__).parent / "fixtures")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fixture" in metafunc.fixturenames:
        metafunc.parametrize("fixture", FIXTURES, ids=str, scope="session")
    if "law" in metafunc.fixturenames:
        metafunc.parametrize("law", LAWS, ids=lambda law: law.__name__, scope="session")
    if "fixtures" in metafunc.fixturenames:
        metafunc.parametrize("fixtures", [FIXTURES], ids=["all"], scope="session")
