"""Which live object is which declared resource: by binding, then by ownership marker, then by natural key.

Never picks the first of several.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.core.errors import AmbiguousIdentity

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from reconciler.core.resource import Resource
    from reconciler.core.state import Declared, Observed


def overlap_of(address: str) -> str:
    """Return the address of the object that stays beside the one at ``address`` while it is rotated."""
    return f"{address}{_OVERLAP}"


def rotated_from(address: str) -> str:
    """Return the address that the object at ``address`` had before it was rotated; the same for any other."""
    return address.removesuffix(_OVERLAP)


_OVERLAP = "~previous"
"""No name that a file may give ends so."""


def pair(
    model: type[Resource],
    declared: Iterable[Declared],
    observed: Iterable[Observed],
    *,
    environment: str,
    bindings: Mapping[str, str],
) -> dict[str, str]:
    """Return the remote id of each declared address that has a live object.

    ``bindings`` are address -> remote id of the last snapshot; an id that the declaration brings along (a snapshot's)
    goes before them. An object whose address is no longer declared may be
    found by its natural key under another: the resource was renamed in the files. Raises AmbiguousIdentity.
    """
    wanted = {item.address: item for item in declared}
    live = {item.remote_id: item for item in observed}
    found: dict[str, str] = {}
    for address, item in wanted.items():
        if item.remote_id in live:
            found[address] = item.remote_id
    taken = set(found.values())
    for address in wanted.keys() - found.keys():
        bound = bindings.get(address)
        if bound in live and bound not in taken:
            found[address] = bound
    _by_marker(wanted, live, found, environment)
    claimed = {remote_id for address, remote_id in bindings.items() if address in wanted} | {
        remote_id for remote_id, item in live.items() if _is_claimed(item, wanted, environment)
    }
    _by_natural_key(model, wanted, live, found, claimed=frozenset(claimed))
    return found


def _by_marker(
    wanted: Mapping[str, Declared],
    live: Mapping[str, Observed],
    found: dict[str, str],
    environment: str,
) -> None:
    taken = set(found.values())
    marked: dict[str, list[str]] = defaultdict(list)
    for remote_id, item in live.items():
        if item.marker is not None and remote_id not in taken:
            marked[item.marker].append(remote_id)
    for address in wanted:
        ids = marked.get(f"{environment}/{address}", [])
        if address in found or not ids:
            continue
        if len(ids) > 1:
            raise _ambiguous(address, ids, "carry its ownership marker")
        found[address] = ids[0]


def _is_claimed(item: Observed, wanted: Mapping[str, Declared], environment: str) -> bool:
    """Tell whether the marker says that the object is of another environment, or of a declared resource."""
    if item.marker is None:
        return False
    owner, _, address = item.marker.partition("/")
    return owner != environment or address in wanted


def _by_natural_key(
    model: type[Resource],
    wanted: Mapping[str, Declared],
    live: Mapping[str, Observed],
    found: dict[str, str],
    *,
    claimed: frozenset[str],
) -> None:
    taken = set(found.values()) | claimed
    index: dict[Hashable, list[str]] = defaultdict(list)
    left = [item for address, item in wanted.items() if address not in found]
    if not left:
        return
    for remote_id, item in live.items():
        if remote_id in taken:
            continue
        for key in model.natural_keys(item.values):
            index[key].append(remote_id)
    matched: dict[str, str] = {}
    for declared in left:
        ids = sorted(
            {one for key in model.natural_keys(declared.values) for one in index.get(key, ())}
        )
        if len(ids) > 1:
            raise _ambiguous(declared.address, ids, "have its natural key")
        if not ids:
            continue
        other = matched.setdefault(ids[0], declared.address)
        if other != declared.address:
            raise AmbiguousIdentity(
                f"{other} and {declared.address} are one live object",
                detail=f"{ids[0]} matches both declarations by natural key.",
                mend="declare it once, or split it at the vendor first",
            )
        found[declared.address] = ids[0]


def _ambiguous(address: str, ids: Iterable[str], why: str) -> AmbiguousIdentity:
    listed = ", ".join(sorted(ids))
    return AmbiguousIdentity(
        f"{address}: more than one live object could be meant",
        detail=f"These objects {why}: {listed}. None is picked.",
        mend="remove the surplus objects at the vendor, or make the declaration tell them apart",
    )
