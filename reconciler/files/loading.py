"""Read one environment: ``environment.yaml``, its resources and what they are laid over.

Every error of every file is reported at once. An empty folder is an empty desired state, which deletes nothing.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.diagnostic import Diagnostic, Place
from reconciler.core.errors import InvalidInput
from reconciler.core.state import DesiredState
from reconciler.files.environment_file import ENVIRONMENT_FILE, read_environment
from reconciler.files.references import Scope
from reconciler.files.relations import refuse_rings, unopened_accounts, wrong_relations
from reconciler.files.resources import read_resource
from reconciler.files.revoked_file import REVOKED_FILE, RevokedRead, read_revoked
from reconciler.files.secret_relations import wrong_secrets
from reconciler.files.sources import items_of, resource_files
from reconciler.files.suggestions import suggestion
from reconciler.files.yaml_positions import by_place
from reconciler.files.yaml_refusals import MAX_DIAGNOSTICS, stopped_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.core.record import Record
    from reconciler.core.resource import Resource
    from reconciler.core.revocation import Revocation
    from reconciler.core.secret import Json
    from reconciler.core.state import Declared
    from reconciler.files.environment import Environment
    from reconciler.files.environment_file import EnvironmentFile
    from reconciler.files.sources import Source
    from reconciler.files.yaml_positions import Locator


class Catalogue(NamedTuple):
    """The kinds, vendors and secret stores there are. The functions raise KeyError for unknown names.

    ``may_keep`` tells whether values can be put into a store at all.
    """

    kinds: tuple[str, ...]
    vendors: tuple[str, ...]
    stores: tuple[str, ...]
    model: Callable[[str], type[Resource]]
    settings: Callable[[str], type[Record]]
    store_settings: Callable[[str], type[Record]]
    may_keep: Callable[[str], bool]


class Loaded(NamedTuple):
    """One environment as its files declare it.

    ``settings`` are the accounts, by vendor; ``stores`` the settings of secret stores, by name; ``revoked`` the secrets
    that must never come back.
    """

    environment: Environment
    settings: Mapping[str, Record]
    stores: Mapping[str, Record]
    desired: DesiredState
    locate: Callable[[str, str], str | None]
    revoked: tuple[Revocation, ...] = ()


def environments(folder: Path) -> tuple[str, ...]:
    """Return the names of the environments below ``desired_state/``."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(one.parent.name for one in folder.glob(f"*/{ENVIRONMENT_FILE}")))


def load(root: Path, name: str, catalogue: Catalogue, environ: Mapping[str, str]) -> Loaded:
    """Read the environment ``name`` below ``root/desired_state``. Raises InvalidInput with every error."""
    folder = root / "desired_state"
    environment, settings, stores, found = _environment(root, name, catalogue, environ)
    revoked, unread = _revoked(root, name)
    diagnostics = [*found, *unread]
    folders = [*(environment.extends if environment is not None else ()), name]
    checksum = sha256()
    sources: Iterator[Source] = iter(())
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
        for path in resource_files(folder / one):
            shown = path.relative_to(root).as_posix()
            sources = chain(sources, items_of(path, shown, checksum, diagnostics))
    scope = Scope(
        environment.vars if environment is not None else {},
        environ,
        _secret_outputs(catalogue),
    )
    declared, by_address = _resources(sources, catalogue, scope, len(folders) > 1, diagnostics)
    if len(diagnostics) < MAX_DIAGNOSTICS:
        diagnostics += wrong_relations(declared, by_address, catalogue.model)
        diagnostics += wrong_secrets(declared, by_address, catalogue)
    if environment is not None:
        diagnostics += unopened_accounts(declared, by_address, settings, name)
    if diagnostics or environment is None:
        raise InvalidInput(sorted(diagnostics, key=by_place))
    desired = DesiredState(
        environment=name,
        resources=tuple(sorted(declared, key=lambda item: item.address)),
        source="files",
        digest=f"sha256:{checksum.hexdigest()}",
        models={item.kind: catalogue.model(item.kind) for item in declared},
    )
    refuse_rings(desired)
    return Loaded(environment, settings, stores, desired, _locator(by_address), revoked)


def load_environment(
    root: Path, name: str, catalogue: Catalogue, environ: Mapping[str, str]
) -> Loaded:
    """Read ``environment.yaml`` alone; nothing is declared then. Raises InvalidInput with every error."""
    environment, settings, stores, found = _environment(root, name, catalogue, environ)
    revoked, unread = _revoked(root, name)
    diagnostics = (*found, *unread)
    if diagnostics or environment is None:
        raise InvalidInput(sorted(diagnostics, key=by_place))
    nothing = DesiredState(name, (), "files", "")
    return Loaded(environment, settings, stores, nothing, lambda *_: None, revoked)


def _revoked(root: Path, name: str) -> RevokedRead:
    shown = f"desired_state/{name}/{REVOKED_FILE}"
    return read_revoked(root / shown, shown)


def _environment(
    root: Path, name: str, catalogue: Catalogue, environ: Mapping[str, str]
) -> EnvironmentFile:
    """Read the file that makes a folder an environment. Raises InvalidInput when it is not there."""
    file = f"desired_state/{name}/{ENVIRONMENT_FILE}"
    try:
        data = (root / "desired_state" / name / ENVIRONMENT_FILE).read_bytes()
    except OSError as error:
        known = environments(root / "desired_state")
        hint = suggestion(name, known) or "There is no environment yet."
        raise InvalidInput(
            [
                Diagnostic(
                    summary=f"There is no environment {name!r}",
                    detail=f"{file}: {error.strerror}. {hint}",
                    mend=f"mkdir -p desired_state/{name}, and write its {ENVIRONMENT_FILE}",
                )
            ]
        ) from None
    return read_environment(data, file, name, catalogue, environ)


def _resources(
    sources: Iterator[Source],
    catalogue: Catalogue,
    scope: Scope,
    laid_over: bool,
    diagnostics: list[Diagnostic],
) -> tuple[list[Declared], dict[str, Source]]:
    declared: list[Declared] = []
    by_address: dict[str, Source] = {}
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
            diagnostics.append(stopped_here(diagnostics[-1].place))
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


def _merged(sources: Iterator[Source]) -> Iterator[tuple[Source, Json]]:
    """Lay later folders over earlier ones: meta keys and spec fields win, maps merge, lists are replaced."""
    by_address: dict[object, tuple[Source, Json]] = {}
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


def _twice(address: str, source: Source, first: Source) -> Diagnostic:
    return Diagnostic(
        summary="Declared twice",
        detail=f"{address} is declared at {first.place} already.",
        place=source.locate(("name",)),
    )


def _secret_outputs(catalogue: Catalogue) -> Callable[[str, str], bool]:
    def reveals(address: str, field: str) -> bool:
        try:
            model = catalogue.model(address.partition("/")[0])
        except KeyError:
            return False
        output = model.outputs.get(field)
        return output is not None and output.secret

    return reveals


def _locator(by_address: Mapping[str, Source]) -> Callable[[str, str], str | None]:
    """Return a function that gives ``file:line`` of a field of a resource; the item is read again for it."""
    cache: dict[str, Locator] = {}

    def locate(address: str, path: str) -> str | None:
        source = by_address.get(address)
        if source is None:
            return None
        found = cache[address] if address in cache else cache.setdefault(address, source.locate)
        return found(("spec", *path.split(".", 1)), key=True).short

    return locate
