"""``reconciler kinds``: what can be declared."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.providers import registry


@click.command("kinds")
@options.formats("json")
def command(form: str) -> int:
    """List the kinds of resources."""
    from reconciler.render import explain_text

    models = [registry.model_of(kind) for kind in registry.kind_names()]
    if form == "json":
        console.result_json(explain_text.kinds_json(models))
    else:
        console.result(explain_text.kinds_text(models))
    return 0
