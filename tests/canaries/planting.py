"""Where secrets are planted: a table for every kind, every vendor's credential, and every secret store.

A kind, a vendor or a store that is missing here fails a test by its name.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.secrets.secret_manager import SecretManager
from tests.secrets.vault_server import VaultServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.secrets.loopback import Answer, Request

HARD = 'é "quoted" \\ & <tag> %41 +/=\'_*x'
"""Characters that every encoding writes differently."""

PAYMENTS = "https://shop.example/api/webhooks/stripe"
"""The address of an endpoint that the sandbox has from the beginning."""

CREDENTIALS: Mapping[str, Mapping[str, str]] = {
    "firebase": {"access_token": "${secret:env/NIGHT_GOOGLE_TOKEN}"},
    "firestore": {"access_token": "${secret:env/NIGHT_GOOGLE_TOKEN}"},
    "gcp": {"access_token": "${secret:env/NIGHT_GOOGLE_TOKEN}"},
    "stripe": {"api_key": "${secret:env/NIGHT_STRIPE_KEY}"},
    "vercel": {"token": "${secret:env/NIGHT_VERCEL_TOKEN}"},
}
"""The secret settings of each vendor."""

STORES: Mapping[str, str | None] = {
    "env": "${secret:env/NIGHT_PLAIN}",
    "file": "${secret:file/kept/night}",
    "command": "${secret:command/night}",
    "sops": "${secret:sops/kept/enc.yaml:shop.night}",
    "vault": "${secret:vault/shop/night:value}",
    "gcp": "${secret:gcp/NIGHT}",
    "aws": None,
    "keyring": None,
}
"""A reference into each store that a test can run. The others need what no test machine has; see COVERED."""

COVERED: Mapping[str, str] = {"aws": "test_aws.py", "keyring": "test_keyring.py"}
"""The test of ``tests/secrets`` that looks for canaries in everything such a store says."""

SECRET_FIELDS: Mapping[str, frozenset[str]] = {
    "firebase.app_distribution_release": frozenset(),
    "firebase.flag": frozenset(),
    "firebase.hosting_release": frozenset(),
    "firebase.remote_config": frozenset(),
    "firebase.rules": frozenset(),
    "gcp.function": frozenset(),
    "gcp.project_services": frozenset(),
    "gcp.run_traffic": frozenset(),
    "gcp.scheduler_job": frozenset(),
    "gcp.secret": frozenset(),
    "gcp.task_queue": frozenset(),
    "stripe.webhook_endpoint": frozenset({"#secret"}),
    "vercel.env_var": frozenset({"value"}),
    "vercel.production_deployment": frozenset(),
    "vercel.webhook": frozenset({"#secret"}),
}
"""The secret fields of each kind, and its secret outputs with a ``#``. Each is planted by ``resources``."""


class Values(NamedTuple):
    """A secret of every shape, all different in every run."""

    token: str
    hard: str
    lines: str
    document: str
    address: str
    short: str


def fresh_values() -> Values:
    """Return new values. The shortest cannot be masked by value, so nobody may repeat it."""
    body = "\n".join(
        secrets.token_urlsafe(48).replace("-", "+").replace("_", "/") for _ in range(4)
    )
    document = {"client_secret": secrets.token_hex(16), "name": "shop", "note": "for the night"}
    return Values(
        token=f"tok_{secrets.token_urlsafe(24)}",
        hard=f"{secrets.token_hex(12)} {HARD}",
        lines=f"-----BEGIN KEY-----\n{body}\n-----END KEY-----",
        document=json.dumps(document, indent=2),
        address=f"postgres://shop:{secrets.token_hex(10)}@db.internal.example/shop?x=1&y=é",
        short=f"q{secrets.token_hex(2)}",
    )


def variable(name: str, value: str, **spec: Any) -> dict[str, Any]:
    """Return a declared variable."""
    wanted = {"key": name, "target": ["production"], "type": "encrypted", "value": value, **spec}
    return {"kind": "vercel.env_var", "name": name.lower().replace("_", "-"), "spec": wanted}


def resources() -> list[dict[str, Any]]:
    """Return what is declared: each secret field with a value from each store, and each shape of value."""
    planted = [
        variable(f"NIGHT_FROM_{store.upper()}", reference)
        for store, reference in STORES.items()
        if reference is not None
    ]
    planted += [
        variable(
            f"NIGHT_{shape.upper()}", f"${{secret:env/NIGHT_{shape.upper()}}}", type="sensitive"
        )
        for shape in Values._fields
    ]
    planted.append(variable("NIGHT_INSIDE", "https://x:${secret:env/NIGHT_TOKEN}@shop.example/é"))
    payments = {"url": PAYMENTS, "enabled_events": ["*"], "description": "Payments"}
    planted.append({"kind": "stripe.webhook_endpoint", "name": "payments", "spec": payments})
    enabled = {"service": "cloudtasks.googleapis.com"}  # no secret of its own, but a credential
    planted.append({"kind": "gcp.project_services", "name": "tasks", "spec": enabled})
    for kind, events in (
        ("stripe.webhook_endpoint", {"enabled_events": ["*"]}),
        ("vercel.webhook", {"events": ["deployment.error"]}),
    ):
        name = kind.partition(".")[0]
        capturing = {
            "kind": kind,
            "name": name,
            "spec": {"url": f"https://{name}.example/x", **events},
            "capture": {"secret": f"${{secret:file/captured/{name}}}"},
        }
        planted.append(capturing)
        planted.append(variable(f"NIGHT_OF_{name.upper()}", f"${{ref:{kind}/{name}#secret}}"))
    return planted


def settings_of_stores(urls: Mapping[str, str]) -> dict[str, Any]:
    """Return ``secrets.stores`` of the environment file."""
    return {
        "command": {"read": ["./tell", "{name}"]},
        "sops": {"program": "./sops"},
        "vault": {"address": urls["vault"], "token": "${secret:env/NIGHT_VAULT_TOKEN}"},
        "gcp": {
            "project": "shop",
            "base_url": urls["gcp"],
            "access_token": "${secret:env/NIGHT_GCP_TOKEN}",
        },
    }


class Stores:
    """What the stores hold: one random value each, and the credentials that open them."""

    def __init__(self) -> None:
        self.values = {
            name: f"{name}{secrets.token_hex(10)}{HARD}" for name, one in STORES.items() if one
        }
        self.tokens = {"vault": secrets.token_hex(14), "gcp": f"gcp-{secrets.token_hex(14)}"}
        self._vault = VaultServer(token=self.tokens["vault"])
        self._vault.put("shop/night", value=self.values["vault"])
        self._gcp = SecretManager(token=self.tokens["gcp"])
        self._gcp.add("NIGHT", self.values["gcp"])

    def answer(self, request: Request) -> Answer:
        """Answer as Vault or Secret Manager."""
        served = self._gcp if request.path.startswith("/v1/projects/") else self._vault
        return served(request)

    def lay_out(self, folder: Path) -> None:
        """Write the files of the stores that are files or programs; nobody searches them."""
        kept = folder / "kept"
        kept.mkdir()
        for name in ("file", "command", "sops"):
            path = kept / ("night" if name == "file" else f"of-{name}")
            path.write_text(self.values[name], encoding="utf-8")
            path.chmod(0o600)
        for program, name in (("tell", "command"), ("sops", "sops")):
            path = folder / program
            path.write_text(f"#!/bin/sh\ncat 'kept/of-{name}'\necho {program} >&2\n", "utf-8")
            path.chmod(0o700)

    def environ(self) -> dict[str, str]:
        """Return the variables that the stores need."""
        return {
            "NIGHT_PLAIN": self.values["env"],
            "NIGHT_VAULT_TOKEN": self.tokens["vault"],
            "NIGHT_GCP_TOKEN": self.tokens["gcp"],
            "PATH": os.environ["PATH"],
        }
