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


def agreeing(function: F) -> F:
    """Add ``--yes`` and ``--confirm``."""
    yes = click.option("--yes", is_flag=True, help="Do not ask.")
    confirm = click.option(
        "--confirm",
        metavar="NAME",
        help="The name of a protected environment, instead of typing it.",
    )
    return yes(confirm(function))
