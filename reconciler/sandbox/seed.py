"""The accounts a sandbox starts with. Reads the packaged default; never writes."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.sandbox.vendor import State


class UnusableSeedError(ValueError):
    """A seed that is not ``{vendor: {...}}`` for vendors the sandbox has."""


def default_seed() -> dict[str, State]:
    """Return the seeded shop, by vendor."""
    text = resources.files("reconciler.sandbox").joinpath("shop.json").read_text("utf-8")
    seed: dict[str, State] = json.loads(text)
    return seed


def complete_seed(
    seed: Mapping[str, Any] | None, vendors: Sequence[str], known: Collection[str]
) -> dict[str, State]:
    """Return a state for each of ``vendors``: the given one, else the default.

    Raises UnusableSeedError for a vendor that is not ``known`` and for a state that is no object.
    """
    given = dict(seed or {})
    unknown = sorted(set(given) - set(known))
    if unknown:
        names = ", ".join(known)
        raise UnusableSeedError(f"a seed for {', '.join(unknown)}; the sandbox has {names}")
    for name, state in given.items():
        if not isinstance(state, dict):
            raise UnusableSeedError(f"the seed of {name} is not an object")
    defaults = default_seed()
    return {name: given.get(name, defaults.get(name, {})) for name in vendors}
