"""Every kind obeys every law. To see one: ``pytest tests/conformance -k 'rollback and env_var'``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.conformance.bench import bench_of
from reconciler.providers import registry

if TYPE_CHECKING:
    import pytest

    from reconciler.conformance.fixture import KindFixture
    from reconciler.conformance.laws import Law
    from reconciler.conformance.world import World


@given(data=st.data())
def test_every_kind_obeys(
    law: Law,
    fixture: KindFixture,
    world: World,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    with bench_of(fixture, world, tmp_path_factory.mktemp("bench")) as bench:
        law(fixture, bench, data.draw)


def test_every_registered_kind_has_a_fixture(fixtures: tuple[KindFixture, ...]) -> None:
    assert [fixture.kind for fixture in fixtures] == list(registry.kind_names())
