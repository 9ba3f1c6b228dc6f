"""A shop full of secrets, commands that run in it, and a search of everything that they left."""

from __future__ import annotations

import json
import secrets
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.providers import registry
from tests.canaries.forms import forms_of
from tests.canaries.planting import (
    CREDENTIALS,
    Stores,
    fresh_values,
    resources,
    settings_of_stores,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconciler.conformance.world import World
    from tests.killing.forking import Forks

ENVIRONMENT = "night"
NOT_SEARCHED = ("kept/", "captured/", ".reconciler/")
"""Where the secret stores themselves are, and the key of the fingerprints."""


class Ran(NamedTuple):
    """How a command ended (minus nine: by SIGKILL), and what it wrote."""

    status: int
    said: str


class Night:
    """One shop. ``mutations`` are steps of masking that its commands lose."""

    def __init__(
        self, folder: Path, world: World, forks: Forks, mutations: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.world = world
        self._forks = forks
        self._mutations = list(mutations)
        self._numbers = count(1)
        self.stores = Stores()
        self.shapes = fresh_values()
        self.credentials = {
            "NIGHT_STRIPE_KEY": f"sk_test_{secrets.token_hex(12)}",
            "NIGHT_VERCEL_TOKEN": secrets.token_urlsafe(24).replace("-", "x"),
            "NIGHT_GOOGLE_TOKEN": f"google.{secrets.token_hex(20)}",
        }
        folder.mkdir()
        for name in ("out", "tmp", "home"):
            (folder / name).mkdir()

    @property
    def environ(self) -> dict[str, str]:
        shapes = {f"NIGHT_{name.upper()}": one for name, one in self.shapes._asdict().items()}
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        return {**self.stores.environ(), **shapes, **self.credentials, **own, "COLUMNS": "120"}

    def declare(self, url: str, *, more: Sequence[dict[str, Any]] = ()) -> None:
        """Write the files; ``url`` is where Vault and Secret Manager listen."""
        self.stores.lay_out(self.folder)
        pinned: dict[str, dict[str, str]] = {
            "stripe": {"account": "acct_1SandboxShop", "mode": "test"},
            "vercel": {"team": "team_sandbox", "project": "shop"},
            **{one: {"project": "shop-prod"} for one in ("firebase", "firestore", "gcp")},
        }
        environment = {
            "environment": ENVIRONMENT,
            "secrets": {"stores": settings_of_stores({"vault": url, "gcp": url})},
            "providers": {
                vendor: {
                    **pinned[vendor],
                    **CREDENTIALS[vendor],
                    "base_url": self.world.urls[registry.imitated_by(vendor)],
                }
                for vendor in CREDENTIALS
            },
            "policy": {"max_changes": 99, "max_deletes": 9},
            "checks": [
                {"name": "control", "http": {"url": f"{self.world.urls['control']}/requests"}}
            ],
        }
        place = self.folder / "desired_state" / ENVIRONMENT
        place.mkdir(parents=True, exist_ok=True)
        items = {"resources": [*resources(), *more]}
        for name, content in (("environment", environment), ("resources", items)):
            text = json.dumps(content, indent=1, ensure_ascii=False)
            (place / f"{name}.yaml").write_text(text, encoding="utf-8")

    def run(
        self, *words: str, options: Sequence[str] = (), debug: bool = False, **more: Any
    ) -> Ran:
        """Run one command in a process of its own."""
        number = next(self._numbers)
        environ = {
            **self.environ,
            **({"RECONCILER_DEBUG": "1", "STRIPE_LOG": "debug"} if debug else {}),
        }
        process = self._forks.start(
            ["-C", self.folder, *options, *words],
            environ=environ,
            out=str(self.folder / "out" / f"{number}.txt"),
            codes=str(self.folder / "out" / f"{number}.codes"),
            heard=str(self.folder / "out" / f"{number}.heard"),
            mutations=self._mutations,
            said=more.pop("said", ""),
            **more,
        )
        ended = process.wait()
        return Ran(ended.status, ended.said)

    def hidden(self) -> dict[str, str]:
        """Return every secret there is, by name: ours, and those that vendors made."""
        found = {**self.credentials, **self.stores.tokens, **self.shapes._asdict()}
        found |= {f"in {name}": one for name, one in self.stores.values.items()}
        document = json.loads(self.shapes.document)
        found["part of document"] = document["client_secret"]
        found["part of address"] = self.shapes.address.partition("shop:")[2].partition("@")[0]
        for part in {registry.imitated_by(vendor) for vendor in CREDENTIALS}:
            found |= dict(_made(self.world.state(part), part))
        return found

    def leaks(self) -> set[str]:
        """Return where secrets stand: in any file below the folder, with any encoding, or in a program's arguments."""
        hidden = self.hidden()
        wanted = [(name, form) for name, value in hidden.items() for form in forms_of(value)]
        wanted.append(("short", self.shapes.short.encode()))
        squeezed = [(name, b"".join(form.split())) for name, form in wanted]
        return {
            f"{where}: {name} as {form[:24]!r}"
            for where, content in self._written()
            for text, forms in ((content, wanted), (b"".join(content.split()), squeezed))
            for name, form in forms
            if form in text
        }

    def _written(self) -> Iterator[tuple[str, bytes]]:
        seen = set()
        for path in sorted(self.folder.rglob("*")):
            where = path.relative_to(self.folder).as_posix()
            if path.is_file() and not where.startswith(NOT_SEARCHED):
                seen.add(path.resolve())
                yield where, where.encode() + b"\n" + path.read_bytes()
        for path in self._elsewhere():
            if path.resolve() not in seen and path.is_file():
                yield str(path), path.read_bytes()

    def _elsewhere(self) -> Iterator[Path]:
        """Yield the files outside the folder that a command opened for writing and left there."""
        for heard in sorted((self.folder / "out").glob("*.heard")):
            for line in heard.read_text(encoding="utf-8").splitlines():
                name = json.loads(line).get("written", "")
                path = self.folder / name
                is_ours = path.is_relative_to(self.folder)
                if (
                    name.startswith("/")
                    and not is_ours
                    and not name.startswith(("/dev/", "/proc/"))
                ):
                    yield path


def _made(state: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield the secrets that a vendor made: whatever its state calls so. Beside a version it is a secret's name."""
    for name, item in state.items() if isinstance(state, dict) else enumerate(state):
        if name == "secret" and isinstance(item, str) and "version" not in state:
            yield f"secret at {where}", item
        if isinstance(item, (dict, list)):
            yield from _made(item, f"{where}/{name}")
