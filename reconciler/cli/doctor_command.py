"""``reconciler doctor``: look at everything that a run relies on. Reads only."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import SystemClock, Workspace


@click.command("doctor")
@options.environment
@click.option("--offline", is_flag=True, help="Ask no vendor and no distant secret store.")
@click.option("--identity", metavar="FILE", help="The age identity that is to open what is sealed.")
@options.formats("json")
@click.pass_context
def command(
    ctx: click.Context, environment: str, offline: bool, identity: str | None, form: str
) -> int:
    """Tell whether ENV is ready: this machine, its files, secrets, accounts and records. Changes nothing."""
    from reconciler.cli.doctoring import examined, exit_code
    from reconciler.cli.doctoring.case import case_of
    from reconciler.cli.doctoring.clocks import Clocks
    from reconciler.render import doctor_text

    clocks = Clocks(SystemClock(), ctx.obj["tracer"])
    ctx.obj["tracer"] = clocks  # before the first connection is made
    workspace = Workspace(ctx, identity=identity)
    found = tuple(examined(case_of(workspace, environment, clocks, offline=offline)))
    code = int(exit_code(found))
    if form == "json":
        console.result_json(doctor_text.doctor_json(environment, found, code))
    else:
        text = doctor_text.doctor_text(
            environment, found, color=console.wants_color(ctx), width=console.width()
        )
        console.result(text)
    return code
