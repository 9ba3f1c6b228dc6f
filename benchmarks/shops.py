"""Environments to measure with: files as a person would write them, and the vendor state they are about."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.seed import default_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

State = dict[str, Any]

EVENTS = (
    "charge.refunded",
    "checkout.session.completed",
    "invoice.paid",
    "payment_intent.succeeded",
)


def stripe_state(count: int, *, rate_limit: int | None = None) -> State:
    """Return an account with ``count`` webhook endpoints. The sandbox limits only what it creates itself."""
    account = {"id": "acct_1Bench", "object": "account"}
    endpoints = [_endpoint(number) for number in range(count)]
    return {"account": account, "rate_limit": rate_limit, "webhook_endpoints": endpoints}


def vercel_state(count: int) -> State:
    """Return the sandbox's project with ``count`` plain variables."""
    state = copy.deepcopy(default_seed()["vercel"])
    state["projects"][0]["env"] = [_row(number) for number in range(count)]
    return state


def write_environment(root: Path, name: str, urls: Mapping[str, str]) -> None:
    """Write ``environment.yaml`` for the vendors in ``urls``, which are named by their addresses."""
    accounts = {
        "stripe": ("api_key: ${secret:env/BENCH_STRIPE_KEY}", "mode: test"),
        "vercel": (
            "token: ${secret:env/BENCH_VERCEL_TOKEN}",
            "team: team_sandbox",
            "project: shop",
        ),
    }
    lines = [f"environment: {name}", "providers:"]
    for vendor, url in urls.items():
        lines += [f"  {vendor}:", *(f"    {line}" for line in accounts[vendor])]
        lines += [f"    base_url: {url}"] if url else []
    _write(root, name, "environment.yaml", lines)


def write_endpoints(root: Path, name: str, count: int, *, changed: Iterable[int] = ()) -> None:
    """Declare the endpoints of ``stripe_state``; those that are ``changed`` with another description."""
    others = frozenset(changed)
    lines = ["resources:"]
    for number in range(count):
        endpoint = _endpoint(number)
        description = "declared otherwise" if number in others else endpoint["description"]
        lines += [
            "  - kind: stripe.webhook_endpoint",
            f"    name: hook-{number}",
            "    spec:",
            f"      url: {endpoint['url']}",
            f"      description: {description}",
            "      enabled_events:",
            *(f"        - {event}" for event in EVENTS),
            "      metadata:",
            f"        team: {endpoint['metadata']['team']}",
        ]
    _write(root, name, "payments.yaml", lines)


def write_variables(root: Path, name: str, count: int, *, changed: Iterable[int] = ()) -> None:
    """Declare the variables of ``vercel_state``; those that are ``changed`` with another value."""
    others = frozenset(changed)
    lines = ["resources:"]
    for number in range(count):
        row = _row(number)
        lines += [
            "  - kind: vercel.env_var",
            f"    name: var-{number}",
            "    criticality: P2",
            "    spec:",
            f"      key: {row['key']}",
            "      target:",
            *(f"        - {target}" for target in row["target"]),
            "      type: plain",
            f"      value: {'declared-otherwise' if number in others else row['value']}",
            f"      comment: {row['comment']}",
        ]
    _write(root, name, "web.yaml", lines)


def write_pointer(root: Path, name: str, deployment: str) -> None:
    """Declare which deployment serves production."""
    lines = ["resources:", "  - kind: vercel.production_deployment", "    name: shop", "    spec:"]
    lines += [f"      deployment: {deployment}", "      auto_assign_domains: false"]
    _write(root, name, "pointer.yaml", lines)


def _endpoint(number: int) -> State:
    return {
        "id": f"we_bench{number:06d}",
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": 1_769_080_000 + number,
        "description": f"Hook number {number}",
        "enabled_events": list(EVENTS),
        "livemode": False,
        "metadata": {"team": f"team-{number % 20}"},
        "status": "enabled",
        "url": f"https://shop.example/hooks/{number}",
        "connect": False,
        "secret": f"whsec_benchFAKE{number:020d}",
    }


def _row(number: int) -> State:
    return {
        "id": f"env_bench{number:06d}",
        "key": f"VAR_{number}",
        "value": f"value-{number}",
        "type": "plain",
        "target": ["production", "preview"],
        "configurationId": None,
        "createdAt": 1_787_224_000_000 + number,
        "createdBy": "usr_sandbox",
        "updatedAt": 1_792_408_000_000 + number,
        "updatedBy": "usr_sandbox",
        "comment": f"variable number {number}",
    }


def _write(root: Path, name: str, file: str, lines: Iterable[str]) -> None:
    folder = root / "desired_state" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
