"""What is wrong between resources that are each in order: unknown targets, one object twice, rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.behaviour import rules_of
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.order import dependency_order
from reconciler.core.secret import Deferred
from reconciler.core.wiring import needs
from reconciler.files.environment_file import ENVIRONMENT_FILE
from reconciler.files.suggestions import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.core.record import Record
    from reconciler.core.resource import Resource
    from reconciler.core.state import Declared, DesiredState
    from reconciler.files.sources import Source


def wrong_relations(
    declared: Iterable[Declared],
    by_address: Mapping[str, Source],
    models: Callable[[str], type[Resource]],
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
                yield from _unknown_field(item, address, field, models, source)
        if any(isinstance(value, Deferred) for value in item.values.values()):
            continue
        for key in models(item.kind).natural_keys(item.values):
            other = keys.setdefault((item.kind, key), item.address)
            if other != item.address:
                yield Diagnostic(
                    summary="The same object is declared twice",
                    detail=f"{other} and {item.address} have the same natural key.",
                    place=source.place,
                )


def _unknown_field(
    item: Declared,
    address: str,
    field: str,
    models: Callable[[str], type[Resource]],
    source: Source,
) -> Iterator[Diagnostic]:
    model = models(address.partition("/")[0])
    known = {"id", *model.outputs, *(rule.name for rule in rules_of(model))}
    if field not in known:
        yield Diagnostic(
            summary="Unknown field in a reference",
            detail=f"{item.address} refers to {address}#{field}. {suggestion(field, known)}",
            place=source.place,
        )


def unopened_accounts(
    declared: Iterable[Declared],
    by_address: Mapping[str, Source],
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


def refuse_rings(desired: DesiredState) -> None:
    """Raise InvalidInput where resources need each other in a ring."""
    dependencies = {item.address: needs(item) for item in desired.resources}
    if any(dependencies.values()):
        dependency_order(dependencies)
