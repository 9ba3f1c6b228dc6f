"""``reconciler validate``: everything that can be checked without network or credentials."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput


@click.command("validate")
@click.argument("environment", metavar="[ENV]", required=False)
@options.formats("json")
@click.pass_context
def command(ctx: click.Context, environment: str | None, form: str) -> int:
    """Check the files of ENV, or of every environment."""
    workspace = Workspace(ctx)
    names = (environment,) if environment is not None else workspace.environments
    if not names:
        raise InvalidInput(
            [
                Diagnostic(
                    summary="There is no environment",
                    detail="An environment is a folder below desired_state/ with an environment.yaml.",
                    mend="mkdir -p desired_state/production",
                )
            ]
        )
    wrong: list[Diagnostic] = []
    counts: dict[str, int] = {}
    for name in names:
        try:
            counts[name] = len(workspace.load(name).desired.resources)
        except InvalidInput as error:
            wrong += error.diagnostics
    if wrong:
        raise InvalidInput(wrong)
    if form == "json":
        console.result_json({"environments": counts, "diagnostics": []})
    else:
        for name, count in counts.items():
            console.result(f"{name}: {count} resources, no errors")
    return 0
