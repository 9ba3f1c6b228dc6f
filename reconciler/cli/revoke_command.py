"""``reconciler revoke``: no plan and no rollback brings this secret back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import console, options
from reconciler.cli.workspace import Workspace
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.reference import BadReference, Scheme, references
from reconciler.files.revoked_file import REVOKED_FILE, with_revocation

if TYPE_CHECKING:
    from reconciler.core.secret import SecretValue


@click.command("revoke")
@options.environment
@click.argument("reference")
@click.option("--reason", required=True, help="Why it may never be used again.")
@click.pass_context
def command(ctx: click.Context, environment: str, reference: str, reason: str) -> int:
    """Write the secret that REFERENCE gives now into ENV's revoked.yaml: its fingerprint, not its value.

    REFERENCE is ${secret:store/name@version}, or the text between the braces.
    """
    from reconciler.stores.atomic import write_text

    workspace = Workspace(ctx)
    if not reason.strip():
        raise InvalidInput([Diagnostic(summary="--reason is empty", mend="--reason 'in a log'")])
    loaded = workspace.load_environment(environment)
    known = workspace.secrets(loaded).known(_whole(reference))
    if any(one.is_of(known) for one in loaded.revoked):
        console.result(f"{known.reference} is revoked already.")
        return 0
    path = workspace.root / "desired_state" / environment / REVOKED_FILE
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    day = workspace.clock.now().date().isoformat()
    text = with_revocation(before, _comment(known), known.fingerprint or "", reason, day)
    write_text(path, text, workspace.guard)
    console.result(f"desired_state/{environment}/{REVOKED_FILE}: {known.reference} is revoked.")
    return 0


def _whole(text: str) -> str:
    """Return ``text`` as one reference. Raises InvalidInput."""
    whole = text if text.startswith("${") else f"${{secret:{text}}}"
    try:
        found = references(whole)
    except BadReference:
        found = ()
    if len(found) != 1 or found[0].scheme is not Scheme.SECRET or str(found[0]) != whole:
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"{text} is no secret reference",
                    detail="What is revoked is one secret, by itself.",
                    mend="reconciler revoke ENV store/name@version --reason …",
                )
            ]
        )
    return whole


def _comment(known: SecretValue) -> str:
    version = f", version {known.version}" if known.version else ""
    return f"{known.reference}{version}"
