"""``reconciler freeze``: let nothing change for a while, but to go back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import Workspace
from reconciler.core.guard import Freeze
from reconciler.engine.planning import stamp


@click.command("freeze")
@options.environment
@click.option("--until", metavar="TIME", help="ISO 8601 in UTC, or a duration such as 6h.")
@click.option("--reason", help="Why; shown to everyone who is refused.")
@click.option("--off", is_flag=True, help="End the freeze.")
@options.formats("json")
@click.pass_context
def command(
    ctx: click.Context,
    environment: str,
    until: str | None,
    reason: str | None,
    off: bool,
    form: str,
) -> int:
    """Refuse every change of ENV until a time; undo and rollback to a good snapshot stay possible."""
    workspace = Workspace(ctx)
    workspace.load_environment(environment)
    store = workspace.store(environment)
    if off:
        store.set_freeze(None)
    elif until is not None or reason is not None:
        if until is None or not reason:
            raise click.UsageError("A freeze needs --until and --reason.")
        moment = _moment(workspace, until)
        if moment <= stamp(workspace.clock.now()):
            raise click.UsageError(f"--until {until} is in the past.")
        store.set_freeze(Freeze(until=moment, reason=reason, by=workspace.who))
    freeze = store.freeze()
    if form == "json":
        console.result_json({"freeze": freeze.model_dump() if freeze is not None else None})
    elif freeze is None:
        console.result(f"{environment} is not frozen.")
    else:
        console.result(
            f"{environment} is frozen until {freeze.until} by {freeze.by}: {freeze.reason}"
        )
    return 0


def _moment(workspace: Workspace, text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return stamp(workspace.clock.now() + timedelta(seconds=options.seconds(text)))
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return stamp(found.astimezone(UTC))
