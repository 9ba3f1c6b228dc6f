"""Read ``environment.yaml``: fill in its variables, check it and the settings of its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.secret import Json, SecretValue, is_settled
from reconciler.files.environment import Environment
from reconciler.files.references import Scope, interpolate
from reconciler.files.resources import located
from reconciler.files.yaml_positions import places
from reconciler.files.yaml_reader import read_document
from reconciler.files.yaml_text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.record import Record
    from reconciler.files.loading import Catalogue
    from reconciler.files.yaml_positions import Locator

ENVIRONMENT_FILE = "environment.yaml"


class EnvironmentFile(NamedTuple):
    """What an ``environment.yaml`` says. ``environment`` is ``None`` only where ``diagnostics`` say why."""

    environment: Environment | None
    settings: Mapping[str, Record]
    stores: Mapping[str, Record]
    diagnostics: tuple[Diagnostic, ...]


def read_environment(
    data: bytes, file: str, name: str, catalogue: Catalogue, environ: Mapping[str, str]
) -> EnvironmentFile:
    """Return what the file of the environment ``name`` says, with everything that is wrong with it."""
    try:
        text = decode(data, file)
        value = read_document(text, file).value or {}
    except InvalidInput as error:
        return EnvironmentFile(None, {}, {}, tuple(error.diagnostics))
    locate = places(text, file)
    filled, diagnostics = _filled(value, environ, locate)
    try:
        environment = Environment.model_validate(filled)
        settings = {
            vendor: catalogue.settings(vendor).model_validate(given)
            for vendor, given in environment.providers.items()
        }
        stores = {
            store: catalogue.store_settings(store).model_validate(given)
            for store, given in environment.secrets.stores.items()
        }
    except (ValidationError, KeyError) as error:
        found = list(_environment_errors(filled, catalogue, locate))
        diagnostics += found or [_unexplained(error, locate)]
        return EnvironmentFile(None, {}, {}, tuple(diagnostics))
    if environment.environment != name:
        diagnostics.append(
            Diagnostic(
                summary="The environment has another name than its folder",
                detail=f"It says {environment.environment}; the folder is {name}.",
                mend=f"environment: {name}",
                place=locate(("environment",)),
            )
        )
    return EnvironmentFile(environment, settings, stores, tuple(diagnostics))


def _filled(
    value: Json, environ: Mapping[str, str], locate: Locator
) -> tuple[Json, list[Diagnostic]]:
    """Return the file with its variables filled in, its own variables first, and the references that are wrong."""
    variables = value.get("vars") if isinstance(value, dict) else None
    scope = Scope(variables if isinstance(variables, dict) else {}, environ, lambda *_: False)
    variables, problems = interpolate(scope.variables, scope, ("vars",))
    scope = scope._replace(variables={k: v for k, v in variables.items() if is_settled(v)})
    filled: dict[str, Json] = value
    if isinstance(value, dict):
        body = {key: one for key, one in value.items() if key != "vars"}
        rest, more = interpolate(body, scope)
        problems += more
        filled = {**_as_written(rest), **({"vars": scope.variables} if "vars" in value else {})}
    return filled, list(located(problems, locate))


def _unexplained(error: ValidationError | KeyError, locate: Locator) -> Diagnostic:
    """Return what a model refuses though the schema does not: a line break at the end of a text, for one."""
    if isinstance(error, KeyError):
        return Diagnostic(
            summary="Unknown vendor or secret store",
            detail=str(error),
            place=locate(("providers",)),
        )
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    pointer = tuple(first["loc"])
    what = f"{pointer[-1]}: " if pointer else ""
    return Diagnostic(summary="Wrong form", detail=f"{what}{first['msg']}.", place=locate(pointer))


def _as_written(value: Json) -> Json:
    """Credentials stay the references they are; they are resolved when an account is opened."""
    match value:
        case SecretValue(reference=text):
            return text
        case dict():
            return {key: _as_written(one) for key, one in value.items()}
        case list():
            return [_as_written(one) for one in value]
        case _:
            return value


def _environment_errors(value: Json, catalogue: Catalogue, locate: Locator) -> Iterator[Diagnostic]:
    from jsonschema import Draft202012Validator

    from reconciler.files.schema_errors import schema_diagnostics
    from reconciler.files.schemas import environment_schema

    schema = environment_schema(
        {vendor: catalogue.settings(vendor) for vendor in catalogue.vendors},
        {store: catalogue.store_settings(store) for store in catalogue.stores},
    )
    yield from schema_diagnostics(Draft202012Validator(schema), value, locate)
