"""Traffic of a Cloud Run service, between Google's list of targets and plain mappings. Pure.

Source: Cloud Run Admin API v2, Service.traffic and Service.trafficStatuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.secret import Json

LATEST: Final = "latest"
"""Whatever revision is the newest that is ready: new deployments go live by themselves."""

FOLLOWING: Final[Mapping[str, int]] = {LATEST: 100}

_TO_LATEST: Final = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_TO_REVISION: Final = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


class Targets(NamedTuple):
    """Where requests go: percent by revision, and the revision behind each tag. ``latest`` stands for the newest."""

    percent: dict[str, int]
    tags: dict[str, str]


def targets_of(rows: Iterable[Mapping[str, Json]]) -> Targets:
    """Read Google's list. None at all is 100 % for the latest revision; targets of 0 % matter for their tag alone."""
    percent: dict[str, int] = {}
    tags: dict[str, str] = {}
    for row in rows:
        name = short(row.get("revision") or LATEST)
        if row.get("percent"):
            percent[name] = percent.get(name, 0) + int(row["percent"])
        if row.get("tag"):
            tags[row["tag"]] = name
    return Targets(percent or dict(FOLLOWING), tags)


def rows_of(targets: Targets) -> list[dict[str, Json]]:
    """Return the list that Google is told: each share, then each tag, sorted."""
    shares = [{**_where(name), "percent": share} for name, share in sorted(targets.percent.items())]
    tagged = [{**_where(name), "tag": tag} for tag, name in sorted(targets.tags.items())]
    return [*shares, *tagged]


def serving(targets: Targets, latest: str | None) -> str | None:
    """Return the one revision that serves every request; ``None`` where several share them."""
    found = {latest if name == LATEST else name for name in targets.percent}
    return found.pop() if len(found) == 1 else None


def short(name: str) -> str:
    """Return the last part of a name."""
    return name.rpartition("/")[2]


def _where(name: str) -> dict[str, Json]:
    return {"type": _TO_LATEST} if name == LATEST else {"type": _TO_REVISION, "revision": name}
