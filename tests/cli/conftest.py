"""A shop in a folder of its own, the sandbox behind it, and the command line run in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest

from reconciler.cli import console
from reconciler.cli.main import main
from reconciler.cli.workspace import SystemClock
from reconciler.conformance.world import World, no_waiting
from reconciler.providers.vercel import production_deployment
from reconciler.wire import transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "desired_state" / "sandbox"
ENVIRON = {
    "SANDBOX_STRIPE_KEY": "sk_test_sandbox",
    "SANDBOX_VERCEL_TOKEN": "vercel_sandbox_token",
    "SHOP_STRIPE_WEBHOOK_SECRET": "whsec_FAKE_from_store",
    "SHOP_DATABASE_URL": "postgres://shop:FAKE-pw@db.example/shop",
    "SHOP_PREVIEW_DATABASE_URL": "postgres://shop:FAKE-pw@db.example/preview",
    "SHOP_SENTRY_DSN": "https://FAKEdsn@sentry.example/1",
    "SHOP_SMTP_URL": "smtp://shop:FAKE-pw@mail.example:587",
    "SHOP_PAYPAL_CLIENT_SECRET": "FAKE-paypal-secret",
}
FOREIGN = (
    "CI",
    "NO_COLOR",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "RECONCILER_COMMAND",
    "RECONCILER_DEBUG",
    "TERM",
)


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout as the one JSON document it must be."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def words(self) -> str:
        """Return everything that was written, however its lines were broken."""
        return " ".join(self.all.split())


class Run(Protocol):
    """Runs ``reconciler`` with arguments, in this process; a ``defect`` may show a traceback."""

    def __call__(self, *arguments: str | Path, defect: bool = False) -> Ran: ...


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests is seen: no colours, no wide terminal, no secrets of other tests."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "250")
    console.MASKER.forget()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Return the command line. Whatever is done with it, it never shows a traceback."""
    said: list[str] = []

    def call(*arguments: str | Path, defect: bool = False) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        said.append("" if defect else err)
        return Ran(code, out, err)

    yield call
    assert [text for text in said if "Traceback" in text] == []


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts the command line as a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "reconciler", *map(str, arguments)],
            text=True,
            **{**pipes, **options},
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


class Hands:
    """A clock that moves on by a tenth of a second each time it is asked."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 19, 3, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=100)
        return self._now

    def skip(self, *, hours: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        self._now += timedelta(hours=hours, seconds=seconds)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """Return the clock of the product."""
    clock = Hands()
    monkeypatch.setattr(SystemClock, "now", lambda _: clock.now())
    return clock


class Shop:
    """The example environment in a folder of its own, as it is in the seeded sandbox."""

    def __init__(self, root: Path, world: World, run: Run) -> None:
        self.root = root
        self.world = world
        self._run = run
        shutil.copytree(EXAMPLE, self.folder)
        for vendor, port in (("stripe", 4700), ("vercel", 4701)):
            self.edit("environment.yaml", f"http://127.0.0.1:{port}", world.urls[vendor])

    @property
    def folder(self) -> Path:
        return self.root / "desired_state" / "sandbox"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots" / "sandbox"

    def run(self, *arguments: str | Path) -> Ran:
        """Run a command in the shop's folder."""
        return self._run("-C", self.root, *arguments)

    def debugged(self, *arguments: str | Path) -> Ran:
        """Run a command that meets a defect of the product."""
        return self._run("-C", self.root, *arguments, defect=True)

    def done(self, *arguments: str | Path) -> Ran:
        """Run a command that must succeed."""
        ran = self.run(*arguments)
        assert ran.code == 0, ran.all
        return ran

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that must be there in one of the files."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def write(self, text: str, name: str = "more.yaml") -> None:
        """Write a further file of resources."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def protect(self) -> None:
        self.edit(
            "environment.yaml", "environment: sandbox", "environment: sandbox\nprotected: true"
        )

    def endpoint(self, remote_id: str = "we_payments") -> dict[str, Any]:
        """Return an endpoint as Stripe keeps it."""
        endpoints = self.world.state("stripe")["webhook_endpoints"]
        return next(one for one in endpoints if one["id"] == remote_id)

    def click(self, remote_id: str = "we_payments", **fields: object) -> None:
        """Change an endpoint as somebody does in the dashboard."""
        state = self.world.state("stripe")
        for one in state["webhook_endpoints"]:
            if one["id"] == remote_id:
                one.update(fields)
        self.world.put("stripe", state)

    def rows(self) -> list[dict[str, Any]]:
        """Return the variables as Vercel keeps them."""
        found: list[dict[str, Any]] = self.world.state("vercel")["projects"][0]["env"]
        return found

    def change_project(self, **fields: object) -> None:
        """Change the Vercel project as somebody does in the dashboard."""
        state = self.world.state("vercel")
        state["projects"][0] |= fields
        self.world.put("vercel", state)

    def lose(self, *keys: str) -> None:
        """Delete variables as somebody does in the dashboard."""
        self.change_project(env=[row for row in self.rows() if row["key"] not in keys])

    def files(self) -> Mapping[str, bytes]:
        """Return every file below the folder."""
        found = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in found
            if path.name != ".lock"
        }


@pytest.fixture
def shop(
    tmp_path: Path,
    world: World,
    run: Run,
    hands: Hands,
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    """Return a shop that is as declared. Waiting takes no time."""
    world.reset()
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds: hands.skip(seconds=seconds))
    monkeypatch.setattr(transport, "Timing", no_waiting)
    monkeypatch.setattr(production_deployment, "POLL_SECONDS", 0)
    root = tmp_path / "a shop, très bon"
    root.mkdir()
    return Shop(root, world, run)


@pytest.fixture
def good(shop: Shop) -> Shop:
    """Return a shop with a good snapshot."""
    shop.done("snapshot", "sandbox", "--label", "good")
    shop.world.forget()
    return shop


@pytest.fixture
def repository(good: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Return a shop with a good snapshot whose files are committed."""
    who = {"NAME": "nobody", "EMAIL": "nobody@shop.example", "DATE": "2026-11-19T03:00:00Z"}
    for role in ("AUTHOR", "COMMITTER"):
        for name, value in who.items():
            monkeypatch.setenv(f"GIT_{role}_{name}", value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(good.root, "init", "--quiet")
    git(good.root, "add", "desired_state")
    git(good.root, "commit", "--quiet", "--message", "Declare the shop")
    return good


def git(folder: Path, *arguments: str) -> str:
    """Run git, which must succeed."""
    ended = subprocess.run(  # noqa: S603 - fixed program
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git there is
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout.strip()


@pytest.fixture(scope="session")
def git_in() -> Callable[..., str]:
    return git
