"""What a wish for a revision means for the traffic of a Cloud Run service. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.change import Change, FieldChange, Origin
from reconciler.core.secret import is_settled
from reconciler.providers.google.by_hand import left_to_people
from reconciler.providers.google.run_targets import FOLLOWING, LATEST, Targets, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.secret import Json

BEHIND: Final = (
    "the snapshot let new revisions go live; doing so now would move to another one than it had"
)


def moving(change: Change, declared: Mapping[str, Json], live: Mapping[str, Json]) -> Change:
    """Return a move of traffic: a wanted revision decides, by following the newest where it is that, else by a pin."""
    wanted = declared.get("revision")
    after = declared.get("traffic", live["traffic"])
    newest = live.get("latest")
    if isinstance(wanted, str) and is_settled(after):
        follows = "traffic" in declared and after == FOLLOWING
        if serving(Targets(after, {}), newest) != wanted:
            after = {wanted: 100}
        if follows and after == live["traffic"]:
            command = f"gcloud run services update-traffic {live['service']} --to-latest"
            region = f"--region={live['location']}   # once the newest revision is good again"
            return left_to_people(change, BEHIND, f"{command} {region}")
    fields = [one for one in change.field_changes if one.field != "traffic"]
    if after != live["traffic"]:
        fields.append(_field(change, after, live["traffic"]))
    return _relying(change, newest_counts=LATEST in after).model_copy(
        update={
            "field_changes": tuple(fields),
            "notes": (*change.notes, *_notes(after, live["traffic"])),
            "follow_ups": (*change.follow_ups, *_follow_ups(after, live)),
        }
    )


def _field(change: Change, after: Json, before: Json) -> FieldChange:
    known = next((one for one in change.field_changes if one.field == "traffic"), None)
    if known is not None and known.after == after:
        return known
    origin = known.origin if known is not None else Origin.INTENT
    note = "pinned: following the newest would serve another revision"
    return FieldChange(field="traffic", before=before, after=after, origin=origin, note=note)


def _relying(change: Change, *, newest_counts: bool) -> Change:
    """A move relies on all that says where requests go now; one to the newest on which that is."""
    relied = change.precondition
    names = {"revision", "traffic", *(("latest",) if newest_counts else ())} & set(relied.others)
    others = {name: seen for name, seen in relied.others.items() if name not in names}
    fields = {**relied.fields, **{name: relied.others[name] for name in names}}
    moved = relied.model_copy(update={"fields": fields, "others": others})
    return change.model_copy(update={"precondition": moved})


def _notes(after: Json, before: Json) -> Iterator[str]:
    if LATEST in after and LATEST not in before:
        yield "unpins it: the newest revision gets requests"
    elif LATEST not in after:
        yield "pins it, without a build; the revision brings its own variables and secrets"


def _follow_ups(after: Json, live: Mapping[str, Json]) -> Iterator[str]:
    if LATEST not in after:
        yield (
            f"{live['service']} is pinned: new deployments get no requests until `traffic: {{latest: 100}}`;"
            " some deployments move traffic all the same, so plan again after each"
        )
