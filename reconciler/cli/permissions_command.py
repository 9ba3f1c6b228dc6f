"""``reconciler permissions``: what the credentials of an environment must be allowed, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.secret_needs import Need, credentials_of, grants, needs_of, open_store
from reconciler.cli.workspace import Workspace
from reconciler.core.errors import ReconcilerError
from reconciler.core.permission import AccountRights, Permissions, SecretRights
from reconciler.engine.observing import vendor_of
from reconciler.providers import registry

if TYPE_CHECKING:
    from reconciler.files.loading import Loaded


@click.command("permissions")
@options.environment
@options.formats("json")
@click.pass_context
def command(ctx: click.Context, environment: str, form: str) -> int:
    """List the least rights that plan and apply of ENV need, at the vendors and in the secret stores."""
    from reconciler.render import permissions_text

    workspace = Workspace(ctx)
    permissions = permissions_of(workspace, workspace.load(environment))
    if form == "json":
        console.result_json(permissions_text.permissions_json(permissions))
    else:
        text = permissions_text.permissions_text(
            permissions, color=console.wants_color(ctx), width=console.width()
        )
        console.result(text)
    return 0


def permissions_of(workspace: Workspace, loaded: Loaded) -> Permissions:
    """Return the least rights of an environment. Asks nobody, and resolves nothing."""
    kinds = sorted({item.kind for item in loaded.desired.resources})
    return Permissions(
        environment=loaded.environment.environment,
        accounts=tuple(
            AccountRights(
                vendor,
                credentials_of(settings),
                registry.account_rights(vendor),
                tuple(
                    (kind, registry.model_of(kind).rights)
                    for kind in kinds
                    if vendor_of(kind) == vendor
                ),
            )
            for vendor, settings in sorted(loaded.settings.items())
        ),
        secrets=tuple(_of_secret(workspace, loaded, need) for need in needs_of(loaded)),
    )


def _of_secret(workspace: Workspace, loaded: Loaded, need: Need) -> SecretRights:
    known = SecretRights(need.reference, need.name.store, need.uses)
    try:
        store = open_store(workspace, loaded, need.name.store)
        return known._replace(
            read=grants(store, need, writes=False),
            write=grants(store, need, writes=True) if need.captured else (),
        )
    except ReconcilerError as error:
        return known._replace(trouble=f"{error.summary}. {error.detail}".strip())
