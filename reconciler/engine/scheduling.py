"""Run the steps of a plan: independent ones at the same time, dependents after what they need, deletes last."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Literal

from reconciler.core.change import Action, Change
from reconciler.engine.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.core.resource import Resource
    from reconciler.engine.stepping import Stepper

OnError = Literal["stop", "continue", "rollback"]
Step = tuple[Change, ...]

WORKERS = 8
"""Threads. How many calls of a kind may be under way together, the kind says."""


class Schedule:
    """Decides which step may start next. ``results`` are those of changes that ended before."""

    def __init__(
        self,
        steps: Sequence[Step],
        models: Mapping[str, type[Resource]],
        results: Mapping[str, Result],
        *,
        on_error: OnError,
    ) -> None:
        self._models = models
        self._results = dict(results)
        self._goes_on = on_error == "continue"
        left = (tuple(c for c in step if c.address not in results) for step in steps)
        self._waiting = [step for step in left if step]
        self._running: Counter[str] = Counter()
        # What refers to an object that goes does not wait for its end: deletes come last.
        self._planned = {
            change.address
            for step in steps
            for change in step
            if change.action is not Action.DELETE
        }

    @property
    def has_failed(self) -> bool:
        """Tell whether a change ended badly."""
        return any(not result.is_good for result in self._results.values())

    def startable(self) -> Iterator[Step]:
        """Yield the steps that may start now; each is counted as running."""
        for step in list(self._waiting):
            kind = step[0].kind
            if self._running[kind] >= self._models[kind].writes_at_once or not self._is_ready(step):
                continue
            self._waiting.remove(step)
            self._running[kind] += 1
            yield step

    def hopeless(self, halted: str) -> Iterator[tuple[Step, str]]:
        """Yield the steps that will never start, and why."""
        for step in list(self._waiting):
            why = halted or self._why_not(step)
            if why:
                self._waiting.remove(step)
                self._results |= dict.fromkeys((c.address for c in step), Result.SKIPPED)
                yield step, why

    def ended(self, step: Step, outcomes: Sequence[Outcome]) -> None:
        """Take note of how a step ended."""
        self._running[step[0].kind] -= 1
        self._results |= {outcome.address: outcome.result for outcome in outcomes}

    def _is_ready(self, step: Step) -> bool:
        needed = {one for change in step for one in change.depends_on if one in self._planned}
        if any(one not in self._results for one in needed):
            return False
        is_last = step[0].action in {Action.DELETE, Action.MANUAL}
        return not is_last or self._is_turn_of(step)

    def _is_turn_of(self, step: Step) -> bool:
        """Deletes wait for all writes, and each for the deletes planned before it."""
        if sum(self._running.values()):
            return False
        return self._waiting[0] is step

    def _why_not(self, step: Step) -> str:
        bad = {address for address, result in self._results.items() if not result.is_good}
        if not bad:
            return ""
        if not self._goes_on:
            return f"{min(bad)} was not done"
        needed = {one for change in step for one in change.depends_on} & bad
        if needed:
            return f"needs {min(needed)}, which was not done"
        if step[0].action is Action.DELETE:
            return "deletes are left out when anything failed"
        return ""


def run_steps(
    schedule: Schedule, stepper: Stepper, stopping: Callable[[], bool]
) -> Iterator[Change | Outcome]:
    """Carry out the steps and yield each Change when it starts, each Outcome when it ends.

    When ``stopping`` says so, calls under way are finished and nothing new is started. Raises LockHeld.
    """
    running: dict[Future[tuple[Outcome, ...]], Step] = {}
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="apply") as pool:
        while True:
            for step, why in schedule.hopeless("interrupted" if stopping() else ""):
                yield from (stepper.skipped(change, why) for change in step)
            for step in schedule.startable():
                yield from step
                running[pool.submit(stepper.carry_out, step)] = step
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                step = running.pop(future)
                outcomes = future.result()
                schedule.ended(step, outcomes)
                yield from outcomes
