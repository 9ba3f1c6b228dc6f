"""Every kind obeys every law. To see one: ``pytest tests/conformance -k 'rollback and env_var'``.

Five examples of each by default, since kinds and laws multiply; ``RECONCILER_LONG=1`` tries a thousand.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.conformance.bench import bench_of
from reconciler.providers import registry

if TYPE_CHECKING:
    import pytest

    from reconciler.conformance.fixture import KindFixture
    from reconciler.conformance.laws import Law
    from reconciler.conformance.world import World


EXAMPLES = 1000 if os.environ.get("RECONCILER_LONG") else 5


@settings(max_examples=EXAMPLES)
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
