"""One sandbox for all tests of this folder, put back to its seed before each.

Every answer that a test receives is also judged against the vendors' API descriptions, where these
are at hand; ``EXPECTED`` lists what may differ, one by one.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.sandbox.server import Sandbox, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTRACT = Path(__file__).parents[3] / "shared" / "contract"

STRIPE_KEY = "sk_test_sandbox"
VERCEL_TOKEN = "sandbox-token"
TEAM = "team_sandbox"

# An answer that the API description does not have, and why it is right.
EXPECTED = {
    # @vercel/sdk 1.28.35 has it; the OpenAPI document of 2025-10 does not yet
    ("filterProjectEnvs", "extra_field", "body:hiddenProductionEnvCount"),
    # the document forgets that a project may not be found
    ("getProject", "undocumented_status", "status"),
    ("filterProjectEnvs", "undocumented_status", "status"),
}


@dataclass
class Judge:
    """Collects what the API descriptions do not allow in answers."""

    checker: Any
    judged: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, response: httpx.Response) -> None:
        request = response.request
        target = request.url.raw_path.decode()
        op, _ = self.checker.request(request.method, target, request.headers, request.content)
        if op is None:
            return
        self.judged += 1
        found = self.checker.response(op, response.status_code, response.headers, response.read())
        self.violations += [
            violation
            for violation in found
            if (violation["op"], violation["kind"], violation["where"]) not in EXPECTED
        ]


@pytest.fixture(scope="session")
def judge() -> Judge | None:
    program = CONTRACT / "specproxy.py"
    if not program.exists():
        return None
    spec = importlib.util.spec_from_file_location("specproxy", program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # the folder is not ours to write to
        spec.loader.exec_module(module)
    folder = CONTRACT / "contracts"
    names = ("stripe-sdk.json", "vercel.json")
    contracts = [json.loads((folder / name).read_text("utf-8")) for name in names]
    return Judge(module.SpecChecker(contracts))


@pytest.fixture(autouse=True)
def answers_fit_the_contract(judge: Judge | None) -> Iterator[None]:
    yield
    if judge is not None:
        found, judge.violations = judge.violations, []
        assert found == []


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with serve() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox, control: httpx.Client) -> Sandbox:
    control.post("/reset").raise_for_status()
    return running_sandbox


@pytest.fixture(scope="session")
def control(running_sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running_sandbox.urls["control"], trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def _stripe_client(running_sandbox: Sandbox, judge: Judge | None) -> Iterator[httpx.Client]:
    with _client(running_sandbox.urls["stripe"], STRIPE_KEY, judge) as client:
        yield client


@pytest.fixture(scope="session")
def _vercel_client(running_sandbox: Sandbox, judge: Judge | None) -> Iterator[httpx.Client]:
    with _client(running_sandbox.urls["vercel"], VERCEL_TOKEN, judge) as client:
        yield client


@pytest.fixture
def stripe_http(
    sandbox: Sandbox,  # noqa: ARG001 - puts it back to the seed
    _stripe_client: httpx.Client,
) -> httpx.Client:
    return _stripe_client


@pytest.fixture
def vercel_http(
    sandbox: Sandbox,  # noqa: ARG001 - puts it back to the seed
    _vercel_client: httpx.Client,
) -> httpx.Client:
    """Speak for the team: its id is in every request that does not say otherwise."""
    _vercel_client.params = httpx.QueryParams(teamId=TEAM)
    return _vercel_client


def _client(url: str, credential: str, judge: Judge | None) -> httpx.Client:
    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {credential}"},
        trust_env=False,
        event_hooks={"response": [judge.hear] if judge else []},
    )
