"""A shop whose signing secrets are given away once: Stripe's endpoint, and a webhook of Vercel.

Each is captured into a file and wired to a variable at Vercel, from which the sandbox's shop reads Stripe's. What is
right is judged by what the vendors hold, never by what the product says.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from tests.killing.shop import ENVIRONMENT, endpoint, row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.conformance.world import World

State = dict[str, Any]

ENDPOINT = "stripe.webhook_endpoint/payments"
PREVIOUS = f"{ENDPOINT}~previous"
HOOK = "vercel.webhook/deploys"
ENVIRON = {
    "SHOP_STRIPE_KEY": "sk_test_sandbox",
    "SHOP_VERCEL_TOKEN": "vercel_sandbox_token",
    "SHOP_FINGERPRINTS": "FAKE-key-of-sixteen-and-more",
    "COLUMNS": "200",
}
FOLDER = ".secrets"
SIGNING_SECRET = re.compile(rb"(?:whsec_)?sandboxFAKE[0-9a-f]{24}")
"""What the sandbox's vendors give away."""

SITE = "https://shop.example"
EVENTS = ["deployment.error", "deployment.succeeded"]
OTHERS = (endpoint("analytics", metadata={"reconciler": "elsewhere/x"}),)
OTHER_ROWS = (row("UNDECLARED", "leave me alone"),)
OTHER_HOOKS = (
    {
        "id": "account_hook_other",
        "url": f"{SITE}/hooks/deploys",
        "events": ["deployment.error"],
        "projectIds": ["prj_sandbox"],
        "ownerId": "team_sandbox",
        "createdAt": 1794996400000,
        "updatedAt": 1794996400000,
        "secret": "FAKE-of-another-webhook",
    },
)


class Wired(NamedTuple):
    """Something that signs: where its secret is kept, and the variable that has it too."""

    address: str
    file: str
    key: str

    @property
    def variable(self) -> str:
        """Return the address of the variable."""
        return f"vercel.env_var/{self.key.lower().replace('_', '-')}"

    @property
    def place(self) -> str:
        return f"${{secret:file/{FOLDER}/{self.file}}}"


PAYMENTS = Wired(ENDPOINT, "payments", "STRIPE_WEBHOOK_SECRET")
DEPLOYS = Wired(HOOK, "deploys", "DEPLOY_HOOK_SECRET")


def seed(world: World) -> None:
    """Put the world into the state before anything is declared."""
    world.reset()
    stripe, vercel = world.state("stripe"), world.state("vercel")
    stripe["webhook_endpoints"] = list(OTHERS)
    vercel["projects"][0]["env"] = list(OTHER_ROWS)
    vercel["webhooks"] = list(OTHER_HOOKS)
    world.put("stripe", stripe)
    world.put("vercel", vercel)
    world.put("shop", {**world.state("shop"), "webhook_secret": None})


def declare(
    folder: Path, world: World, *, api_version: str | None = None, **settings: object
) -> None:
    """Write the files of the environment; ``settings`` are further ones of it."""
    place = folder / "desired_state" / ENVIRONMENT
    place.mkdir(parents=True, exist_ok=True)
    environment = {
        "environment": ENVIRONMENT,
        "providers": {
            "stripe": {
                "api_key": "${secret:env/SHOP_STRIPE_KEY}",
                "account": "acct_1SandboxShop",
                "mode": "test",
                "base_url": world.urls["stripe"],
            },
            "vercel": {
                "token": "${secret:env/SHOP_VERCEL_TOKEN}",
                "team": "team_sandbox",
                "project": "shop",
                "base_url": world.urls["vercel"],
            },
        },
        "secrets": {"fingerprint_key": "${secret:env/SHOP_FINGERPRINTS}"},
        "checks": [
            {"name": "signed", "webhook": {"endpoint": ENDPOINT, "secret": PAYMENTS.place}},
        ],
        **settings,
    }
    resources = [
        {
            "kind": "stripe.webhook_endpoint",
            "name": "payments",
            "criticality": "P0",
            "capture": {"secret": PAYMENTS.place},
            "spec": {
                "url": f"{world.urls['shop']}/api/webhooks/stripe",
                "enabled_events": ["payment_intent.succeeded"],
                "api_version": api_version,
            },
        },
        {
            "kind": "vercel.webhook",
            "name": "deploys",
            "capture": {"secret": DEPLOYS.place},
            "spec": {"url": f"{SITE}/hooks/deploys", "events": EVENTS},
        },
        *(_variable(wired) for wired in (PAYMENTS, DEPLOYS)),
    ]
    for name, content in (("environment", environment), ("resources", {"resources": resources})):
        (place / f"{name}.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")


def _variable(wired: Wired) -> State:
    return {
        "kind": "vercel.env_var",
        "name": wired.variable.partition("/")[2],
        "criticality": "P0",
        "spec": {
            "key": wired.key,
            "target": ["production"],
            "type": "sensitive",
            "value": f"${{ref:{wired.address}#secret}}",
        },
    }


class Before(NamedTuple):
    """A shop in which everything is wired, and what its vendors hold then."""

    folder: Path
    states: Mapping[str, State]

    def restore(self, world: World) -> None:
        world.reset()
        for vendor, state in self.states.items():
            world.put(vendor, state)


def states(world: World) -> dict[str, State]:
    return {vendor: world.state(vendor) for vendor in ("stripe", "vercel", "shop")}


def lose(world: World, wired: Wired) -> None:
    """Delete what signs, as somebody does in a dashboard."""
    vendor, name = ("vercel", "webhooks")
    if wired is PAYMENTS:
        vendor, name = ("stripe", "webhook_endpoints")
    gone = {one["id"] for one in signers(world, wired)}
    state = world.state(vendor)
    world.put(vendor, {**state, name: [one for one in state[name] if one["id"] not in gone]})


def signers(world: World, wired: Wired) -> list[State]:
    """Return what signs for the shop and lives, oldest first: one, unless it is being rotated."""
    if wired is PAYMENTS:
        found = world.state("stripe")["webhook_endpoints"]
        mine = [one for one in found if one["url"].endswith("/api/webhooks/stripe")]
        return sorted(mine, key=lambda one: (one["created"], one["id"]))
    return [one for one in world.state("vercel")["webhooks"] if sorted(one["events"]) == EVENTS]


def secrets_of(world: World, wired: Wired) -> list[str]:
    return [str(one["secret"]) for one in signers(world, wired)]


def stored(folder: Path, wired: Wired) -> str:
    return (folder / FOLDER / wired.file).read_text(encoding="utf-8")


def at_vercel(world: World, wired: Wired) -> str:
    """Return the value of the one variable."""
    rows = world.state("vercel")["projects"][0]["env"]
    (value,) = (str(one["value"]) for one in rows if one["key"] == wired.key)
    return value


def files(folder: Path) -> dict[str, bytes]:
    """Return every file of the workspace."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def holders(folder: Path, world: World, secret: str) -> list[str]:
    """Return where ``secret`` is: in files of the workspace, and in variables."""
    found = [name for name, content in files(folder).items() if secret.encode() in content]
    rows = world.state("vercel")["projects"][0]["env"]
    return sorted(found) + sorted(one["key"] for one in rows if one["value"] == secret)


def in_store(folder: Path) -> list[str]:
    """Return the names of the files in the store's folder that hold something."""
    found = (folder / FOLDER).iterdir()
    return sorted(path.name for path in found if path.stat().st_size)


def takes(world: World, secret: str) -> bool:
    """Tell whether the shop takes an event that is signed with ``secret``."""
    body = b'{"id":"evt_1","type":"payment_intent.succeeded"}'
    stamp = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    answer = httpx.post(
        f"{world.urls['shop']}/api/webhooks/stripe",
        content=body,
        headers={"Stripe-Signature": f"t={stamp},v1={signature}"},
        trust_env=False,
    )
    return answer.status_code == 200


def assert_wired(folder: Path, world: World, wired: Wired) -> str:
    """There is one signer, and everybody has its secret, which is returned."""
    (secret,) = secrets_of(world, wired)
    assert stored(folder, wired) == secret
    assert at_vercel(world, wired) == secret
    if wired is PAYMENTS:
        assert takes(world, secret)
    return secret


def assert_nothing_told(folder: Path, *said: str) -> None:
    """No signing secret stands in what was said, nor in a file outside the store."""
    for text in said:
        assert SIGNING_SECRET.search(text.encode()) is None
    told = [
        name
        for name, content in files(folder).items()
        if not name.startswith(f"{FOLDER}/") and SIGNING_SECRET.search(content)
    ]
    assert told == []


def assert_others_untouched(world: World) -> None:
    stripe, vercel = world.state("stripe"), world.state("vercel")
    assert OTHERS[0] in stripe["webhook_endpoints"]
    assert OTHER_ROWS[0] in vercel["projects"][0]["env"]
    assert OTHER_HOOKS[0] in vercel["webhooks"]
