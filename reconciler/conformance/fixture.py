"""What a kind must bring to be tested: how its objects look, live and declared, and what people do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from reconciler.providers import registry

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

    from reconciler.core.plan import Plan
    from reconciler.core.secret import Json

T = TypeVar("T")

State: TypeAlias = dict[str, Any]
"""The whole state of a vendor in the sandbox, as its control port gives and takes it."""

Spec: TypeAlias = dict[str, Any]
"""The ``spec`` of one declared resource, as a file would hold it."""

Things: TypeAlias = Mapping[str, Mapping[str, Any]]
"""A state taken apart: every single thing in it by its id, those of other kinds included."""


class Draw(Protocol):
    """``data.draw`` of hypothesis."""

    def __call__(self, strategy: SearchStrategy[T], /) -> T: ...


class Blind(NamedTuple):
    """A way in which the vendor does not show everything.

    ``faults`` are rules for the sandbox, ``state`` changes what is there.
    """

    what: str
    faults: tuple[Mapping[str, Json], ...] = ()
    state: Callable[[State], State] = lambda state: state


def _none_asked(_plan: Plan) -> int:
    return 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KindFixture:
    """Everything the laws know of one kind. All functions are pure: they return another state."""

    kind: str
    settings: Mapping[str, Json]
    """``providers.<vendor>`` of an environment file, without ``base_url``."""
    secrets: Mapping[str, str]
    """Environment variables that ``settings`` and ``declared`` refer to. Each value is a canary."""
    declared: SearchStrategy[Mapping[str, Spec]]
    """Valid specs by resource name; no two of them are the same object."""
    live: SearchStrategy[State]
    """States of the vendor."""
    edited: Callable[[State, Draw], State]
    """The state after one thing that a person does in a dashboard: change, delete, recreate, add."""
    meddled: Callable[[State, str, str], State]
    """The state after someone gave another value to a field (a dotted path) of the object with an id."""
    things: Callable[[State], Things]
    """The state taken apart."""
    reads: Callable[[State], int]
    """How many requests it takes to read all objects of the kind, identity not counted."""
    inspections: Callable[[Plan], int] = _none_asked
    """How many requests more a plan may make to see whether its changes will be accepted."""
    identity_reads: int = 1
    """How many requests it takes to know whose account it is."""
    stored_as: Mapping[str, str] = field(default_factory=dict)
    """Names of the vendor for our fields, where they differ."""
    fixed: frozenset[str] = frozenset()
    """Fields that nobody can give another value: the object's id is made of them."""
    stamps: frozenset[str] = frozenset()
    """What the vendor itself changes in an object that is written."""
    blind: tuple[Blind, ...] = ()
    """Ways in which a list is incomplete and says so, or cannot be read."""
    hidden: Callable[[State], Iterable[str]] = lambda _state: ()
    """Secret values in a state that nobody declared, such as signing secrets."""

    @property
    def vendor(self) -> str:
        """Return the vendor's name."""
        return self.kind.partition(".")[0]

    @property
    def part(self) -> str:
        """Return which part of the sandbox imitates the vendor: some vendors share one."""
        return registry.imitated_by(self.vendor)

    def __repr__(self) -> str:
        return self.kind

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401 - of hypothesis or IPython
        printer.text(self.kind)


def load_fixtures(folder: Path) -> tuple[KindFixture, ...]:
    """Return ``FIXTURE`` of every Python file in ``folder``, sorted by kind."""
    found = [_loaded(path) for path in sorted(folder.glob("*.py"))]
    return tuple(sorted(found, key=lambda fixture: fixture.kind))


def _loaded(path: Path) -> KindFixture:
    spec = spec_from_file_location(f"conformance_fixture_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    fixture: KindFixture = module.FIXTURE
    return fixture
