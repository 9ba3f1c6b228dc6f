"""All that changes while a sandbox runs: accounts, request log, faults, rate buckets."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reconciler.sandbox.faults import FaultBook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.rate import Bucket
    from reconciler.sandbox.vendor import State, Vendor


class Access(NamedTuple):
    """What a credential opens: an account's state and, if it is restricted, its permissions.

    ``key`` names the account inside its vendor; credentials of the same account share it.
    """

    key: str
    state: State
    permissions: frozenset[str] | None


@dataclass
class StaleReads:
    """Reads that still answer an earlier state."""

    state: State
    left: int
    paths: str


@dataclass
class World:
    """Owned by one event loop; nothing else may change it while that runs."""

    seed: Mapping[str, State]
    states: dict[str, State] = field(default_factory=dict)
    requests: list[dict[str, object]] = field(default_factory=list)
    faults: FaultBook = field(default_factory=FaultBook)
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    stale: dict[tuple[str, str], StaleReads] = field(default_factory=dict)
    served: int = 0

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Go back to the seed; forget requests, faults and limits."""
        self.states = {name: copy.deepcopy(dict(state)) for name, state in self.seed.items()}
        self.requests.clear()
        self.faults.clear()
        self.buckets.clear()
        self.stale.clear()

    def replace_state(self, vendor: str, state: State) -> None:
        """Give a vendor another whole state."""
        self.states[vendor] = state
        self.stale = {key: value for key, value in self.stale.items() if key[0] != vendor}

    def begin(self, vendor: str, method: str, path: str, query: str) -> dict[str, object]:
        """Note a request as it arrives. Its status stays 0 if it never gets an answer."""
        entry: dict[str, object] = {
            "vendor": vendor,
            "method": method,
            "path": path,
            "query": query,
            "status": 0,
        }
        self.requests.append(entry)
        self.served += 1
        return entry

    def access(self, vendor: Vendor, credential: str | None) -> Access | None:
        """Return what a credential opens, or None if it opens nothing."""
        root = self.states[vendor.name]
        entry = root.get("credentials", {}).get(credential)
        if entry is not None:
            permissions = entry.get("permissions")
            for name, value in vendor.blank().items() if "state" in entry else ():
                entry["state"].setdefault(name, value)
            return Access(
                key=str(credential) if "state" in entry else "",
                state=entry.get("state", root),
                permissions=None if permissions is None else frozenset(permissions),
            )
        if credential is not None and vendor.is_test_credential(credential):
            return Access("", root, None)
        return None
