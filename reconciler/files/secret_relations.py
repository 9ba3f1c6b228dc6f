"""What is wrong with secret references and captures that are each well-formed. Asks no store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.reference import Scheme, SecretName, references
from reconciler.core.secret import secrets_in
from reconciler.files.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.state import Declared
    from reconciler.files.loading import Catalogue
    from reconciler.files.sources import Source


def wrong_secrets(
    declared: Iterable[Declared], by_address: Mapping[str, Source], catalogue: Catalogue
) -> Iterator[Diagnostic]:
    """Yield references to stores that are not there, and captures that could not work: before anything is made."""
    places: dict[str, tuple[str, str]] = {}
    for item in declared:
        source = by_address[item.address]
        for field, text in _references(item):
            for name in _names(text):
                if name.store not in catalogue.stores:
                    yield _unknown_store(name, catalogue, source, ("spec", field))
        for output, place in item.capture:
            yield from _wrong_capture(item, output, place, catalogue, source)
            other = places.setdefault(place, (item.address, output))
            if other != (item.address, output):
                yield Diagnostic(
                    summary="Two captures into one place",
                    detail=f"{other[0]} captures into {place} as well: one would overwrite the other.",
                    place=source.locate(("capture", output)),
                )


def _references(item: Declared) -> Iterator[tuple[str, str]]:
    for field, value in item.values.items():
        for secret in secrets_in(value):
            if secret.reference is not None:
                yield field, secret.reference


def _names(text: str) -> tuple[SecretName, ...]:
    return tuple(one.secret for one in references(text) if one.scheme is Scheme.SECRET)


def _unknown_store(
    name: SecretName, catalogue: Catalogue, source: Source, pointer: tuple[str, ...]
) -> Diagnostic:
    return Diagnostic(
        summary="Unknown secret store",
        detail=f"${{secret:{name}}} names {name.store}. {suggestion(name.store, catalogue.stores)}",
        place=source.locate(pointer),
    )


def _wrong_capture(
    item: Declared, output: str, place: str, catalogue: Catalogue, source: Source
) -> Iterator[Diagnostic]:
    pointer = ("capture", output)
    outputs = catalogue.model(item.kind).outputs
    (name,) = _names(place)
    if output not in outputs:
        known = suggestion(output, outputs) if outputs else f"{item.kind} gives nothing away."
        yield Diagnostic(
            summary="Unknown output",
            detail=f"{item.address} captures {output}. {known}",
            place=source.locate(pointer, key=True),
        )
    if name.store not in catalogue.stores:
        yield _unknown_store(name, catalogue, source, pointer)
    elif not catalogue.may_keep(name.store):
        yield Diagnostic(
            summary="A capture into a store that cannot be written",
            detail=f"{name.store} keeps nothing: the new {output} would be lost.",
            mend=f"capture: {{{output}: ${{secret:file/NAME}}}}   # or gcp, aws, vault …",
            place=source.locate(pointer),
        )
    if name.version is not None:
        yield Diagnostic(
            summary="A capture into a fixed version",
            detail=f"{place} names one version, and what is captured becomes a new one.",
            mend=f"${{secret:{name._replace(version=None)}}}",
            place=source.locate(pointer),
        )
