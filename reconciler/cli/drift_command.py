"""``reconciler drift``: what changed outside since the last known good or applied state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import reconciler
from reconciler.cli import console, options
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.showing import show_plan
from reconciler.cli.workspace import Workspace, agreement_rules, kinds_of, with_models
from reconciler.core.going_back import desired_from
from reconciler.core.guard import Policy
from reconciler.core.state import Criticality
from reconciler.engine.planning import Request, make_plan

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.core.state import DesiredState, Snapshot
    from reconciler.files.loading import Loaded


@click.command("drift")
@click.argument("environments", metavar="ENV...", nargs=-1, required=True)
@click.option(
    "--fail-on",
    type=click.Choice([str(level) for level in Criticality]),
    default=str(Criticality.P3),
    show_default=True,
    help="Exit with 2 only for drift at least this critical.",
)
@options.formats("json", "markdown")
@click.pass_context
def command(ctx: click.Context, environments: tuple[str, ...], fail_on: str, form: str) -> int:
    """Tell what changed outside in each ENV. Exit code 2 means drift, 7 that it is not known."""
    workspace = Workspace(ctx)
    plans = [drift_of(workspace, name) for name in environments]
    if form == "json" and len(plans) > 1:
        from reconciler.render.plan_json import plan_json

        console.result_json({"environments": {plan.environment: plan_json(plan) for plan in plans}})
    else:
        for plan in plans:
            show_plan(ctx, plan, form)
    return int(max((_verdict(plan, fail_on) for plan in plans), key=_weight))


def drift_of(workspace: Workspace, environment: str) -> Plan:
    """Return drift as the plan that would undo it; without a snapshot, what differs from the files."""
    store = workspace.store(environment)
    loaded = workspace.load(environment)
    base = store.base()
    kinds = kinds_of(loaded.desired, base, loaded.settings)
    desired = _last_known(loaded, base, kinds) if base is not None else loaded.desired
    desired = desired._replace(models=with_models(loaded.desired, kinds))
    if base is None:
        console.say(f"{environment} has no snapshot yet: compared with the files")
    with workspace.sessions(loaded, kinds, writes=False) as sessions:
        live = workspace.look(desired, sessions, base)
    request = Request(
        id=workspace.new_id(),
        now=workspace.clock.now(),
        tool_version=reconciler.__version__,
        policy=Policy(),
        protected=loaded.environment.protected,
        secrets=workspace.secrets(loaded),
        rules=agreement_rules(loaded),
        only_looking=True,
    )
    return make_plan(desired, live.snapshot, live.base, {}, request)


def _last_known(loaded: Loaded, base: Snapshot, kinds: frozenset[str]) -> DesiredState:
    """Return the base as desired state, with what the files say to ignore."""
    declared = {item.address: item for item in loaded.desired.resources}
    state = desired_from(
        base,
        with_models(loaded.desired, {*kinds, *(entry.kind for entry in base.entries)}),
        source=f"snapshot {base.id}",
        captures={},
        only_owned=True,
    )
    known = tuple(
        item._replace(
            ignore=declared[item.address].ignore,
            criticality=declared[item.address].criticality,
            protected=declared[item.address].protected,
            place=declared[item.address].place,
        )
        if item.address in declared
        else item
        for item in state.resources
        if item.kind in kinds
    )
    return state._replace(resources=known)


def _verdict(plan: Plan, fail_on: str) -> ExitCode:
    if any(item.denied for item in plan.unreadable):
        return ExitCode.DENIED
    if plan.unreadable:
        return ExitCode.UNKNOWN
    counts = [change for change in plan.changes if str(change.criticality) <= fail_on]
    return ExitCode.DIFFERENCES if counts else ExitCode.OK


def _weight(code: ExitCode) -> int:
    """Not knowing weighs more than drift, and drift more than none."""
    return [ExitCode.OK, ExitCode.DIFFERENCES, ExitCode.UNKNOWN, ExitCode.DENIED].index(code)
