"""The seeded shop, with a Stripe account and a Vercel project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.conformance.bench import Bench
from reconciler.conformance.world import no_waiting
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.conformance.world import World

STRIPE = {
    "api_key": "${secret:env/STRIPE_KEY}",
    "account": "acct_1SandboxShop",
    "mode": "test",
}
VERCEL = {"token": "${secret:env/VERCEL_TOKEN}", "team": "team_sandbox", "project": "shop"}
SECRETS = {
    "STRIPE_KEY": "sk_test_canary4eC39HqLyjWDarjtT1zdp7dc",
    "VERCEL_TOKEN": "canary_token_Jb7dPq2w",
    "DATABASE_URL": "postgres://shop:FAKE-password@db.internal.example/shop",
    "PAYPAL_SECRET": "FAKE-paypal-client-secret",
}


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Bench]:
    """Return a bench for both accounts. A move of production ends at the first look: nothing waits."""
    world.reset()
    state = world.state("vercel")
    world.put("vercel", {**state, "jobs": {"reads_until_done": 1, "outcome": "succeeded"}})
    with Connections(no_waiting()) as connections:
        yield Bench(
            tmp_path,
            world,
            connections,
            accounts={"stripe": STRIPE, "vercel": VERCEL},
            environ=SECRETS,
            kinds=["stripe.webhook_endpoint", "vercel.env_var", "vercel.production_deployment"],
        )
