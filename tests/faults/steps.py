"""Every kind of step there is, alone, and a judge of what became of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.killing import shop
from tests.killing.shop import ENDPOINTS, ROWS, SITE, Live, of, token, variable, webhook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

State = dict[str, Any]


class Step(NamedTuple):
    """One thing to do: what is declared instead of (or besides) what was."""

    name: str
    vendor: str
    after: tuple[State, ...]
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def declared(self) -> tuple[State, ...]:
        """Return everything that is declared."""
        changed = {address_of(item): item for item in self.after}
        kept = {address_of(item): item for item in shop.BEFORE}
        return tuple((kept | changed).values())


STEPS = (
    Step(
        "update",
        "stripe",
        (webhook("connect", connect=True, description="Sellers", status="disabled"),),
    ),
    Step("create", "stripe", (webhook("orders"),)),
    Step(
        "create-and-capture",
        "stripe",
        (
            webhook("orders", capture=True),
            variable("ORDERS_ID", of("orders", "id")),
            variable("ORDERS_SECRET", of("orders", "secret"), type="sensitive"),
        ),
    ),
    Step("create-disabled", "stripe", (webhook("invoices", status="disabled"),)),
    Step(
        "replace",
        "stripe",
        (webhook("legacy", capture=True, api_version="2024-06-20"),),
        ("--allow-replace", shop.REPLACED[0]),
    ),
    Step("delete", "stripe", (webhook("retired", state="absent"),)),
    Step(
        "create-variables",
        "vercel",
        (
            variable("NEW_1", "one"),
            variable("NEW_2", "two", target=["preview"]),
            variable("NEW_TOKEN", token("C"), type="sensitive"),
        ),
    ),
    Step("update-variable", "vercel", (variable("FEATURE", "on"),)),
    Step("update-secret", "vercel", (variable("DSN", token("B"), type="encrypted"),)),
    Step(
        "replace-variable",
        "vercel",
        (variable("SMTP", token("B"), type="sensitive"),),
        ("--allow-replace", shop.REPLACED[1]),
    ),
    Step(
        "delete-variables",
        "vercel",
        (
            variable("GONE_1", "1", state="absent"),
            variable("GONE_2", "2", target=["preview"], state="absent"),
        ),
    ),
    Step("move-production", "vercel", (shop.pointer("dpl_older_40"),)),
)


def address_of(item: Mapping[str, Any]) -> str:
    return f"{item['kind']}/{item['name']}"


def problems(
    live: Live, declared: Iterable[State], folder: Path, only: Iterable[str] | None = None
) -> list[str]:
    """Return in which way the live state is not what is declared."""
    wanted = None if only is None else set(only)
    return [
        f"{address_of(item)}: {problem}"
        for item in declared
        if wanted is None or address_of(item) in wanted
        for problem in _JUDGES[item["kind"]](live, item, folder)
    ]


def _endpoint(live: Live, item: State, folder: Path) -> Iterator[str]:
    spec, is_absent = item["spec"], item.get("state") == "absent"
    found = [one for one in live.endpoints if one["url"] == spec["url"]]
    if len(found) != (0 if is_absent else 1):
        yield f"there are {len(found)}"
        return
    if is_absent:
        return
    for name, value in spec.items():
        if name == "metadata":
            missing = {k: v for k, v in value.items() if found[0]["metadata"].get(k) != v}
            if missing:
                yield f"metadata lacks {missing}"
        elif found[0][name] != value:
            yield f"{name} is {found[0][name]!r}"
    for place in item.get("capture", {}).values():
        path = folder / place.removeprefix("${secret:file/").removesuffix("}")
        if not path.exists() or path.read_text(encoding="utf-8") != found[0]["secret"]:
            yield "the captured secret is another"


def _row(live: Live, item: State, folder: Path) -> Iterator[str]:
    del folder
    spec, is_absent = item["spec"], item.get("state") == "absent"
    found = [one for one in live.rows if one["key"] == spec["key"]]
    if len(found) != (0 if is_absent else 1):
        yield f"there are {len(found)}"
        return
    for name, value in {} if is_absent else spec.items():
        wanted = resolved(live, value) if name == "value" else value
        if found[0][name] != wanted:
            yield f"{name} is {found[0][name]!r}"


def resolved(live: Live, value: str) -> str:
    """Return what a reference stands for."""
    if value.startswith("${secret:env/SHOP_"):
        return shop.TOKENS[value.removeprefix("${secret:env/SHOP_").removesuffix("}")]
    if not value.startswith("${ref:"):
        return value
    name, field = value.removeprefix("${ref:stripe.webhook_endpoint/").removesuffix("}").split("#")
    return str(live.endpoint(name)[field])


def _production(live: Live, item: State, folder: Path) -> Iterator[str]:
    del folder
    wanted = item["spec"]["deployment"]
    hosts = {one["deploymentId"] for one in live.vercel["aliases"] if one["target"] == "production"}
    if live.project["production"] != wanted or hosts != {wanted}:
        yield f"production is {live.project['production']}, and its hosts serve {hosts}"
    if live.project["autoAssignCustomDomains"] is not item["spec"]["auto_assign_domains"]:
        yield "auto_assign_domains is another"


_JUDGES = {
    "stripe.webhook_endpoint": _endpoint,
    "vercel.env_var": _row,
    "vercel.production_deployment": _production,
}


def twins(live: Live) -> list[str]:
    """Return what is there twice."""
    urls = [one["url"] for one in live.endpoints]
    keys = [f"{one['key']} {place}" for one in live.rows for place in one["target"]]
    return sorted({one for one in (*urls, *keys) if (*urls, *keys).count(one) > 1})


def meddled_with(live: Live, declared: Iterable[State]) -> list[str]:
    """Return what was changed although nothing was to change there."""
    touched = {address_of(item) for item in declared if item not in shop.BEFORE}
    names = {f"vercel.env_var/{one['key'].lower().replace('_', '-')}": one for one in ROWS}
    urls = {f"stripe.webhook_endpoint/{one['id'].removeprefix('we_')}": one for one in ENDPOINTS}
    now = {one["id"]: one for one in (*live.endpoints, *live.rows)}
    return [
        address
        for address, thing in (names | urls).items()
        if address not in touched and text(now.get(thing["id"])) != text(thing)
    ]


def text(thing: object) -> str:
    return json.dumps(thing, sort_keys=True)


__all__ = ["SITE", "STEPS", "Step", "address_of", "meddled_with", "problems", "twins"]
