"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

environment = click.argument("environment", metavar="ENV")


def formats(*names: str) -> Callable[[F], F]:
    """Return the ``--format`` option; ``text`` is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", *names]),
        default="text",
        show_default=True,
        help="How to write the result.",
    )


def selecting(function: F) -> F:
    """Add ``--only`` and ``--exclude``."""
    only = click.option("--only", multiple=True, metavar="GLOB", help="Only these addresses.")
    exclude = click.option("--exclude", multiple=True, metavar="GLOB", help="Not these addresses.")
    return only(exclude(function))


def consenting(function: F) -> F:
    """Add the options that name what may be lost."""
    replace = click.option(
        "--allow-replace", multiple=True, metavar="ADDRESS", help="Agree to replace this resource."
    )
    delete = click.option(
        "--allow-delete",
        multiple=True,
        metavar="ADDRESS",
        help="Agree to delete this P0 or protected resource.",
    )
    return replace(delete(function))


def manners(function: F) -> F:
    """Add ``--on-error`` and ``--confirm-within``."""
    on_error = click.option(
        "--on-error",
        type=click.Choice(["stop", "continue", "rollback"]),
        default="stop",
        show_default=True,
        help="After a failed change: stop, go on with what does not need it, or take everything back.",
    )
    within = click.option(
        "--confirm-within",
        metavar="10m",
        callback=lambda _ctx, _param, text: None if text is None else seconds(text),
        help="Take everything back unless `reconciler confirm ENV RUN` comes in time.",
    )
    return on_error(within(function))


def seconds(text: str) -> float:
    """Return the seconds in ``90s``, ``10m``, ``6h`` or ``2d``. Raises click.BadParameter."""
    factors = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    try:
        found = float(text[:-1]) * factors[text[-1:]]
    except (ValueError, KeyError):
        raise click.BadParameter(f"{text!r}: expected something like 90s, 10m, 6h or 2d") from None
    if found <= 0:
        raise click.BadParameter(f"{text!r}: must be more than nothing")
    return found


def agreeing(function: F) -> F:
    """Add ``--yes`` and ``--confirm``."""
    yes = click.option("--yes", is_flag=True, help="Do not ask.")
    confirm = click.option(
        "--confirm",
        metavar="NAME",
        help="The name of a protected environment, instead of typing it.",
    )
    return yes(confirm(function))


identity = click.option(
    "--identity",
    metavar="FILE",
    help="The age identity that opens sealed values, as age-keygen writes it.",
)
