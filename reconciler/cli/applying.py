"""Carry a plan out for a command: ask, apply, show what happens, and end with the right exit code."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import reconciler
from reconciler.cli import console
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.progress import Progress
from reconciler.cli.workspace import Workspace, kinds_of, with_models
from reconciler.core.change import Action, Change
from reconciler.engine.applying import Awaiting, Report, Tools, apply, check_usable
from reconciler.engine.outcome import Outcome, Result
from reconciler.engine.recovering import recover, remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.core.plan import Plan
    from reconciler.core.state import DesiredState
    from reconciler.engine.applying import Event
    from reconciler.engine.scheduling import OnError
    from reconciler.files.loading import Loaded


class Agreement(NamedTuple):
    """``--yes`` and ``--confirm``."""

    yes: bool
    confirm: str | None


class Manner(NamedTuple):
    """How a run is carried out: what to do on an error, and how long to wait for a confirmation (seconds)."""

    on_error: OnError = "stop"
    confirm_within: float | None = None


AS_USUAL = Manner()
"""Stop at the first error, and wait for nobody."""


def carry_out(
    workspace: Workspace,
    plan: Plan,
    loaded: Loaded,
    desired: DesiredState,
    agreement: Agreement,
    manner: Manner = AS_USUAL,
) -> Report:
    """Check, ask and apply. Raises Refused without consent, and whatever ``engine.applying`` raises."""
    with _tools(workspace, plan, loaded, desired, manner) as tools:
        check_usable(plan, tools)
        console.ask(
            consequences(plan),
            yes=agreement.yes,
            environment=plan.environment,
            protected=plan.protected and not plan.going_back,
            confirmed=agreement.confirm,
        )
        return _watched(plan, apply(plan, tools, workspace.new_id()))


def go_on(
    workspace: Workspace, plan: Plan, run: str, loaded: Loaded, agreement: Agreement
) -> Report:
    """Ask, and finish a run that was cut off. Raises Refused without consent."""
    with _tools(workspace, plan, loaded, loaded.desired, AS_USUAL) as tools:
        console.ask(
            f"Finish run {run} in {plan.environment}: find out what was done, and do the rest.\nGo on?",
            yes=agreement.yes,
            environment=plan.environment,
            protected=plan.protected and not plan.going_back,
            confirmed=agreement.confirm,
        )
        return _watched(plan, recover(plan, run, tools))


def clean_up(
    workspace: Workspace, plan: Plan, run: str, loaded: Loaded, agreement: Agreement
) -> None:
    """Take away what a run that was cut off had only half replaced, before the run is taken back.

    Asks only when the run was to replace something. Raises Refused without consent.
    """
    if not plan.count(Action.REPLACE):
        return
    console.ask(
        f"Remove what run {run} had only half replaced; what else it did is shown next.\nGo on?",
        yes=agreement.yes,
        environment=plan.environment,
        protected=plan.protected and not plan.going_back,
        confirmed=agreement.confirm,
    )
    with _tools(workspace, plan, loaded, loaded.desired, AS_USUAL) as tools:
        remove_leftovers(plan, run, tools)


@contextmanager
def _tools(
    workspace: Workspace, plan: Plan, loaded: Loaded, desired: DesiredState, manner: Manner
) -> Iterator[Tools]:
    """Open what a run needs: accounts that may be written, and Ctrl-C that lets the call in flight end."""
    store = workspace.store(plan.environment)
    kinds = kinds_of(desired, store.base(), loaded.settings)
    kinds |= {change.kind for change in plan.changes} | {a.partition("/")[0] for a in plan.managed}
    with (
        workspace.sessions(loaded, kinds, writes=True) as sessions,
        _stop_after_call() as stopping,
    ):
        yield Tools(
            sessions=sessions,
            store=store,
            secrets=workspace.secrets(loaded),
            clock=workspace.clock,
            models=with_models(desired, kinds),
            tool_version=reconciler.__version__,
            by=workspace.who,
            stopping=stopping,
            on_error=manner.on_error,
            confirm_within=manner.confirm_within,
            revoked=loaded.revoked,
        )


def consequences(plan: Plan) -> str:
    """Return the question: what changes, where, and what cannot be taken back."""
    accounts = ", ".join(f"{a.vendor} {a.id} {a.mode}".strip() for a in plan.accounts)
    lost = "".join(
        f"\n  {change.address}: {change.reversibility} - {change.reversibility_reason}"
        for change in plan.losses
    )
    warning = f"\nCannot be wholly undone:{lost}" if lost else ""
    return f"{len(plan.changes)} changes with {plan.calls} calls in {plan.environment} ({accounts}).{warning}\nGo on?"


def exit_code_of_run(report: Report) -> ExitCode:
    """Return the exit code of a run."""
    results = {outcome.result for outcome in report.outcomes}
    if report.result == "interrupted":
        return ExitCode.INTERRUPTED
    if report.result == "done":
        return ExitCode.OK
    changed = Result.DONE in results
    if Result.STALE in results and not changed:
        return ExitCode.STALE
    if report.unreadable and results <= {Result.DONE, Result.MANUAL}:
        return ExitCode.UNKNOWN
    return ExitCode.INCOMPLETE


def _watched(plan: Plan, events: Iterator[Event]) -> Report:
    """Show each call as it is made; the report comes last."""
    report: Report | None = None
    with Progress(len(plan.changes)) as progress:
        for event in events:
            match event:
                case Change():
                    progress.started(event)
                case Outcome():
                    progress.ended(event)
                case Awaiting():
                    console.say(
                        f"Waiting until {event.until} for:"
                        f" reconciler confirm {plan.environment} {event.run}"
                    )
                case Report():
                    report = event
    if report is None:
        raise AssertionError("a run ends with a report")
    return report


@contextmanager
def _stop_after_call() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C finish the call in flight; a second one interrupts at once."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        del frame
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        console.say("Stopping after the call in flight; press Ctrl-C again to stop at once.")

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread
        yield lambda: False
        return
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
