"""``reconciler schema``: the published JSON Schemas, generated from the models."""

from __future__ import annotations

import json
from pathlib import Path

import click

from reconciler.cli import console
from reconciler.cli.exit_codes import ExitCode
from reconciler.providers import registry
from reconciler.secrets import registry as secret_stores


@click.command("schema")
@click.option(
    "--check", is_flag=True, help="Change nothing; exit with 1 when a file is out of date."
)
@click.pass_context
def command(ctx: click.Context, check: bool) -> int:
    """Write schemas/*.json, for editors and reviewers."""
    from reconciler.stores.atomic import write_text
    from reconciler.stores.guarding import Guard

    folder = Path(ctx.obj["directory"]).resolve() / "schemas"
    stale = [
        (folder / name, text)
        for name, text in schema_texts().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if check:
            console.say(f"{path.name} is out of date: reconciler schema")
        else:
            write_text(path, text, Guard(console.MASKER))
            console.result(f"schemas/{path.name}")
    return int(ExitCode.ERROR if check and stale else ExitCode.OK)


def schema_texts() -> dict[str, str]:
    """Return the text of every schema file."""
    from reconciler.files.schemas import all_schemas

    settings = {
        vendor: registry.account_type(vendor).settings_type for vendor in registry.vendor_names()
    }
    stores = {
        store: secret_stores.store_type(store).settings_type
        for store in secret_stores.store_names()
    }
    return {
        name: f"{json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False)}\n"
        for name, schema in all_schemas(registry.models(), settings, stores).items()
    }
