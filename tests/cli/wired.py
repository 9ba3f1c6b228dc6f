"""A shop whose endpoint's signing secret is captured into a file and wired to its variable at Vercel."""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shop

ENDPOINT = "stripe.webhook_endpoint/payments"
VARIABLE = "vercel.env_var/stripe-webhook-secret"
PLACE = "${secret:file/.secrets/stripe-webhook}"


def wire(shop: Shop) -> None:
    """Let the sandbox's shop read its secret from Vercel, and declare how it gets there."""
    site = shop.world.urls["shop"]
    shop.edit("environment.yaml", "https://shop.example", site)
    shop.edit(
        "payments.yaml",
        "    name: payments\n",
        f"    name: payments\n    capture: {{secret: '{PLACE}'}}\n",
    )
    path = next(
        one for one in shop.folder.glob("*.yaml") if "stripe-webhook-secret" in one.read_text()
    )
    shop.edit(path.name, "${secret:env/SHOP_STRIPE_WEBHOOK_SECRET}", f"${{ref:{ENDPOINT}#secret}}")
    check = f"\nchecks:\n  - name: payments webhook\n    webhook: {{endpoint: {ENDPOINT}, secret: '{PLACE}'}}\n"
    environment = shop.folder / "environment.yaml"
    environment.write_text(environment.read_text(encoding="utf-8") + check, encoding="utf-8")
    state = shop.world.state("shop")
    shop.world.put("shop", {**state, "webhook_secret": None})
    shop.click(url=f"{site}/api/webhooks/stripe")


def begin(shop: Shop) -> str:
    """Recreate the endpoint once, so that its secret is captured and everywhere; return the secret."""
    wire(shop)
    lose_endpoint(shop)
    shop.done("apply", "sandbox", "--yes")
    shop.done("snapshot", "sandbox", "--label", "good")
    assert stored(shop) == at_stripe(shop)["secret"]
    return stored(shop)


def lose_endpoint(shop: Shop) -> None:
    """Delete the payments endpoints as somebody does in the dashboard."""
    state = shop.world.state("stripe")
    kept = [one for one in state["webhook_endpoints"] if not _is_payments(one)]
    shop.world.put("stripe", {**state, "webhook_endpoints": kept})


def _is_payments(endpoint: dict[str, Any]) -> bool:
    return bool(endpoint["url"].endswith("/api/webhooks/stripe"))


def endpoints(shop: Shop) -> list[dict[str, Any]]:
    """Return the payments endpoints that live at Stripe, oldest first."""
    state = shop.world.state("stripe")
    found = [one for one in state["webhook_endpoints"] if _is_payments(one)]
    return sorted(found, key=lambda one: (one["created"], one["id"]))


def at_stripe(shop: Shop) -> dict[str, Any]:
    """Return the only payments endpoint."""
    (one,) = endpoints(shop)
    return one


def stored(shop: Shop) -> str:
    return place(shop).read_text(encoding="utf-8")


def place(shop: Shop) -> Path:
    return shop.root / ".secrets" / "stripe-webhook"


def at_vercel(shop: Shop) -> str:
    """Return the value of the variable in production."""
    (value,) = [str(row["value"]) for row in shop.rows() if row["key"] == "STRIPE_WEBHOOK_SECRET"]
    return value


def takes(shop: Shop, secret: str) -> bool:
    """Tell whether the shop takes an event that is signed with ``secret``."""
    body = b'{"id":"evt_1","type":"payment_intent.succeeded"}'
    stamp = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    answer = httpx.post(
        f"{shop.world.urls['shop']}/api/webhooks/stripe",
        content=body,
        headers={"Stripe-Signature": f"t={stamp},v1={signature}"},
        trust_env=False,
    )
    return answer.status_code == 200


def everywhere(shop: Shop, secret: str) -> list[str]:
    """Return where ``secret`` stands: in files of the folder, or at Vercel."""
    files = [name for name, content in shop.files().items() if secret.encode() in content]
    return files + [row["key"] for row in shop.rows() if row["value"] == secret]
