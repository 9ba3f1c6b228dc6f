"""Read ``revoked.yaml``: the secrets of an environment that must never come back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field, ValidationError

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.record import Record
from reconciler.core.revocation import Revocation
from reconciler.files.yaml_positions import places
from reconciler.files.yaml_reader import read_document
from reconciler.files.yaml_text import decode

if TYPE_CHECKING:
    from pathlib import Path

REVOKED_FILE = "revoked.yaml"

_HEAD = "# yaml-language-server: $schema=../../schemas/revoked.json\n"


class RevokedSecrets(Record):
    """Secrets that no plan and no rollback may bring back."""

    revoked: tuple[Revocation, ...] = Field(description="each by its fingerprint or its version")


class RevokedRead(NamedTuple):
    """What the file says, with everything that is wrong with it. No file revokes nothing."""

    revoked: tuple[Revocation, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def read_revoked(path: Path, shown: str) -> RevokedRead:
    """Return the revoked secrets in the file at ``path``, which messages call ``shown``."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return RevokedRead()
    except OSError as error:
        why = Diagnostic(summary=f"{shown}: cannot be read", detail=f"{error.strerror}.")
        return RevokedRead(diagnostics=(why,))
    try:
        text = decode(data, shown)
        value = read_document(text, shown).value or {"revoked": []}
    except InvalidInput as error:
        return RevokedRead(diagnostics=tuple(error.diagnostics))
    try:
        return RevokedRead(RevokedSecrets.model_validate(value).revoked)
    except ValidationError as error:
        return RevokedRead(diagnostics=_explained(value, error, text, shown))


def _explained(
    value: Any,  # noqa: ANN401 - whatever the file holds
    error: ValidationError,
    text: str,
    shown: str,
) -> tuple[Diagnostic, ...]:
    from jsonschema import Draft202012Validator

    from reconciler.files.schema_errors import schema_diagnostics

    locate = places(text, shown)
    schema = RevokedSecrets.model_json_schema()
    found = tuple(schema_diagnostics(Draft202012Validator(schema), value, locate))
    if found:
        return found
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    return (
        Diagnostic(
            summary="Not a revoked secret", detail=f"{said}.", place=locate(tuple(first["loc"]))
        ),
    )


def with_revocation(text: str, what: str, fingerprint: str, reason: str, day: str) -> str:
    """Return the ``text`` of the file with one more secret at its end; ``what`` it was stands in a comment.

    What is there stays as it is, comments included. Raises InvalidInput when the file cannot be added to.
    """
    lines = text.splitlines()
    is_bare = all(not line.strip() or line.lstrip().startswith("#") for line in lines)
    head = f"{text.rstrip() or _HEAD.rstrip()}\nrevoked:\n" if is_bare else text
    found = re.search(r"^( *)- ", head, flags=re.MULTILINE)
    indent = found[1] if found is not None else "  "
    item = (
        f"{indent}# {what}\n"
        f"{indent}- fingerprint: {fingerprint}\n"
        f"{indent}  reason: {_quoted(reason)}\n"
        f'{indent}  date: "{day}"\n'
    )
    opened = re.sub(r"^revoked: *\[ *\](?= *(#|$))", "revoked:", head.rstrip(), flags=re.MULTILINE)
    whole = f"{opened}\n{item}"
    try:
        value = read_document(whole, REVOKED_FILE).value
        added = RevokedSecrets.model_validate(value).revoked[-1]
    except (InvalidInput, ValidationError):
        added = None
    if added is None or (added.fingerprint, added.reason) != (fingerprint, reason):
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"{REVOKED_FILE} cannot be added to",
                    detail="It is not written as a list of items below each other, so add this by hand:",
                    mend=item.rstrip(),
                )
            ]
        )
    return whole


def _quoted(text: str) -> str:
    """Return ``text`` in double quotes, with what nobody can see as the escapes of YAML."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in plain) + '"'
