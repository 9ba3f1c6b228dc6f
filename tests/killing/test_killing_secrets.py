"""A secret that is given away once: whenever the process dies, it is neither lost nor left behind.

An endpoint that was deleted by hand is made again, or rotated, or its old object retired, and the process that does
so ends itself with SIGKILL before, after or inside a record of the journal, before or after a request, an fsync, or
a step of the store that keeps the secret in a file. Then a process of its own recovers, or takes it back.

By default a seeded sample is tried; ``RECONCILER_LONG=1`` tries every boundary.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.killing import secret_shop
from tests.killing.nights import APPLY, CONSENT, RETIRE, ROTATE
from tests.killing.runs import Cut
from tests.killing.secret_shop import DEPLOYS, PAYMENTS, Wired
from tests.killing.test_killing import IS_LONG, SEED

if TYPE_CHECKING:
    from tests.killing.nights import Night

SIDES = {
    "append": ("before", "torn", "after"),
    "request": ("before", "after"),
    "fsync": ("before", "after"),
    "store": ("before", "after"),
}
RECREATE = {"append": 60, "request": 60, "fsync": 60, "store": 60}


def every(several: dict[str, int]) -> list[Cut]:
    return [
        Cut(at, n, side)
        for at, most in several.items()
        for n in range(1, most + 1)
        for side in SIDES[at]
    ]


@pytest.mark.parametrize("what", ["recreate", "hook", "rotate", "retire"])
@pytest.mark.parametrize("at", list(SIDES))
def test_count(night, what, at):
    lo = 0
    from tests.killing.forking import Forks
    if what == "recreate":
        night.lose(PAYMENTS)
    if what == "hook":
        night.lose(DEPLOYS)
    if what == "retire":
        night.done(*ROTATE)
    import os, pathlib
    flag = night.stage.folder.parent / "count"
    import tests.killing.warm
    command = {"recreate": APPLY, "hook": APPLY, "rotate": ROTATE, "retire": RETIRE}[what]
    ended = night.stage.run(command, cut={"at": at, "n": -1, "side": str(flag)})
    print(ended.said)
    print("COUNT", what, at, flag.read_text().count("\n"))
    print(flag.read_text())
