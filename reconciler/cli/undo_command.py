"""``reconciler undo``: the inverse of a run. It is a plan like any other, and can be undone itself."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.apply_command import apply_wish
from reconciler.cli.applying import Agreement
from reconciler.cli.proposing import Wish
from reconciler.cli.running import run_to_undo
from reconciler.cli.workspace import Workspace


@click.command("undo")
@options.environment
@click.argument("run", metavar="[RUN]", required=False)
@options.selecting
@options.consenting
@options.identity
@options.agreeing
@options.formats("json")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    environment: str,
    run: str | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    allow_replace: tuple[str, ...],
    allow_delete: tuple[str, ...],
    identity: str | None,
    yes: bool,
    confirm: str | None,
    form: str,
) -> int:
    """Take back what RUN did in ENV; without RUN, the newest that is not itself an undo."""
    workspace = Workspace(ctx, identity=identity)
    found = run_to_undo(workspace.store(environment), environment, run)
    console.say(f"Taking back run {found.id} of {found.started_at}, by {found.by}")
    wish = Wish(
        environment,
        only=only,
        exclude=exclude,
        allow_replace=allow_replace,
        allow_delete=allow_delete,
        undo=found.id,
    )
    return apply_wish(ctx, workspace, wish, Agreement(yes, confirm), form)
