"""No request too many: a plan reads each page once, an apply reads and writes each change once."""

from __future__ import annotations

import json
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, Request, build_opener

from benchmarks.figures import Figure
from benchmarks.processes import Failed, reconciler, sandbox
from benchmarks.shops import (
    stripe_state,
    vercel_state,
    write_endpoints,
    write_environment,
    write_pointer,
    write_variables,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENDPOINTS, PAGE = 1000, 100
VARIABLES = 30
IDENTITY = 1
STRIPE = IDENTITY + ceil(ENDPOINTS / PAGE)
VERCEL = IDENTITY + 1
"""Vercel lists all variables of a project in one page."""

HOST = 1
"""What the production host serves; the project itself was read as the identity."""

INSPECTION = 3
"""Before production is moved, the plan asks at most so often whether it can be, for each change."""


def measured(folder: Path) -> list[Figure]:
    """Count what the sandbox received for plans and for an apply."""
    seed = {"stripe": stripe_state(ENDPOINTS), "vercel": vercel_state(VARIABLES)}
    with sandbox(folder, seed) as urls:
        write_environment(folder, "shop", {vendor: urls[vendor] for vendor in seed})
        write_endpoints(folder, "shop", ENDPOINTS)
        write_variables(folder, "shop", VARIABLES)
        return [
            _of_empty_plan(folder, urls),
            _of_inspecting_plan(folder, urls),
            *_of_apply(folder, urls),
        ]


def _of_empty_plan(folder: Path, urls: Mapping[str, str]) -> Figure:
    reconciler("plan", "shop", folder=folder)
    return Figure(
        "plan without changes",
        len(_received(urls)),
        "requests",
        exactly=STRIPE + VERCEL,
        note=f"{ENDPOINTS // PAGE} + 1 pages, and whose account it is, twice",
    )


def _of_inspecting_plan(folder: Path, urls: Mapping[str, str]) -> Figure:
    write_pointer(folder, "shop", "dpl_older_40")
    reconciler("plan", "shop", folder=folder)
    (folder / "desired_state" / "shop" / "pointer.yaml").unlink()
    return Figure(
        "plan that moves production back",
        len(_received(urls)),
        "requests",
        at_most=STRIPE + VERCEL + HOST + INSPECTION,
        note="and what the host serves, and whether the target can: at most 3",
    )


def _of_apply(folder: Path, urls: Mapping[str, str]) -> list[Figure]:
    """Change ten endpoints and three variables: each is read again, and written once."""
    write_endpoints(folder, "shop", ENDPOINTS, changed=range(10))
    write_variables(folder, "shop", VARIABLES, changed=range(3))
    reconciler("plan", "shop", "--out", "plan.json", folder=folder)
    _received(urls)
    changes = 13
    reconciler("apply", "shop", "plan.json", "--yes", folder=folder)
    received = _received(urls)
    writes = [item for item in received if item["method"] != "GET"]
    return [
        Figure(
            "apply: writes", len(writes), "requests", exactly=changes, note="one for each change"
        ),
        Figure(
            "apply: reads",
            len(received) - len(writes),
            "requests",
            exactly=2 * (STRIPE + VERCEL) + changes,
            note="one for each change, and all of it before and after",
        ),
    ]


def _received(urls: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the requests since the last time. Every one of them was answered well."""
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"{urls['control']}/requests", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    forget = Request(f"{urls['control']}/requests", method="DELETE")  # noqa: S310 - our own sandbox
    opener.open(forget, timeout=10).close()
    refused = [item for item in found if item["status"] >= 400]
    if refused:
        raise Failed(f"the sandbox refused {refused[0]}")
    return found
