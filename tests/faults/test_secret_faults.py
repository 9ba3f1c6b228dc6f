"""Faults while a secret is made that is given away once: it is stored, sealed for its owner, or its object is gone.

What is told and written never holds a secret, and one more command brings everything to where it should be.

By default a seeded part of the matrix is tried; ``RECONCILER_LONG=1`` tries all of it.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyrage
import pytest

from reconciler.secrets.file import UNFINISHED
from tests.faults.conftest import Hands
from tests.faults.test_faults import sample
from tests.killing import secret_shop, shop
from tests.killing.nights import APPLY, RETIRE, ROTATE
from tests.killing.secret_shop import DEPLOYS, FOLDER, PAYMENTS, Wired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.faults.conftest import Ran
    from tests.killing.secret_shop import Before

Fault = dict[str, Any]

WRITE_FAULTS: Mapping[str, Fault] = {
    "500-before": {"status": 500, "times": 1},
    "500-before-for-good": {"status": 500},
    "500-after": {"status": 500, "after_effect": True, "times": 1},
    "500-after-for-good": {"status": 500, "after_effect": True},
    "dropped-before": {"drop": "before", "times": 1},
    "dropped-before-for-good": {"drop": "before"},
    "dropped-after": {"drop": "after", "times": 1},
    "dropped-after-for-good": {"drop": "after"},
    "second-500-for-good": {"status": 500, "nth": 2, "times": 1000},
    "second-dropped-after": {"drop": "after", "nth": 2, "times": 1000},
}
READ_FAULTS: Mapping[str, Fault] = {
    "500": {"status": 500, "times": 1},
    "500-for-good": {"status": 500, "times": 1000},
    "dropped-for-good": {"drop": "before", "times": 1000},
}
READS = 8
"""So many reads of one vendor there are in a plan and its apply."""


class Doing(NamedTuple):
    """What is done while something fails: ``loses`` what signs first."""

    name: str
    command: Sequence[str]
    wired: Wired
    loses: bool = True

    def __str__(self) -> str:
        return self.name


RECREATE = Doing("recreate", APPLY, PAYMENTS)
HOOK = Doing("hook", APPLY, DEPLOYS)
ROTATION = Doing("rotation", ROTATE, PAYMENTS, loses=False)
DOINGS = (RECREATE, HOOK, ROTATION)


@pytest.fixture(scope="session")
def wired_templates() -> list[Before]:
    """Return the shop in which everything is wired; there is none until it is first needed."""
    return []


@pytest.fixture
def wired_hands(
    hands: Hands,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    wired_templates: list[Before],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Hands:
    """Return a shop in which everything is wired."""
    for name, value in secret_shop.ENVIRON.items():
        monkeypatch.setenv(name, value)
    world = hands.world
    if not wired_templates:
        folder = tmp_path_factory.mktemp("wired")
        secret_shop.seed(world)
        secret_shop.declare(folder, world)
        first = Hands(folder, world, capsys)
        assert first.run(*APPLY).code == 0
        assert first.run("snapshot", "shop", "--label", "good").code == 0
        wired_templates.append(secret_shop.Before(first.folder, secret_shop.states(world)))
    (template,) = wired_templates
    template.restore(world)
    return Hands(shop.copied(template.folder, tmp_path / "wired"), world, capsys)


def begun(hands: Hands, doing: Doing) -> str:
    """Return the secret before; lose what signs, if it is to be made again."""
    (first,) = secret_shop.secrets_of(hands.world, doing.wired)
    if doing.loses:
        secret_shop.lose(hands.world, doing.wired)
    return first


def told(hands: Hands, *words: str) -> Ran:
    """Run a command whose words hold no secret."""
    ran = hands.run(*words)
    secret_shop.assert_nothing_told(hands.folder, ran.out, ran.err)
    return ran


@pytest.mark.parametrize(
    ("doing", "vendor", "fault"),
    sample([(d, v, f) for d in DOINGS for v in ("stripe", "vercel") for f in WRITE_FAULTS], 0.12),
    ids=str,
)
def test_a_write_that_fails(wired_hands: Hands, doing: Doing, vendor: str, fault: str) -> None:
    first = begun(wired_hands, doing)
    wired_hands.world.fail(vendor=vendor, method="[PD]*", **WRITE_FAULTS[fault])

    ran = told(wired_hands, *doing.command)

    assert ran.code in {0, 3}
    assert_mended_by_one_apply(wired_hands, doing, first)


@pytest.mark.parametrize(
    ("doing", "vendor", "fault", "nth"),
    sample(
        [
            (d, v, f, n)
            for d in DOINGS
            for v in ("stripe", "vercel")
            for f in READ_FAULTS
            for n in range(1, READS + 1)
        ],
        0.04,
    ),
    ids=str,
)
def test_a_read_that_fails(
    wired_hands: Hands, doing: Doing, vendor: str, fault: str, nth: int
) -> None:
    first = begun(wired_hands, doing)
    wired_hands.world.fail(vendor=vendor, method="GET", nth=nth, **READ_FAULTS[fault])

    ran = told(wired_hands, *doing.command)

    assert ran.code in {0, 3, 7}
    assert_mended_by_one_apply(wired_hands, doing, first)


@pytest.mark.parametrize("doing", DOINGS, ids=str)
def test_a_variable_that_could_not_be_written_is_written_by_the_next_apply(
    wired_hands: Hands, doing: Doing
) -> None:
    first = begun(wired_hands, doing)
    wired_hands.world.fail(vendor="vercel", method="PATCH", status=500)

    ran = told(wired_hands, *doing.command)

    assert ran.code == 3
    assert secret_shop.at_vercel(wired_hands.world, doing.wired) == first
    assert_mended_by_one_apply(wired_hands, doing, first)


@pytest.mark.parametrize("nth", [6, 7])
def test_what_a_rotation_made_is_known_though_nothing_could_be_read_at_its_end(
    wired_hands: Hands, nth: int
) -> None:
    first = begun(wired_hands, ROTATION)
    wired_hands.world.fail(vendor="stripe", method="GET", nth=nth, times=1000, status=500)

    ran = told(wired_hands, *ROTATE)

    assert ran.code == 7
    assert secret_shop.secrets_of(wired_hands.world, PAYMENTS)[0] == first
    assert_mended_by_one_apply(wired_hands, ROTATION, first)


STORE_FAULTS = {
    "read-only": ("mkstemp", errno.EROFS),
    "disk-full": ("fsync", errno.ENOSPC),
    "no-rename": ("replace", errno.EACCES),
}


@pytest.mark.parametrize(
    ("doing", "fault", "nth"),
    sample([(d, f, n) for d in DOINGS for f in STORE_FAULTS for n in (1, 2)], 0.25),
    ids=str,
)
def test_a_store_that_fails_without_a_seal(
    wired_hands: Hands, doing: Doing, fault: str, nth: int
) -> None:
    first = begun(wired_hands, doing)

    with broken_store(*STORE_FAULTS[fault], nth=nth):
        ran = told(wired_hands, *doing.command)

    has_failed = nth <= (1 if doing.loses else 2)
    assert ran.code == (3 if has_failed else 0)
    assert ("cannot be written" in ran.out + ran.err) is has_failed
    assert_mended_by_one_apply(wired_hands, doing, first)
    if has_failed and not doing.loses:
        assert secret_shop.secrets_of(wired_hands.world, PAYMENTS) == [first]


@pytest.mark.parametrize(
    ("doing", "fault"), sample([(d, f) for d in DOINGS for f in STORE_FAULTS], 0.35), ids=str
)
def test_a_store_that_fails_with_a_seal(wired_hands: Hands, doing: Doing, fault: str) -> None:
    identity = pyrage.x25519.Identity.generate()
    seal = {"recipients": [str(identity.to_public())]}
    secret_shop.declare(wired_hands.folder, wired_hands.world, seal=seal)
    first = begun(wired_hands, doing)

    with broken_store(*STORE_FAULTS[fault], nth=1 if doing.loses else 2):
        ran = told(wired_hands, *doing.command)

    new = secret_shop.secrets_of(wired_hands.world, doing.wired)[-1]
    assert ran.code == 3
    sealed = told(wired_hands, *named_command(ran)).out
    assert pyrage.decrypt(sealed.encode(), [identity]).decode() == new
    place = wired_hands.folder / FOLDER / doing.wired.file
    place.write_text(new, encoding="utf-8")
    assert_mended_by_one_apply(wired_hands, doing, first)


def named_command(ran: Ran) -> list[str]:
    """Return the command that a report names for opening what was sealed."""
    words = " ".join((ran.out + ran.err).split())
    found = re.search(r"reconciler (show \S+ --sealed) '([^']+)'", words)
    assert found is not None, words
    return [*found[1].split(), found[2]]


@pytest.mark.parametrize("doing", DOINGS, ids=str)
def test_what_is_sealed_and_not_yet_stored_is_not_taken_for_stored(
    wired_hands: Hands, doing: Doing
) -> None:
    identity = pyrage.x25519.Identity.generate()
    seal = {"recipients": [str(identity.to_public())]}
    secret_shop.declare(wired_hands.folder, wired_hands.world, seal=seal)
    begun(wired_hands, doing)
    with broken_store("fsync", errno.ENOSPC, nth=1 if doing.loses else 2):
        told(wired_hands, *doing.command)
    wired_hands.world.forget()

    ran = told(wired_hands, *APPLY)

    assert ran.code == 4
    assert f"{doing.wired.address}#secret is sealed" in ran.err
    assert wired_hands.world.writes() == ()


def test_a_copy_that_cannot_be_let_go_is_told(wired_hands: Hands) -> None:
    told(wired_hands, *ROTATE)
    copy = wired_hands.folder / FOLDER / "payments@1"
    copy.unlink()
    copy.mkdir()

    ran = told(wired_hands, *RETIRE)

    assert ran.code == 0
    assert f"${{secret:file/{FOLDER}/payments@1}} still gives the old value" in ran.err
    secret_shop.assert_wired(wired_hands.folder, wired_hands.world, PAYMENTS)


def test_what_was_rotated_away_is_not_taken_for_what_a_lost_answer_left(
    wired_hands: Hands,
) -> None:
    told(wired_hands, *ROTATE)
    both = secret_shop.secrets_of(wired_hands.world, PAYMENTS)
    secret_shop.declare(wired_hands.folder, wired_hands.world, api_version="2024-06-20")
    wired_hands.world.fail(vendor="stripe", method="POST", drop="before")

    ran = told(wired_hands, *APPLY, "--allow-replace", secret_shop.ENDPOINT)

    assert ran.code == 3
    assert secret_shop.secrets_of(wired_hands.world, PAYMENTS) == both


@contextmanager
def broken_store(call: str, number: int, *, nth: int) -> Iterator[None]:
    """Let the store's ``nth`` write fail at one of its calls."""
    calls: dict[str, tuple[Any, Callable[..., bool]]] = {
        "mkstemp": (tempfile, lambda **options: options.get("suffix") == UNFINISHED),
        "fsync": (os, lambda fd: str(Path(f"/proc/self/fd/{fd}").readlink()).endswith(UNFINISHED)),
        "replace": (Path, lambda path, _: path.name.endswith(UNFINISHED)),
    }
    owner, is_of_store = calls[call]
    original = getattr(owner, call)
    seen = 0

    def fails(*args: Any, **options: Any) -> Any:
        nonlocal seen
        if is_of_store(*args, **options):
            seen += 1
            if seen == nth:
                raise OSError(number, os.strerror(number))
        return original(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, call, fails)
        yield


def assert_mended_by_one_apply(hands: Hands, doing: Doing, first: str) -> None:
    """The vendor is well again: one apply, and everybody has the secret of what lives; the old one is gone."""
    hands.world.heal()
    ran = told(hands, *APPLY)
    assert ran.code == 0, ran.out + ran.err
    if len(secret_shop.secrets_of(hands.world, PAYMENTS)) == 2:
        retired = told(hands, *RETIRE)
        assert retired.code == 0, retired.out + retired.err
    for wired in (PAYMENTS, DEPLOYS):
        secret_shop.assert_wired(hands.folder, hands.world, wired)
    secret_shop.assert_others_untouched(hands.world)
    (now,) = secret_shop.secrets_of(hands.world, doing.wired)
    if doing.loses or now != first:
        assert secret_shop.holders(hands.folder, hands.world, first) == []
    for command in (("plan", "shop", "--exit-code"), ("check", "shop")):
        ran = told(hands, *command)
        assert ran.code == 0, ran.out + ran.err
    names = secret_shop.in_store(hands.folder)
    assert [name for name in names if name not in {"deploys", "payments", "payments@1"}] == []
