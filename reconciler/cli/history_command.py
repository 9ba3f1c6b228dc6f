"""``reconciler history``: runs, snapshots and labels of an environment."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import Workspace


@click.command("history")
@options.environment
@options.formats("json")
@click.pass_context
def command(ctx: click.Context, environment: str, form: str) -> int:
    """List what happened in ENV, newest first."""
    from reconciler.render import history_text

    workspace = Workspace(ctx)
    workspace.load_environment(environment)
    store = workspace.store(environment)
    story = (tuple(store.runs()), tuple(store.headers()), store.labels())
    if form == "json":
        console.result_json(history_text.history_json(*story))
    else:
        console.result(
            history_text.history_text(*story, color=console.wants_color(ctx), width=console.width())
        )
    return 0
