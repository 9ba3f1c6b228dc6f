"""A shop that is to change in nineteen ways at once, over all kinds, and what it must look like afterwards.

``BEFORE`` and ``AFTER`` are what is declared; ``seed`` is what is live at first. ``assert_as_declared`` judges a live
state against what is written down here by hand, never against what the product says.
"""

from __future__ import annotations

import copy
import json
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.conformance.world import World

Json = Any
State = dict[str, Any]

ENVIRONMENT = "shop"
SITE = "https://shop.example/hooks"
TOKENS = {"A": "FAKE-dsn-of-before", "B": "FAKE-dsn-of-after", "C": "FAKE-token-of-a-new-variable"}
ENVIRON = {
    "SHOP_STRIPE_KEY": "sk_test_sandbox",
    "SHOP_VERCEL_TOKEN": "vercel_sandbox_token",
    "COLUMNS": "200",
    **{f"SHOP_{name}": value for name, value in TOKENS.items()},
}
KEPT = {"orders": "kept/orders", "legacy": "kept/legacy"}
"""Where captured signing secrets go, by endpoint."""

REPLACED = ("stripe.webhook_endpoint/legacy", "vercel.env_var/smtp")


def endpoint(name: str, **fields: Json) -> State:
    """Return an endpoint as Stripe keeps it."""
    return {
        "id": f"we_{name}",
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": 1769080000,
        "description": None,
        "enabled_events": ["charge.succeeded"],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": f"{SITE}/{name}",
        "connect": False,
        "secret": f"whsec_FAKE_{name}",
        **fields,
    }


def row(name: str, value: str, **fields: Json) -> State:
    """Return a variable as Vercel keeps it."""
    return {
        "id": f"env_{name.lower()}",
        "key": name,
        "value": value,
        "type": "plain",
        "target": ["production"],
        "configurationId": None,
        "createdAt": 1787224000001,
        "createdBy": "usr_sandbox",
        "updatedAt": 1792408000001,
        "updatedBy": "usr_sandbox",
        **fields,
    }


ENDPOINTS = (
    endpoint("analytics", metadata={"reconciler": "elsewhere/x"}),
    endpoint("payments", url=f"{SITE}/old", metadata={"team": "payments", "note": "by hand"}),
    endpoint("legacy", api_version="2023-10-16"),
    endpoint("connect", connect=True, application="ca_Shop"),
    endpoint("retired"),
)
ROWS = (
    row("UNDECLARED", "leave me alone"),
    row("MANAGED", "by an integration", configurationId="icfg_1"),
    row("FEATURE", "off"),
    row("DSN", TOKENS["A"], type="encrypted"),
    row("SMTP", TOKENS["A"], type="encrypted"),
    row("LEGACY_SECRET", TOKENS["A"], type="sensitive"),
    row("GONE_1", "1"),
    row("GONE_2", "2", target=["preview"]),
)


def seed(world: World, *, reads_until_done: int = 2) -> None:
    """Put the world into the state before."""
    world.reset()
    stripe, vercel = world.state("stripe"), world.state("vercel")
    stripe["webhook_endpoints"] = copy.deepcopy(list(ENDPOINTS))
    vercel["projects"][0]["env"] = copy.deepcopy(list(ROWS))
    vercel["jobs"] = {"reads_until_done": reads_until_done, "outcome": "succeeded"}
    world.put("stripe", stripe)
    world.put("vercel", vercel)


def webhook(name: str, *, capture: bool = False, state: str = "present", **spec: Json) -> State:
    """Return a declared endpoint."""
    wanted = {"url": f"{SITE}/{name}", "enabled_events": ["charge.succeeded"], **spec}
    item = {"kind": "stripe.webhook_endpoint", "name": name, "state": state, "spec": wanted}
    if capture:
        item["capture"] = {"secret": f"${{secret:file/{KEPT[name]}}}"}
    return item


def variable(key: str, value: str, *, state: str = "present", **spec: Json) -> State:
    """Return a declared variable."""
    wanted = {"key": key, "target": ["production"], "type": "plain", "value": value, **spec}
    name = key.lower().replace("_", "-")
    return {"kind": "vercel.env_var", "name": name, "state": state, "spec": wanted}


def pointer(deployment: str) -> State:
    """Return the declared production deployment."""
    return {
        "kind": "vercel.production_deployment",
        "name": "shop",
        "spec": {"deployment": deployment, "auto_assign_domains": False},
    }


def token(name: str) -> str:
    return f"${{secret:env/SHOP_{name}}}"


def of(name: str, field: str) -> str:
    return f"${{ref:stripe.webhook_endpoint/{name}#{field}}}"


BEFORE: tuple[State, ...] = (
    webhook("payments", url=f"{SITE}/old", metadata={"team": "payments"}),
    webhook("legacy", api_version="2023-10-16"),
    webhook("connect", connect=True),
    webhook("retired"),
    variable("FEATURE", "off"),
    variable("DSN", token("A"), type="encrypted"),
    variable("SMTP", token("A"), type="encrypted"),
    variable("LEGACY_SECRET", token("A"), type="sensitive"),
    variable("GONE_1", "1"),
    variable("GONE_2", "2", target=["preview"]),
    pointer("dpl_good_41"),
)

AFTER: tuple[State, ...] = (
    webhook(
        "payments",
        enabled_events=["charge.refunded", "charge.succeeded"],
        metadata={"team": "payments", "orders": of("orders", "id")},
    ),
    webhook("legacy", capture=True, api_version="2024-06-20"),
    webhook("connect", connect=True, description="Connected sellers", status="disabled"),
    webhook("retired", state="absent"),
    webhook("orders", capture=True, description="Orders"),
    webhook("invoices", status="disabled"),
    variable("FEATURE", "on", comment="since today"),
    variable("DSN", token("B"), type="encrypted"),
    variable("SMTP", token("B"), type="sensitive"),
    variable("LEGACY_SECRET", of("legacy", "secret"), type="sensitive"),
    variable("GONE_1", "1", state="absent"),
    variable("GONE_2", "2", target=["preview"], state="absent"),
    variable("NEW_1", "one"),
    variable("NEW_2", "two", target=["preview"]),
    variable("NEW_TOKEN", token("C"), type="sensitive"),
    variable("ORDERS_ID", of("orders", "id")),
    variable("ORDERS_SECRET", of("orders", "secret"), type="sensitive"),
    variable("INVOICES_SECRET", of("invoices", "secret"), type="encrypted"),
    pointer("dpl_older_40"),
)
CHANGES = 19

REVERSIBLE: tuple[State, ...] = tuple(
    item
    for item in AFTER
    if item["name"] in {"payments", "connect", "orders", "invoices", "feature", "dsn", "shop"}
    or item["name"].startswith(("new-", "orders-", "invoices-"))
)
"""Updates and creates alone: an undo of them gives back every byte."""


def declare(folder: Path, world: World, resources: tuple[State, ...]) -> None:
    """Write the files of the environment anew."""
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
        "policy": {"max_changes": 50, "max_deletes": 10},
    }
    for name, content in (("environment", environment), ("resources", {"resources": resources})):
        (place / f"{name}.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")


def copied(template: Path, folder: Path) -> Path:
    """Return a working folder of one's own."""
    shutil.copytree(template, folder)
    return folder


class Live:
    """What the vendors hold."""

    def __init__(self, world: World) -> None:
        self.stripe = world.state("stripe")
        self.vercel = world.state("vercel")

    @property
    def endpoints(self) -> list[State]:
        found: list[State] = self.stripe["webhook_endpoints"]
        return found

    @property
    def project(self) -> State:
        found: State = self.vercel["projects"][0]
        return found

    @property
    def rows(self) -> list[State]:
        found: list[State] = self.project["env"]
        return found

    def endpoint(self, name: str) -> State:
        """Return the one endpoint with the url of ``name``."""
        (found,) = (one for one in self.endpoints if one["url"] == f"{SITE}/{name}")
        return found

    def row(self, key: str) -> State:
        """Return the one variable of that name."""
        (found,) = (one for one in self.rows if one["key"] == key)
        return found


def assert_as_declared(world: World, folder: Path) -> None:
    """Whatever happened on the way: this is how it must be at the end."""
    live = Live(world)
    assert_endpoints_as_declared(live)
    assert_rows_as_declared(live)
    assert_kept_secrets(live, folder)
    assert_production(live, "dpl_older_40")
    assert_undeclared_untouched(live)


def assert_endpoints_as_declared(live: Live) -> None:
    names = sorted(one["url"].removeprefix(f"{SITE}/") for one in live.endpoints)
    assert names == ["analytics", "connect", "invoices", "legacy", "orders", "payments"]
    orders = live.endpoint("orders")
    old = {one["id"]: one for one in ENDPOINTS}
    assert live.endpoint("payments") == old["we_payments"] | {
        "url": f"{SITE}/payments",
        "enabled_events": ["charge.refunded", "charge.succeeded"],
        "metadata": {"team": "payments", "note": "by hand", "orders": orders["id"]},
    }
    assert live.endpoint("connect") == old["we_connect"] | {
        "description": "Connected sellers",
        "status": "disabled",
    }
    legacy = live.endpoint("legacy")
    assert legacy["id"] != "we_legacy"
    assert legacy["api_version"] == "2024-06-20"
    assert (orders["description"], orders["status"]) == ("Orders", "enabled")
    assert live.endpoint("invoices")["status"] == "disabled"
    for name in ("orders", "invoices", "legacy"):
        marker = f"{ENVIRONMENT}/stripe.webhook_endpoint/{name}"
        assert live.endpoint(name)["metadata"] == {"reconciler": marker}


def assert_rows_as_declared(live: Live) -> None:
    orders = live.endpoint("orders")
    wanted = {
        "UNDECLARED": ("plain", ["production"], "leave me alone"),
        "MANAGED": ("plain", ["production"], "by an integration"),
        "FEATURE": ("plain", ["production"], "on"),
        "DSN": ("encrypted", ["production"], TOKENS["B"]),
        "SMTP": ("sensitive", ["production"], TOKENS["B"]),
        "LEGACY_SECRET": ("sensitive", ["production"], live.endpoint("legacy")["secret"]),
        "NEW_1": ("plain", ["production"], "one"),
        "NEW_2": ("plain", ["preview"], "two"),
        "NEW_TOKEN": ("sensitive", ["production"], TOKENS["C"]),
        "ORDERS_ID": ("plain", ["production"], orders["id"]),
        "ORDERS_SECRET": ("sensitive", ["production"], orders["secret"]),
        "INVOICES_SECRET": ("encrypted", ["production"], live.endpoint("invoices")["secret"]),
    }
    assert sorted(one["key"] for one in live.rows) == sorted(wanted)
    found = {one["key"]: (one["type"], one["target"], one["value"]) for one in live.rows}
    assert found == wanted
    assert live.row("FEATURE")["comment"] == "since today"
    for key in ("FEATURE", "DSN", "LEGACY_SECRET"):
        assert live.row(key)["id"] == f"env_{key.lower()}"


def assert_kept_secrets(live: Live, folder: Path) -> None:
    """A captured secret is that of the live endpoint, and nobody else may read its file."""
    for name, place in KEPT.items():
        path = folder / place
        assert path.read_text(encoding="utf-8") == live.endpoint(name)["secret"]
        assert path.stat().st_mode & 0o077 == 0


def assert_production(live: Live, deployment: str) -> None:
    project = live.project
    assert project["production"] == deployment
    assert "job" not in project
    hosts = {one["deploymentId"] for one in live.vercel["aliases"] if one["target"] == "production"}
    assert hosts == {deployment}
    assert project["autoAssignCustomDomains"] is False


def assert_undeclared_untouched(live: Live) -> None:
    assert live.endpoint("analytics") == ENDPOINTS[0]
    assert live.row("UNDECLARED") == ROWS[0]
    assert live.row("MANAGED") == ROWS[1]
    preview = next(one for one in live.vercel["aliases"] if one["target"] == "preview")
    assert preview["deploymentId"] == "dpl_preview_7"


STAMPS = {"updatedAt", "updatedBy", "created", "createdAt", "createdBy"}


def fields_of(found: list[State], *, without: set[str] = STAMPS) -> dict[str, Mapping[str, Json]]:
    """Return objects by id, without what the vendor itself changes in one that is written."""
    return {
        one["id"]: {name: value for name, value in one.items() if name not in without}
        for one in found
    }


def assert_as_before(world: World) -> None:
    """Every byte is as it was at first, but for the times of the last write."""
    live = Live(world)
    assert fields_of(live.endpoints) == fields_of(list(ENDPOINTS))
    assert fields_of(live.rows, without={*STAMPS, "comment"}) == fields_of(list(ROWS))
    assert not live.row("FEATURE").get("comment")
    assert_production(live, "dpl_good_41")
    assert_undeclared_untouched(live)


def assert_as_before_but_for_lost_ids(world: World) -> None:
    """As before; what was deleted or replaced is there again, with the id and secret that a new object gets."""
    live = Live(world)
    lost = {"id", "secret", "metadata", "comment", *STAMPS}
    for found, were in ((live.endpoints, ENDPOINTS), (live.rows, ROWS)):
        name = "url" if found is live.endpoints else "key"
        now = {one[name]: told(one, lost) for one in found}
        assert len(found) == len(were)
        assert now == {one[name]: told(one, lost) for one in were}
    assert_production(live, "dpl_good_41")
    assert_undeclared_untouched(live)


def told(thing: State, lost: set[str]) -> State:
    """Return the fields of an object that say something, but for those that are ``lost``."""
    return {name: value for name, value in thing.items() if name not in lost and value is not None}
