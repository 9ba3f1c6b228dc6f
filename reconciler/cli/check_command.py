"""``reconciler check``: run the declared checks of an environment."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.checking import agreement_results, run_checks, surroundings
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.workspace import Workspace


@click.command("check")
@options.environment
@options.formats("json")
@click.pass_context
def command(ctx: click.Context, environment: str, form: str) -> int:
    """Run the checks that ENV declares. Exit code 1 when one fails."""
    workspace = Workspace(ctx)
    loaded = workspace.load_as_far_as_readable(environment)
    results = (
        *run_checks(loaded.environment, workspace.clock, surroundings(workspace, loaded)),
        *agreement_results(workspace, loaded),
    )
    failed = sum(not result.passed for result in results)
    if not results:
        console.say(f"desired_state/{environment}/environment.yaml declares no checks.")
    if form == "json":
        console.result_json({"checks": [result.model_dump(mode="json") for result in results]})
    else:
        console.result(f"{len(results) - failed} passed, {failed} failed")
    return int(ExitCode.ERROR if failed else ExitCode.OK)
