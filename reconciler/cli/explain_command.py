"""``reconciler explain``: what a kind or field means, from the same model that plans obey."""

from __future__ import annotations

import click

from reconciler.cli import console, options
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.files.suggestions import suggestion
from reconciler.providers import registry


@click.command("explain")
@click.argument("name", metavar="KIND[.FIELD]")
@options.formats("json")
def command(name: str, form: str) -> int:
    """Explain KIND, or one FIELD of it."""
    from reconciler.render import explain_text

    known = registry.kind_names()
    kind, field = _split(name, known)
    if kind is None:
        raise InvalidInput(
            [Diagnostic(summary=f"Unknown kind {name}", detail=suggestion(name, known))]
        )
    model = registry.model_of(kind)
    if field is not None and field not in {*model.model_fields, *model.outputs}:
        hint = suggestion(field, {*model.model_fields, *model.outputs})
        raise InvalidInput([Diagnostic(summary=f"{kind} has no field {field}", detail=hint)])
    if form == "json":
        console.result_json(explain_text.explain_json(model, field))
    else:
        console.result(explain_text.explain_text(model, field))
    return 0


def _split(name: str, known: tuple[str, ...]) -> tuple[str | None, str | None]:
    if name in known:
        return name, None
    kind, _, field = name.rpartition(".")
    return (kind, field) if kind in known else (None, None)
