"""``reconciler show``: a run, a snapshot or a plan, found by its id, label or file name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.showing import show_plan
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.secret import SecretValue
from reconciler.core.stored import parse_plan
from reconciler.providers import registry
from reconciler.stores.runs import secrets_by_field

if TYPE_CHECKING:
    from reconciler.core.state import Snapshot


@click.command("show")
@click.argument("thing", metavar="RUN|SNAPSHOT|PLAN")
@click.option("--env", "environment", metavar="ENV", help="Look only there.")
@click.option(
    "--sealed",
    metavar="ADDRESS#FIELD",
    help="Print a sealed value as it is, encrypted, for `age --decrypt`.",
)
@options.formats("json", "markdown")
@click.pass_context
def command(
    ctx: click.Context, thing: str, environment: str | None, sealed: str | None, form: str
) -> int:
    """Show RUN, SNAPSHOT (id or label) or a PLAN file."""
    from reconciler.core.restoring import restorability
    from reconciler.render import apply_text, snapshot_text

    workspace = Workspace(ctx)
    path = workspace.root / thing
    if sealed is not None:
        console.result(_sealed_in(workspace, thing, environment, sealed))
        return 0
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
    raise _unknown(workspace, thing)


def _unknown(workspace: Workspace, thing: str) -> InvalidInput:
    return InvalidInput(
        [
            Diagnostic(
                summary=f"There is no run, snapshot, label or plan file {thing!r}",
                detail=f"Looked in: {', '.join(workspace.environments) or 'no environment'}.",
                mend="reconciler history ENV",
            )
        ]
    )


def _sealed_in(workspace: Workspace, thing: str, environment: str | None, what: str) -> str:
    """Return the sealed value of ``what`` in a run or snapshot, encrypted as it is. Raises InvalidInput."""
    seen: list[dict[str, SecretValue]] = []
    for name in (environment,) if environment else workspace.environments:
        store = workspace.store(name)
        if any(run.id == thing for run in store.runs()):
            seen.append(secrets_by_field(store.journal(thing)))
        else:
            try:
                seen.append(_secrets_of(store.load(thing)))
            except InvalidInput:
                continue
        secret = seen[-1].get(what)
        if secret is not None and secret.sealed is not None:
            return secret.sealed
    if not seen:
        raise _unknown(workspace, thing)
    listed = sorted(field for one in seen for field, secret in one.items() if secret.sealed)
    hint = f"Sealed are: {', '.join(listed)}." if listed else "Nothing is sealed in it."
    raise InvalidInput([Diagnostic(summary=f"{what} is not sealed in {thing}", detail=hint)])


def _secrets_of(snapshot: Snapshot) -> dict[str, SecretValue]:
    return {
        f"{entry.address or entry.remote_id}#{name}": value
        for entry in snapshot.entries
        for name, value in (*entry.values.items(), *entry.outputs.items())
        if isinstance(value, SecretValue)
    }
