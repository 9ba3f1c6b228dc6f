from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.core.masking import Masker
from reconciler.secrets.store import Surroundings
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def masker() -> Masker:
    return Masker()


@pytest.fixture
def surroundings(tmp_path: Path, masker: Masker) -> Iterator[Surroundings]:
    """Return what stores are given: an empty folder, this process's environment, no credentials."""
    with Connections() as connections:
        yield Surroundings(tmp_path, os.environ, masker, lambda text: text, connections)
