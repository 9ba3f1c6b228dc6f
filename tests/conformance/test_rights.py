"""The law of least rights is broken by a kind that names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

import pytest

from reconciler.conformance.demands import BrokenLaw
from reconciler.conformance.naming import a_kind_names_its_least_rights
from reconciler.core.resource import Capability, Resource, Rights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import KindFixture

SOURCE = "https://docs.acme.example/permissions"


class _Bench(NamedTuple):
    models: Mapping[str, type[Resource]]


class _Fixture(NamedTuple):
    kind: str


def obey(rights: Rights, capability: Capability = Capability.MANAGED) -> None:
    class Flag(Resource):
        kind: ClassVar[str] = "acme.flag"

    Flag.rights = rights
    Flag.capability = capability
    fixture, bench = _Fixture(Flag.kind), _Bench({Flag.kind: Flag})

    def draw(_strategy: object, /) -> Any:
        raise AssertionError("nothing is drawn")

    a_kind_names_its_least_rights(cast("KindFixture", fixture), cast("Bench", bench), draw)


def test_a_kind_that_names_its_rights_obeys() -> None:
    obey(Rights(("Flags: Read",), ("Flags: Write",), SOURCE))


def test_what_is_never_written_needs_no_right_to_write() -> None:
    obey(Rights(("Flags: Read",), (), SOURCE), Capability.OBSERVED)


@pytest.mark.parametrize(
    "rights",
    [
        Rights(),
        Rights((), ("Flags: Write",), SOURCE),
        Rights(("Flags: Read",), (), SOURCE),
        Rights(("Flags: Read",), ("Flags: Write",)),
    ],
)
def test_a_kind_that_does_not_is_told(rights: Rights) -> None:
    with pytest.raises(BrokenLaw, match="it does not hold that a kind"):
        obey(rights)
