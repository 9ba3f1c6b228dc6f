"""``reconciler rotate``: a new secret with an overlap, and later the end of the old one. Two plans like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.apply_command import apply_wish
from reconciler.cli.applying import Agreement, Manner
from reconciler.cli.checking import run_checks, surroundings
from reconciler.cli.proposing import Wish, with_proof
from reconciler.cli.workspace import Workspace
from reconciler.core.errors import Refused

if TYPE_CHECKING:
    from reconciler.engine.scheduling import OnError


@click.command("rotate")
@options.environment
@click.argument("address")
@click.option(
    "--retire", is_flag=True, help="Delete the old object, once the new secret is proven."
)
@options.manners
@options.agreeing
@options.formats("json")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    environment: str,
    address: str,
    retire: bool,
    on_error: OnError,
    confirm_within: float | None,
    yes: bool,
    confirm: str | None,
    form: str,
) -> int:
    """Give ADDRESS in ENV a new secret: make a second object, store its secret, give it to all who need it.

    The old object stays until --retire; until then `reconciler undo ENV` goes back to it.
    """
    workspace = Workspace(ctx)
    if retire:
        _refuse_unproven(workspace, environment, address)
    wish = Wish(
        environment,
        rotate=None if retire else address,
        retire=address if retire else None,
    )
    agreement, manner = Agreement(yes, confirm), Manner(on_error, confirm_within)
    return apply_wish(ctx, workspace, wish, agreement, form, manner)


def _refuse_unproven(workspace: Workspace, environment: str, address: str) -> None:
    """The old object goes only when the new secret works. Raises Refused."""
    loaded = with_proof(workspace.load(environment), address)
    results = run_checks(loaded.environment, workspace.clock, surroundings(workspace, loaded))
    if not results:
        console.say(f"No check of {environment} tells whether the new secret of {address} works.")
    failed = [result.name for result in results if not result.passed]
    if failed:
        raise Refused(
            f"The old object of {address} is still needed",
            detail=f"These checks fail with the new secret: {', '.join(failed)}.",
            mend=f"reconciler check {environment}   # deploy first, where a variable takes effect with a deployment",
        )
