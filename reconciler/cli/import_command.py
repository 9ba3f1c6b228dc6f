"""``reconciler import``: live objects as desired-state YAML. Secrets become references to fill in."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.snapshotting import take
from reconciler.core.state import SnapshotHeader
from reconciler.engine.observing import observe, unknown, vendor_of
from reconciler.engine.planning import stamp
from reconciler.files.importing import import_text
from reconciler.files.suggestions import suggestion
from reconciler.providers import registry


@click.command("import")
@options.environment
@click.argument("kinds", metavar="[KIND]...", nargs=-1)
@click.option(
    "-o", "--out", metavar="FILE", help="Write a new file; an existing one is never overwritten."
)
@click.pass_context
def command(ctx: click.Context, environment: str, kinds: tuple[str, ...], out: str | None) -> int:
    """Write the live objects of ENV that nobody declares as YAML."""
    import reconciler
    from reconciler.stores.atomic import write_text

    workspace = Workspace(ctx)
    loaded = workspace.load(environment)
    known = registry.kind_names()
    for kind in kinds:
        if kind not in known:
            raise InvalidInput(
                [Diagnostic(summary=f"Unknown kind {kind}", detail=suggestion(kind, known))]
            )
    wanted = kinds or tuple(kind for kind in known if vendor_of(kind) in loaded.settings)
    models = registry.models(wanted)
    store = workspace.store(environment)
    with workspace.sessions(loaded, wanted, writes=False) as sessions:
        observation = observe(sessions, wanted)
    if observation.unreadable:
        raise unknown("Some of the live state could not be read", observation.unreadable)
    header = SnapshotHeader(
        environment=environment,
        taken_at=stamp(workspace.clock.now()),
        tool_version=reconciler.__version__,
    )
    desired = loaded.desired._replace(models={**loaded.desired.models, **models})
    snapshot = take(observation, desired, store.base(), header)
    taken = {item.address for item in loaded.desired.resources}
    text = import_text(snapshot, models, taken)
    if out is None:
        console.result(text.rstrip("\n"))
        return 0
    path = workspace.root / out
    if path.exists():
        raise InvalidInput([Diagnostic(summary=f"{out} exists already; it is not overwritten")])
    write_text(path, text, workspace.guard)
    console.say(
        f"Written to {out}. Fill in the secret references, then: reconciler plan {environment}"
    )
    return 0
