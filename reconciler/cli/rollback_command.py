"""``reconciler rollback``: plan to a snapshot, show, ask, apply. Not a third path: desired := a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.apply_command import apply_wish
from reconciler.cli.applying import Agreement
from reconciler.cli.proposing import Wish
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.restoring import restorability
from reconciler.providers import registry

if TYPE_CHECKING:
    from reconciler.stores.records import Records

LAST_GOOD = "last-good"


@click.command("rollback")
@options.environment
@click.option(
    "--to",
    metavar="SNAPSHOT",
    default=LAST_GOOD,
    show_default=True,
    help="A snapshot, a label, or last-good.",
)
@options.selecting
@options.consenting
@options.identity
@options.agreeing
@options.formats("json")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    environment: str,
    to: str,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    allow_replace: tuple[str, ...],
    allow_delete: tuple[str, ...],
    identity: str | None,
    yes: bool,
    confirm: str | None,
    form: str,
) -> int:
    """Bring ENV back to a known-good snapshot."""
    workspace = Workspace(ctx, identity=identity)
    target = last_good(workspace.store(environment), environment) if to == LAST_GOOD else to
    _tell_losses(workspace.store(environment), target)
    wish = Wish(environment, target, None, only, exclude, allow_replace, allow_delete)
    return apply_wish(ctx, workspace, wish, Agreement(yes, confirm), form)


def _tell_losses(store: Records, target: str) -> None:
    """Say what the snapshot could not give back if its object were gone, before anything is asked."""
    snapshot = store.load(target)
    models = registry.models(tuple({entry.kind for entry in snapshot.entries}))
    lost = [
        f"{one.address}#{one.field}"
        for one in restorability(snapshot, models)
        if one.is_lost_with_its_object
    ]
    if lost:
        console.say(
            f"Not restorable from {snapshot.id} if the object is gone: {', '.join(lost)}"
            f" (why: reconciler show {snapshot.id})"
        )


def last_good(store: Records, environment: str) -> str:
    """Choose the snapshot to go back to, and say why. Raises InvalidInput when none was ever called good."""
    labels = [label for label in store.labels() if label.name.startswith("good")]
    proven = [label for label in labels if label.evidence]
    chosen = next(iter(proven or labels), None)
    if chosen is None:
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"No snapshot of {environment} was labelled good",
                    detail="Choose one by its id with --to, or label one while things work.",
                    mend=f"reconciler history {environment}",
                )
            ]
        )
    evidence = (
        f"with {len(chosen.evidence)} passed checks"
        if chosen.evidence
        else "without evidence of checks"
    )
    console.say(
        f"last-good is {chosen.snapshot}: the newest labelled {chosen.name}, at {chosen.at}, {evidence}"
    )
    return chosen.snapshot
