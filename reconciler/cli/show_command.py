"""``reconciler show``: a run, a snapshot or a plan, found by its id, label or file name."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.showing import show_plan
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.stored import parse_plan
from reconciler.providers import registry


@click.command("show")
@click.argument("thing", metavar="RUN|SNAPSHOT|PLAN")
@click.option("--env", "environment", metavar="ENV", help="Look only there.")
@options.formats("json", "markdown")
@click.pass_context
def command(ctx: click.Context, thing: str, environment: str | None, form: str) -> int:
    """Show RUN, SNAPSHOT (id or label) or a PLAN file."""
    from reconciler.core.restoring import restorability
    from reconciler.render import apply_text, snapshot_text

    workspace = Workspace(ctx)
    path = workspace.root / thing
    if path.is_file():
        show_plan(ctx, parse_plan(path.read_text(encoding="utf-8", errors="replace"), thing), form)
        return 0
    for name in (environment,) if environment else workspace.environments:
        store = workspace.store(name)
        if any(run.id == thing for run in store.runs()):
            records = store.journal(thing)
            if form == "json":
                console.result_json(apply_text.journal_json(thing, records))
            else:
                show_plan(ctx, store.run_plan(thing), form)
                console.result(apply_text.journal_text(thing, records))
            return 0
        try:
            snapshot = store.load(thing)
        except InvalidInput:
            continue
        models = registry.models(tuple({entry.kind for entry in snapshot.entries}))
        ways = tuple(restorability(snapshot, models))
        if form == "json":
            console.result_json(snapshot_text.snapshot_json(snapshot, ways, entries=True))
        else:
            console.result(snapshot_text.snapshot_text(snapshot, ways, entries=True))
        return 0
    raise InvalidInput(
        [
            Diagnostic(
                summary=f"There is no run, snapshot, label or plan file {thing!r}",
                detail=f"Looked in: {', '.join(workspace.environments) or 'no environment'}.",
                mend="reconciler history ENV",
            )
        ]
    )
