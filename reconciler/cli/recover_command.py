"""``reconciler recover``: after a crash, find out by reading what was done, then finish it or take it back."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.apply_command import apply_wish, ended
from reconciler.cli.applying import Agreement, clean_up, go_on
from reconciler.cli.proposing import Wish
from reconciler.cli.workspace import Workspace


@click.command("recover")
@options.environment
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--undo", is_flag=True, help="Take back what was done, instead of finishing it.")
@options.consenting
@options.identity
@options.agreeing
@options.formats("json")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    environment: str,
    run: str | None,
    undo: bool,
    allow_replace: tuple[str, ...],
    allow_delete: tuple[str, ...],
    identity: str | None,
    yes: bool,
    confirm: str | None,
    form: str,
) -> int:
    """Settle a run of ENV that was cut off. Nothing to recover is success."""
    workspace = Workspace(ctx, identity=identity)
    store = workspace.store(environment)
    loaded = workspace.load_environment(environment)
    cut_off = [one for one in store.cut_off() if run in {None, one}]
    if not cut_off:
        if form == "json":
            console.result_json({"recovered": None})
        else:
            console.result(f"Nothing to recover in {environment}: every run has finished.")
        return 0
    found = cut_off[0]
    agreement = Agreement(yes, confirm)
    if undo:
        wish = Wish(environment, undo=found, allow_replace=allow_replace, allow_delete=allow_delete)
        clean_up(workspace, store.run_plan(found), found, loaded, agreement)
        code = apply_wish(ctx, workspace, wish, agreement, form)
        if code == 0 and found in store.cut_off():  # there was nothing to take back
            store.close_run(found, "taken back")
        return code
    plan = store.run_plan(found)
    report = go_on(workspace, plan, found, loaded, agreement)
    return ended(ctx, workspace, plan, loaded, report, form)
