"""``reconciler snapshot``: observe and store, and say what could not be had back from it."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.checking import agreement_results, run_checks, surroundings
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.git import head_commit
from reconciler.cli.workspace import Workspace, kinds_of, with_models
from reconciler.core.restoring import restorability
from reconciler.engine.sealing import with_sealed
from reconciler.stores.labels import Label, check_label


@click.command("snapshot")
@options.environment
@click.option("--label", metavar="NAME", help="Name it; `good` is what rollback goes back to.")
@click.option("--note", default="", help="Why it was taken.")
@options.formats("json")
@click.pass_context
def command(ctx: click.Context, environment: str, label: str | None, note: str, form: str) -> int:
    """Store the live state of ENV."""
    from reconciler.render.snapshot_text import snapshot_json, snapshot_text

    workspace = Workspace(ctx)
    if label is not None:
        check_label(label)
    store = workspace.store(environment)
    loaded = workspace.load(environment)
    desired = loaded.desired._replace(git_commit=head_commit(workspace.root))
    base = store.base()
    kinds = kinds_of(desired, base, loaded.settings)
    with workspace.sessions(loaded, kinds, writes=False) as sessions:
        live = workspace.look(desired, sessions, base, role_note=note).snapshot
        models = with_models(desired, kinds)
        live = with_sealed(live, sessions, models, workspace.secrets(loaded))
    denied = any(item.denied for item in live.header.unreadable)
    saved = store.save(live)
    if label is not None and not live.header.unreadable:
        around = surroundings(workspace, loaded, saved.id)
        results = (
            *run_checks(loaded.environment, workspace.clock, around),
            *agreement_results(workspace, loaded, saved.id),
        )
        evidence = tuple(result.model_dump(mode="json") for result in results if result.passed)
        if len(evidence) < len(results):
            console.say(f"Labelled {label} although checks failed")
            evidence = ()
        store.label(Label(label, saved.id, saved.header.taken_at, note, evidence))
        saved = saved._replace(label=label)
    elif label is not None:
        console.say(f"Not labelled {label}: some of the live state could not be read")
    ways = tuple(restorability(saved, models))
    if form == "json":
        console.result_json(snapshot_json(saved, ways))
    else:
        console.result(snapshot_text(saved, ways))
    if denied:
        return int(ExitCode.DENIED)
    return int(ExitCode.UNKNOWN if live.header.unreadable else ExitCode.OK)
