"""The real commands against the sandbox, with every exchange judged by the vendors' own API descriptions."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.cli import console
from reconciler.cli.main import main
from reconciler.conformance.world import no_waiting
from reconciler.providers.vercel import production_deployment
from reconciler.wire import transport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.conformance.world import World

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
CONTRACT = SHARED / "contract"
CONTRACTS = ("stripe-sdk.json", "vercel.json")
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


@dataclass
class Judge:
    """Compares every exchange with the API descriptions."""

    checker: Any
    operations: set[str] = field(default_factory=set)
    violations: set[tuple[str, str, str]] = field(default_factory=set)
    uncovered: set[str] = field(default_factory=set)

    def hear(self, response: httpx.Response) -> None:
        """Judge a request and its answer."""
        request = response.request
        target = request.url.raw_path.decode()
        op, found = self.checker.request(request.method, target, request.headers, request.content)
        if op is None:
            self.uncovered.add(f"{request.method} {request.url.path}")
            return
        self.operations.add(op["id"])
        found += self.checker.response(op, response.status_code, response.headers, response.read())
        self.violations |= {(one["op"], one["kind"], one["where"]) for one in found}


@pytest.fixture(scope="session")
def checker() -> Any:
    """Return what knows the API descriptions of all kinds that one story tells of."""
    return load_checker(CONTRACTS)


def load_checker(contracts: Sequence[str]) -> Any:
    """Return what knows these API descriptions. Skips loudly where they are absent."""
    program = CONTRACT / "specproxy.py"
    if not program.exists():
        if os.environ.get("CI") and SHARED.is_dir():
            pytest.fail("NOT JUDGED: ../shared is here, but ../shared/contract/specproxy.py is not")
        pytest.skip(
            "NOT JUDGED: ../shared/contract is absent, no request was compared with anything"
        )
    spec = importlib.util.spec_from_file_location("specproxy", program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # the folder is not ours to write to
        spec.loader.exec_module(module)
    folder = CONTRACT / "contracts"
    return module.SpecChecker(
        [json.loads((folder / name).read_text("utf-8")) for name in contracts]
    )


@pytest.fixture
def judge(checker: Any, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Judge every request that the product sends."""
    judge = Judge(checker)

    class Overheard(httpx.Client):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options, event_hooks={"response": [judge.hear]})

    monkeypatch.setattr(transport, "httpx", _with_client(Overheard))
    return judge


def _with_client(client: type[httpx.Client]) -> ModuleType:
    """Return httpx with another client."""
    module = ModuleType("httpx")
    module.__dict__.update(httpx.__dict__)
    module.__dict__["Client"] = client
    return module


class Judged:
    """A shop whose every exchange is judged."""

    def __init__(self, root: Path, judge: Judge) -> None:
        self.folder = root / "desired_state" / "sandbox"
        self.judge = judge
        self._root = root

    def run(self, *arguments: str) -> None:
        """Run a command that must succeed."""
        code = main(["-C", str(self._root), *arguments])
        assert code == 0, arguments

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def judged(judge: Judge, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judged:
    """Return a shop whose every exchange is judged."""
    world.reset()
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RECONCILER_DEBUG", raising=False)
    console.MASKER.forget()
    monkeypatch.setattr(transport, "Timing", no_waiting)
    monkeypatch.setattr(production_deployment, "POLL_SECONDS", 0)
    root = tmp_path / "shop"
    shutil.copytree(ROOT / "desired_state" / "sandbox", root / "desired_state" / "sandbox")
    shop = Judged(root, judge)
    for vendor, port in (("stripe", 4700), ("vercel", 4701)):
        shop.edit("environment.yaml", f"http://127.0.0.1:{port}", world.urls[vendor])
    shop.edit("environment.yaml", "max_deletes: 0", "max_deletes: 9")
    return shop
