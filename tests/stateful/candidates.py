"""What may be declared and what may be live in a random world: few names, so that they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from tests.killing.shop import SITE, endpoint, of, pointer, row, token, variable, webhook

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

State = dict[str, Any]

EVENTS = ["charge.refunded", "charge.succeeded", "payout.failed"]
ENDPOINTS = ("alpha", "beta", "gamma")
ROWS = ("ONE", "TWO", "THREE")
DEPLOYMENTS = ("dpl_good_41", "dpl_older_40")

events = st.lists(st.sampled_from(EVENTS), min_size=1, max_size=2, unique=True).map(sorted)
notes = st.sampled_from([None, "a note", "another note"])
statuses = st.sampled_from(["enabled", "disabled"])
labels = st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["a", "b"]), max_size=2)
presence = st.sampled_from(["present"] * 6 + ["absent"])
targets = st.sampled_from([["production"], ["preview"], ["preview", "production"]])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[State]:
    """Draw any of the fields, and no others."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def webhooks(draw: DrawFn, name: str) -> State:
    """Return a declared endpoint."""
    spec = draw(some(description=notes, status=statuses, metadata=labels))
    version = draw(st.sampled_from([None, None, "2024-06-20"]))
    if version is not None:
        spec["api_version"] = version
    return webhook(name, state=draw(presence), enabled_events=draw(events), **spec)


@st.composite
def variables(draw: DrawFn, key: str) -> State:
    """Return a declared variable."""
    spec = draw(some(comment=notes, target=targets))
    kind, value = draw(
        st.sampled_from(
            [
                ("plain", "1"),
                ("plain", "2"),
                ("encrypted", token("A")),
                ("encrypted", token("B")),
                ("sensitive", token("A")),
            ]
        )
    )
    return variable(key, value, type=kind, state=draw(presence), **spec)


@st.composite
def declarations(draw: DrawFn) -> tuple[State, ...]:
    """Return everything that is declared."""
    items: list[State] = [
        draw(webhooks(name)) for name in draw(st.lists(st.sampled_from(ENDPOINTS), unique=True))
    ]
    items += [draw(variables(key)) for key in draw(st.lists(st.sampled_from(ROWS), unique=True))]
    there = [
        item["name"] for item in items if item["name"] in ENDPOINTS and item["state"] == "present"
    ]
    follows: bool = draw(st.booleans())
    if there and follows:
        items.append(variable("FOLLOWS", of(draw(st.sampled_from(there)), "id")))
    moves: bool = draw(st.booleans())
    if moves:
        items.append(pointer(draw(st.sampled_from(DEPLOYMENTS))))
    return tuple(items)


@st.composite
def live_endpoints(draw: DrawFn) -> list[State]:
    """Return the endpoints that are live at first."""
    return [
        endpoint(
            name,
            enabled_events=draw(events),
            description=draw(notes),
            status=draw(statuses),
            metadata=draw(labels),
            api_version=draw(st.sampled_from([None, None, "2023-10-16"])),
        )
        for name in draw(st.lists(st.sampled_from((*ENDPOINTS, "undeclared")), unique=True))
    ]


@st.composite
def live_rows(draw: DrawFn) -> list[State]:
    """Return the variables that are live at first."""
    return [
        row(
            key,
            draw(st.sampled_from(["1", "2", "3"])),
            type=draw(st.sampled_from(["plain", "plain", "encrypted"])),
            target=draw(targets),
            **({"comment": "by hand"} if draw(st.booleans()) else {}),
        )
        for key in draw(st.lists(st.sampled_from((*ROWS, "UNDECLARED")), unique=True))
    ]


class Click(NamedTuple):
    """What a person does in a dashboard: give an object other fields, or take it away (no fields)."""

    vendor: str
    pick: int
    fields: State


clicks = st.builds(
    Click,
    st.just("stripe"),
    st.integers(0, 5),
    st.sampled_from(
        [
            {},
            {"description": "by hand"},
            {"status": "disabled"},
            {"enabled_events": ["payout.failed"]},
            {"url": f"{SITE}/by-hand"},
            {"metadata": {"by": "hand"}},
        ]
    ),
) | st.builds(
    Click,
    st.just("vercel"),
    st.integers(0, 5),
    st.sampled_from([{}, {"value": "by hand"}, {"comment": "by hand"}]),
)


def clicked(click: Click, found: list[State], now: int) -> list[State]:
    """Return the objects after a click; ``now`` is the time of it."""
    if not found:
        return found
    which = click.pick % len(found)
    changed = {**found[which], **click.fields}
    if click.vendor == "vercel":
        changed["updatedAt"] = now
    if "url" in click.fields:
        changed["url"] = f"{changed['url']}-{now}"
    return [*found[:which], *([changed] if click.fields else []), *found[which + 1 :]]


where = st.fixed_dictionaries(
    {
        "vendor": st.sampled_from(["stripe", "vercel"]),
        "nth": st.integers(1, 6),
        "method": st.sampled_from(["GET", "[PD]*", "*"]),
    }
)
what: st.SearchStrategy[State] = st.sampled_from(
    [
        {"status": 429, "headers": {"Retry-After": "3"}},
        {"status": 429, "times": 9},
        {"status": 500},
        {"status": 500, "times": 9},
        {"status": 500, "after_effect": True},
        {"drop": "before"},
        {"drop": "after"},
        {"no_effect": True},
        {"stale": 2, "method": "[PD]*"},
        {"skip_page": 1, "method": "GET"},
        {"status": 401, "times": 99},
        {"status": 403},
    ]
)
faults: st.SearchStrategy[State] = st.builds(lambda one, other: {**one, **other}, where, what)
