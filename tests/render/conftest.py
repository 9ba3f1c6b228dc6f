from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.core.plan import Base, DesiredSource, Plan, Summary, sealed
from reconciler.core.state import Account

MakePlan = Callable[..., Plan]


def plan_of(**parts: Any) -> Plan:
    """A plan of the shop at 03:12, against last evening's good snapshot."""
    night: dict[str, Any] = {
        "id": "p1",
        "environment": "production",
        "protected": True,
        "created_at": "2026-11-20T03:12:00Z",
        "expires_at": "2026-11-20T04:12:00Z",
        "tool_version": "0.1.0",
        "accounts": (
            Account(vendor="stripe", id="acct_1Nx", mode="live"),
            Account(vendor="vercel", id="shop"),
        ),
        "desired": DesiredSource(source="files", digest="sha256:aa"),
        "base": Base(id="s1", taken_at="2026-11-19T18:02:00Z", label="good"),
        "live_at": "2026-11-20T03:12:00Z",
        "changes": (),
        "summary": Summary(unchanged=tuple(f"vercel.env_var/v{n}" for n in range(38))),
    }
    return sealed(Plan(**{**night, **parts}))


@pytest.fixture(scope="session")
def make_plan() -> MakePlan:
    return plan_of
