"""What a change of a function takes: which calls, which steps for people, and what it moves besides. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.change import Action, Change
from reconciler.providers.google.by_hand import left_to_people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.secret import Json

OTHER_CODE: Final = "its code is another, and code comes by deployments alone"
WHY: Final[Mapping[Action, str]] = {
    Action.CREATE: "it is not there, and its code comes by deployments alone",
    Action.REPLACE: "a new function needs its code, which comes by deployments alone",
    Action.DELETE: "a function is never deleted from here: nothing would bring its code back",
}


def by_hand(change: Change, values: Mapping[str, Json]) -> Change:
    """Return a change that needs code, or takes it away, as a step for people."""
    place = f"{values.get('function')} --region={values.get('location')}"
    if change.action is Action.DELETE:
        return left_to_people(change, WHY[change.action], f"gcloud functions delete {place}")
    return left_to_people(change, WHY[change.action], f"{_deployment(values)}, then plan again")


def updating(change: Change, declared: Mapping[str, Json], live: Mapping[str, Json]) -> Change:
    """Return an update with its calls and notes; what differs in code alone is left to people."""
    code = tuple(_code_steps(change, declared, live))
    fields = tuple(one for one in change.field_changes if one.field != "source")
    if not fields:
        manual = left_to_people(change, OTHER_CODE, code[0])
        return manual.model_copy(update={"follow_ups": (*change.follow_ups, *code)})
    names = {one.field.partition(".")[0] for one in fields}
    builds = bool(names - {"invokers"})
    pinned = builds and live.get("generation") == 2 and bool(live.get("pinned"))
    return change.model_copy(
        update={
            "field_changes": fields,
            "calls": builds + pinned + ("invokers" in names),
            "notes": (*change.notes, *_notes(live, builds=builds, pinned=pinned)),
            "follow_ups": (*change.follow_ups, *code),
        }
    )


def _notes(live: Mapping[str, Json], *, builds: bool, pinned: bool) -> Iterator[str]:
    if not builds:
        return
    yield "deploys it anew, in minutes"
    if live.get("generation") != 2:
        return
    if pinned:
        yield "its requests are pinned; a deployment can move them, so they are sent back right after it"
    else:
        yield "its new revision gets the requests, unless `gcp.run_traffic` pins another"


def _code_steps(
    change: Change, declared: Mapping[str, Json], live: Mapping[str, Json]
) -> Iterator[str]:
    """Say how to go back to other code: in seconds by traffic, or by a deployment of the archive."""
    if not change.changes_field("source"):
        return
    if live.get("generation") == 2:
        yield (
            "code goes back in seconds by traffic: declare gcp.run_traffic for its service, and roll it back to the"
            " same snapshot"
        )
    yield f"to deploy the code of then: {_deployment({**live, **declared})}"


def _deployment(values: Mapping[str, Json]) -> str:
    """Return the command that deploys a function, from the archive that is known or from the repository."""
    source = values.get("source")
    archive = str(source).partition("#")[0] if source else "FOLDER_OF_THE_COMMIT"
    generation = "--gen2" if values.get("generation") == 2 else "--no-gen2"
    return (
        f"gcloud functions deploy {values.get('function')} {generation} --region={values.get('location')}"
        f" --runtime={values.get('runtime')} --entry-point={values.get('entry_point')} --source={archive}"
        f"   # or, from the commit of then: firebase deploy --only functions:{values.get('function')}"
    )
