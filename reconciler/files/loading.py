"""Read one environment: ``environment.yaml``, its resources and what they are laid over.

Every error of every file is reported at once. An empty folder is an empty desired state, which deletes nothing.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from reconciler.core.behaviour import rules_of
from reconciler.core.diagnostic import Diagnostic, Place, Severity
from reconciler.core.errors import InvalidInput
from reconciler.core.order import dependency_order
from reconciler.core.secret import Deferred, Json, SecretValue, is_settled
from reconciler.core.state import DesiredState
from reconciler.core.wiring import needs
from reconciler.files.environment import Environment
from reconciler.files.references import Scope, interpolate
from reconciler.files.resources import located, read_resource
from reconciler.files.suggestions import suggestion
from reconciler.files.yaml_reader import (
    MAX_DIAGNOSTICS,
    Item,
    decode,
    places,
    read_document,
    read_items,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from hashlib import _Hash as Hash
    from pathlib import Path

    from reconciler.core.record import Record
    from reconciler.core.resource import Resource
    from reconciler.core.state import Declared
    from reconciler.files.yaml_reader import Locator

ENVIRONMENT_FILE = "environment.yaml"
SUFFIXES = {".yaml", ".yml"}


class Catalogue(NamedTuple):
    """The kinds and vendors there are. ``model`` and ``settings`` raise KeyError for unknown names."""

    kinds: tuple[str, ...]
    vendors: tuple[str, ...]
    model: Callable[[str], type[Resource]]
    settings: Callable[[str], type[Record]]


class Loaded(NamedTuple):
    """One environment as its files declare it. ``settings`` are the accounts, by vendor."""

    environment: Environment
    settings: Mapping[str, Record]
    desired: DesiredState
    locate: Callable[[str, str], str | None]


class _Source(NamedTuple):
    """Where an item stands; its text is read again when a place inside it is asked for."""

    text: str
    file: str
    item: Item

    @property
    def locate(self) -> Locator:
        return places(self.text, self.file, self.item)

    @property
    def short(self) -> str:
        return f"{self.file.rsplit('/', 1)[-1]}:{self.item.line}"

    @property
    def place(self) -> Place:
        return Place(file=self.file, line=self.item.line, column=self.item.column)


def environments(folder: Path) -> tuple[str, ...]:
    """Return the names of the environments below ``desired_state/``."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(one.parent.name for one in folder.glob(f"*/{ENVIRONMENT_FILE}")))


def load(root: Path, name: str, catalogue: Catalogue, environ: Mapping[str, str]) -> Loaded:
    """Read the environment ``name`` below ``root/desired_state``. Raises InvalidInput with every error."""
    folder = root / "desired_state"
    diagnostics: list[Diagnostic] = []
    environment, settings = _environment(root, name, catalogue, environ, diagnostics)
    folders = [*(environment.extends if environment is not None else ()), name]
    checksum = sha256()
    sources: Iterator[_Source] = iter(())
    for one in folders:
        if one != name and not (folder / one).is_dir():
            known = suggestion(one, [path.name for path in folder.iterdir() if path.is_dir()])
            where = Place(file=f"desired_state/{name}/{ENVIRONMENT_FILE}")
            diagnostics.append(
                Diagnostic(
                    summary="Unknown folder in extends", detail=f"{one}. {known}", place=where
                )
            )
            continue
        for path in _files(folder / one):
            shown = path.relative_to(root).as_posix()
            sources = chain(sources, _items(path, shown, checksum, diagnostics))
    scope = Scope(
        environment.vars if environment is not None else {},
        environ,
        _secret_outputs(catalogue),
    )
    declared, by_address = _resources(sources, catalogue, scope, len(folders) > 1, diagnostics)
    if len(diagnostics) < MAX_DIAGNOSTICS:
        diagnostics += _relations(declared, by_address, catalogue)
    if environment is not None:
        diagnostics += _unopened(declared, by_address, settings, name)
    if diagnostics or environment is None:
        raise InvalidInput(sorted(diagnostics, key=_by_place))
    desired = DesiredState(
        environment=name,
        resources=tuple(sorted(declared, key=lambda item: item.address)),
        source="files",
        digest=f"sha256:{checksum.hexdigest()}",
        models={item.kind: catalogue.model(item.kind) for item in declared},
    )
    _refuse_rings(desired)
    return Loaded(environment, settings, desired, _locator(by_address))


def load_environment(
    root: Path, name: str, catalogue: Catalogue, environ: Mapping[str, str]
) -> Loaded:
    """Read ``environment.yaml`` alone; nothing is declared then. Raises InvalidInput with every error."""
    diagnostics: list[Diagnostic] = []
    environment, settings = _environment(root, name, catalogue, environ, diagnostics)
    if diagnostics or environment is None:
        raise InvalidInput(sorted(diagnostics, key=_by_place))
    return Loaded(environment, settings, DesiredState(name, (), "files", ""), lambda *_: None)


def _environment(
    root: Path,
    name: str,
    catalogue: Catalogue,
    environ: Mapping[str, str],
    diagnostics: list[Diagnostic],
) -> tuple[Environment | None, dict[str, Record]]:
    path = root / "desired_state" / name / ENVIRONMENT_FILE
    shown = f"desired_state/{name}/{ENVIRONMENT_FILE}"
    try:
        text = decode(path.read_bytes(), shown)
    except OSError as error:
        known = environments(root / "desired_state")
        hint = suggestion(name, known) or "There is no environment yet."
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"There is no environment {name!r}",
                    detail=f"{shown}: {error.strerror}. {hint}",
                    mend=f"mkdir -p desired_state/{name}, and write its {ENVIRONMENT_FILE}",
                )
            ]
        ) from None
    except InvalidInput as error:
        diagnostics += error.diagnostics
        return None, {}
    return _checked_environment(text, shown, name, catalogue, environ, diagnostics)


def _checked_environment(
    text: str,
    shown: str,
    name: str,
    catalogue: Catalogue,
    environ: Mapping[str, str],
    diagnostics: list[Diagnostic],
) -> tuple[Environment | None, dict[str, Record]]:
    try:
        value = read_document(text, shown).value or {}
    except InvalidInput as error:
        diagnostics += error.diagnostics
        return None, {}
    locate = places(text, shown)
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
    diagnostics += located(problems, locate)
    try:
        environment = Environment.model_validate(filled)
        settings = {
            vendor: catalogue.settings(vendor).model_validate(given)
            for vendor, given in environment.providers.items()
        }
    except (ValidationError, KeyError) as error:
        found = list(_environment_errors(filled, catalogue, locate))
        diagnostics += found or [_unexplained(error, locate)]
        return None, {}
    if environment.environment != name:
        diagnostics.append(
            Diagnostic(
                summary="The environment has another name than its folder",
                detail=f"It says {environment.environment}; the folder is {name}.",
                mend=f"environment: {name}",
                place=locate(("environment",)),
            )
        )
    return environment, settings


def _unexplained(error: ValidationError | KeyError, locate: Locator) -> Diagnostic:
    """Return what a model refuses though the schema does not: a line break at the end of a text, for one."""
    if isinstance(error, KeyError):
        return Diagnostic(summary="Unknown vendor", detail=str(error), place=locate(("providers",)))
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
        {vendor: catalogue.settings(vendor) for vendor in catalogue.vendors}
    )
    yield from schema_diagnostics(Draft202012Validator(schema), value, locate)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the resource files of a folder, sorted; a sub-folder with its own environment is not part of it."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == ENVIRONMENT_FILE:
            continue
        if path.is_dir() and not (path / ENVIRONMENT_FILE).exists():
            yield from _files(path)
        elif path.suffix in SUFFIXES and path.name != "revoked.yaml":
            yield path


def _items(
    path: Path, shown: str, checksum: Hash, diagnostics: list[Diagnostic]
) -> Iterator[_Source]:
    try:
        data = path.read_bytes()
        checksum.update(data)
        text = decode(data, shown)
        del data
        for item in read_items(text, shown):
            if item.pointer[:1] == ("resources",) and len(item.pointer) == 2:
                yield _Source(text, shown, item)
            elif not (item.pointer == ("resources",) and item.value is None):
                diagnostics.append(_stray(_Source(text, shown, item)))
    except InvalidInput as error:
        diagnostics += error.diagnostics
    except OSError as error:
        diagnostics.append(
            Diagnostic(
                summary="A file cannot be read", detail=str(error.strerror), place=Place(file=shown)
            )
        )


def _stray(source: _Source) -> Diagnostic:
    key = ".".join(str(part) for part in source.item.pointer)
    if key in {"", "resources"}:
        detail = "A file of resources holds one key, resources, with a list."
        return Diagnostic(summary="Not a list of resources", detail=detail, place=source.place)
    return Diagnostic(
        summary="Unknown key",
        detail=f"{key}: {suggestion(key, ['resources'])}",
        place=source.place,
    )


def _resources(
    sources: Iterator[_Source],
    catalogue: Catalogue,
    scope: Scope,
    laid_over: bool,
    diagnostics: list[Diagnostic],
) -> tuple[list[Declared], dict[str, _Source]]:
    declared: list[Declared] = []
    by_address: dict[str, _Source] = {}
    for source, value in (
        _merged(sources) if laid_over else ((one, one.item.value) for one in sources)
    ):
        item = source.item
        read = read_resource(
            value,
            has_references=laid_over or "${" in source.text[item.start : item.end],
            models=catalogue.model,
            kinds=catalogue.kinds,
            scope=scope,
            locate=source.locate,
            place=source.short,
        )
        diagnostics += read.diagnostics
        if len(diagnostics) >= MAX_DIAGNOSTICS:
            diagnostics.append(_stopped(diagnostics[-1].place))
            break
        if read.declared is None:
            continue
        address = read.declared.address
        if address in by_address:
            diagnostics.append(_twice(address, source, by_address[address]))
            continue
        by_address[address] = source._replace(item=item._replace(value=None, pointer=()))
        declared.append(read.declared)
    return declared, by_address


def _stopped(place: Place | None) -> Diagnostic:
    return Diagnostic(
        severity=Severity.NOTE,
        summary="Stopped here",
        detail="There may be more; mend these first.",
        place=place,
    )


def _merged(sources: Iterator[_Source]) -> Iterator[tuple[_Source, Json]]:
    """Lay later folders over earlier ones: meta keys and spec fields win, maps merge, lists are replaced."""
    by_address: dict[object, tuple[_Source, Json]] = {}
    for source in sources:
        value = source.item.value
        if not isinstance(value, dict):
            yield source, value
            continue
        key = (value.get("kind"), value.get("name"))
        under = by_address.get(key)
        same_folder = under is not None and _folder(under[0].file) == _folder(source.file)
        if under is None or same_folder:
            by_address[(*key, source.file, source.item.start) if same_folder else key] = (
                source,
                value,
            )
        else:
            by_address[key] = (source, _laid_over(under[1], value))
    yield from by_address.values()


def _folder(file: str) -> str:
    return file.split("/")[1] if "/" in file else ""


def _laid_over(under: Json, over: Json) -> Json:
    if isinstance(under, dict) and isinstance(over, dict):
        return {**under, **{k: _laid_over(under.get(k), v) for k, v in over.items()}}
    return over


def _twice(address: str, source: _Source, first: _Source) -> Diagnostic:
    return Diagnostic(
        summary="Declared twice",
        detail=f"{address} is declared at {first.place} already.",
        place=source.locate(("name",)),
    )


def _relations(
    declared: list[Declared], by_address: Mapping[str, _Source], catalogue: Catalogue
) -> Iterator[Diagnostic]:
    """Yield what is wrong between resources: unknown targets of references, and one object declared twice."""
    keys: dict[object, str] = {}
    for item in declared:
        source = by_address[item.address]
        for address in needs(item):
            if address not in by_address:
                yield Diagnostic(
                    summary="Unknown resource",
                    detail=f"{item.address} refers to {address}. {suggestion(address, by_address)}",
                    place=source.place,
                )
        for address, field in item.refers:
            if address in by_address:
                yield from _unknown_field(item, address, field, catalogue, source)
        if any(isinstance(value, Deferred) for value in item.values.values()):
            continue
        for key in catalogue.model(item.kind).natural_keys(item.values):
            other = keys.setdefault((item.kind, key), item.address)
            if other != item.address:
                yield Diagnostic(
                    summary="The same object is declared twice",
                    detail=f"{other} and {item.address} have the same natural key.",
                    place=source.place,
                )


def _unknown_field(
    item: Declared, address: str, field: str, catalogue: Catalogue, source: _Source
) -> Iterator[Diagnostic]:
    model = catalogue.model(address.partition("/")[0])
    known = {"id", *model.outputs, *(rule.name for rule in rules_of(model))}
    if field not in known:
        yield Diagnostic(
            summary="Unknown field in a reference",
            detail=f"{item.address} refers to {address}#{field}. {suggestion(field, known)}",
            place=source.place,
        )


def _unopened(
    declared: list[Declared],
    by_address: Mapping[str, _Source],
    settings: Mapping[str, Record],
    name: str,
) -> Iterator[Diagnostic]:
    """Yield the vendors whose kinds are declared, but whose account is not: once for each."""
    told: set[str] = set()
    for item in declared:
        vendor = item.kind.partition(".")[0]
        if vendor not in settings and vendor not in told:
            told.add(vendor)
            yield Diagnostic(
                summary=f"No {vendor} account",
                detail=f"{item.address} needs one: providers.{vendor} in desired_state/{name}/{ENVIRONMENT_FILE}.",
                place=by_address[item.address].place,
            )


def _refuse_rings(desired: DesiredState) -> None:
    dependencies = {item.address: needs(item) for item in desired.resources}
    if any(dependencies.values()):
        dependency_order(dependencies)


def _secret_outputs(catalogue: Catalogue) -> Callable[[str, str], bool]:
    def reveals(address: str, field: str) -> bool:
        try:
            model = catalogue.model(address.partition("/")[0])
        except KeyError:
            return False
        output = model.outputs.get(field)
        return output is not None and output.secret

    return reveals


def _locator(by_address: Mapping[str, _Source]) -> Callable[[str, str], str | None]:
    """Return a function that gives ``file:line`` of a field of a resource; the item is read again for it."""
    cache: dict[str, Locator] = {}

    def locate(address: str, path: str) -> str | None:
        source = by_address.get(address)
        if source is None:
            return None
        found = cache[address] if address in cache else cache.setdefault(address, source.locate)
        return found(("spec", *path.split(".", 1)), key=True).short

    return locate


def _by_place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    place = diagnostic.place
    return (place.file, place.line, place.column) if place is not None else ("", 0, 0)
