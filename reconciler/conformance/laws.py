"""What holds for every kind, whatever is declared and whatever is live. ``LAWS`` is all of it.

A law is a function of a fixture, a bench that was just made, and ``data.draw`` of hypothesis. It raises BrokenLaw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from reconciler.conformance import converging, keeping, naming, touching

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.fixture import Draw, KindFixture

Law: TypeAlias = "Callable[[KindFixture, Bench, Draw], None]"

LAWS: tuple[Law, ...] = (
    converging.applying_converges,
    converging.importing_changes_nothing,
    converging.an_interrupted_run_leaves_the_rest,
    converging.a_rollback_restores,
    touching.what_nobody_declared_is_untouched,
    touching.calls_are_those_of_the_plan,
    touching.planning_cannot_write,
    touching.what_moved_since_the_plan_is_not_overwritten,
    touching.what_a_change_does_not_rely_on_may_move,
    keeping.a_plan_survives_its_file,
    keeping.input_order_is_irrelevant,
    keeping.a_secret_appears_nowhere,
    keeping.what_cannot_be_read_is_unknown,
    naming.a_kind_names_its_least_rights,
)
