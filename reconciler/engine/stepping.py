"""Carry out one step: read again, refuse what moved, journal, one call, journal. Never goes on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.change import Action, Change
from reconciler.core.digest import digest
from reconciler.core.errors import (
    LockHeld,
    ReconcilerError,
    StalePlan,
    Unavailable,
)
from reconciler.core.ports import Created, CreatesInBulk, DeletesInBulk, New, Update
from reconciler.core.secret import encode, secrets_in
from reconciler.engine.filling import Made, filled_fields, filled_values
from reconciler.engine.keeping import Keeper
from reconciler.engine.outcome import Outcome, Result
from reconciler.engine.rereading import (
    also_changed,
    bound_to_others,
    is_as_wanted,
    read_again,
    same_object,
    what_moved,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.core.ports import Journal, Lock, Provider, SecretSource, Session
    from reconciler.core.resource import Resource
    from reconciler.core.state import Observed


AGAIN = 3
"""How often at most a create is asked for under another key: as often as its object was taken back, and then some."""


class Bench(NamedTuple):
    """What a run works with. ``bindings`` are the remote ids of the last snapshot, by address."""

    environment: str
    run: str
    sessions: Mapping[str, Session]
    secrets: SecretSource
    journal: Journal
    lock: Lock
    bindings: Mapping[str, str] = {}


class Stepper:
    """Carries out the steps of one run. ``in_flight`` are the addresses whose call an earlier process may have made."""

    def __init__(self, bench: Bench, made: Made, in_flight: frozenset[str] = frozenset()) -> None:
        self._bench = bench
        self._made = made
        self._keeper = Keeper(bench.secrets, bench.journal, made, in_flight)
        self._in_flight = in_flight

    def carry_out(self, step: Sequence[Change]) -> tuple[Outcome, ...]:
        """Make the changes of one step and return an outcome for each. Vendor errors become outcomes.

        Raises LockHeld when the lock was lost: nothing more may be written then.
        """
        if step[0].action is Action.MANUAL:
            return tuple(self._ended(c, Result.MANUAL, c.reversibility_reason) for c in step)
        provider = self._bench.sessions[step[0].kind.partition(".")[0]].provider(step[0].kind)
        try:
            live = read_again(provider, step)
        except ReconcilerError as error:
            return tuple(self._failed(change, error) for change in step)
        settled: dict[str, Outcome] = {}
        for change in step:
            early = self._without_a_call(provider, change, live)
            if early is not None:
                settled[change.address] = early
        left = [change for change in step if change.address not in settled]
        if any(outcome.result is Result.STALE for outcome in settled.values()):
            why = "shares a call with a stale change"
            settled |= {change.address: self.skipped(change, why) for change in left}
        else:
            settled |= {outcome.address: outcome for outcome in self._call(provider, left, live)}
        return tuple(settled[change.address] for change in step)

    def skipped(self, change: Change, why: str) -> Outcome:
        """Record that ``change`` was not attempted."""
        return self._ended(change, Result.SKIPPED, why)

    def replay(self, change: Change) -> None:
        """Ask for the outputs of an object that an earlier process created: its stored answer is given again."""
        provider = self._bench.sessions[change.kind.partition(".")[0]].provider(change.kind)
        created = provider.create(self._new(change))
        self._keeper.keep_outputs(change, created)

    def _without_a_call(
        self, provider: Provider, change: Change, live: Mapping[str, Observed]
    ) -> Outcome | None:
        """Return the outcome of a change that needs no call, or may not be made."""
        model = provider.resource_type
        if change.address in self._in_flight:
            return self._resumed(provider, change, live)
        moved = what_moved(model, change, live, self._marker(change))
        if moved is not None and self._is_so_already(model, change, live):
            return self._ended(change, Result.DONE, "is so already", remote_id=change.remote_id)
        if moved is not None:
            return self._ended(
                change, Result.STALE, moved, f"reconciler plan {self._bench.environment}"
            )
        if change.action is Action.DELETE and change.remote_id not in live:
            return self._deleted(change, "gone already")
        return None

    @staticmethod
    def _is_so_already(model: type[Resource], change: Change, live: Mapping[str, Observed]) -> bool:
        """Tell whether somebody else made just this update since the plan was made."""
        found = live.get(change.remote_id or "")
        is_update = change.action is Action.UPDATE and not change.keeps
        return is_update and found is not None and is_as_wanted(model, change, found) is True

    def _resumed(
        self, provider: Provider, change: Change, live: Mapping[str, Observed]
    ) -> Outcome | None:
        """Classify by reading what an earlier process began: done, or to be done (again), or not to be told."""
        if change.action in {Action.CREATE, Action.REPLACE}:
            return self._resumed_create(provider, change, live)
        found = live.get(change.remote_id or "")
        if change.action is Action.DELETE:
            return None if found is not None else self._deleted(change, "found by reading")
        if found is None:
            return self._ended(change, Result.STALE, f"{change.remote_id} is gone")
        match is_as_wanted(provider.resource_type, change, found):
            case None:
                why = "is neither as it was nor as it was to become"
                mend = f"reconciler plan {self._bench.environment}"
                return self._ended(change, Result.STALE, why, mend)
            case True if not change.keeps:
                return self._ended(
                    change, Result.DONE, "found by reading", remote_id=change.remote_id
                )
            case _:  # reading tells nothing of what is to be put back into a store
                return None

    def _resumed_create(
        self, provider: Provider, change: Change, live: Mapping[str, Observed]
    ) -> Outcome | None:
        """A vendor that replays creates is asked again with the same key; elsewhere the object is looked for."""
        model = provider.resource_type
        if model.replays_creates:
            return None
        objects = live.values() if change.action is Action.CREATE else provider.observe()
        there = same_object(model, change, objects, self._marker(change), self._others(change))
        if there is None:
            return None
        if _gives_secrets(model) and not self._has_outputs(change):
            # What it gave away at its creation is lost with the process that made it: another one is made.
            self._bench.lock.check()
            provider.delete(there.remote_id)
            return None
        self._made.ids[change.address] = there.remote_id
        self._made.captured.update({(change.address, n): r for n, r in change.capture.items()})
        return self._ended(change, Result.DONE, "found by reading", remote_id=there.remote_id)

    def _has_outputs(self, change: Change) -> bool:
        """Tell whether the process that was cut off had stored all that the object gave away."""
        kept = [self._made.outputs.get((change.address, name)) for name in change.capture]
        return bool(kept) and all(one is not None and one.sealed is None for one in kept)

    def _call(
        self, provider: Provider, changes: Sequence[Change], live: Mapping[str, Observed]
    ) -> Sequence[Outcome]:
        if not changes:
            return ()
        for change in changes:
            self._bench.journal.append(
                "intent",
                step=change.step,
                address=change.address,
                action=str(change.action),
                remote_id=change.remote_id,
                idempotency_key=self._key(change),
            )
        self._bench.lock.check()
        match changes[0].action:
            case Action.CREATE if len(changes) > 1 and isinstance(provider, CreatesInBulk):
                return self._create_many(provider, provider, changes, live)
            case Action.DELETE if len(changes) > 1 and isinstance(provider, DeletesInBulk):
                ids = [change.remote_id for change in changes if change.remote_id]
                return self._attempt_all(provider, changes, live, lambda: provider.delete_many(ids))
            case _:
                return [self._one(provider, change, live) for change in changes]

    def _one(self, provider: Provider, change: Change, live: Mapping[str, Observed]) -> Outcome:
        try:
            match change.action:
                case Action.CREATE:
                    return self._created(provider, change)
                case Action.UPDATE:
                    fields = filled_fields(change, self._bench.secrets, self._made)
                    self._keeper.put_back(change)
                    if fields:
                        provider.update(Update(live[change.remote_id or ""], fields))
                case Action.REPLACE:
                    return self._replaced(provider, change)
                case Action.DELETE:
                    provider.delete(change.remote_id or "")
                    return self._deleted(change, also_changed(provider.resource_type, change, live))
                case Action.MANUAL:
                    pass
        except Unavailable as error:
            return self._settled(provider, change, error, live)
        except ReconcilerError as error:
            return self._failed(change, error)
        note = also_changed(provider.resource_type, change, live)
        return self._ended(change, Result.DONE, note, remote_id=change.remote_id)

    def _created(self, provider: Provider, change: Change, retires: str | None = None) -> Outcome:
        """Make the object; ``retires`` is the id of the one that goes once the new one is kept."""
        new = self._new(change)
        created = provider.create(new)
        is_resumed = change.address in self._in_flight
        for _ in range(AGAIN if is_resumed else 0):
            if provider.read([created.remote_id]):
                break
            # The stored answer of an object that was deleted meanwhile: it is made again, under another key.
            new = new._replace(idempotency_key=f"{new.idempotency_key}-again")
            created = provider.create(new)
        return self._kept(provider, change, created, retires)

    def _replaced(self, provider: Provider, change: Change) -> Outcome:
        """Make the new object before the old one goes, unless the vendor allows only one at a time."""
        if provider.resource_type.replaces_by_deleting_first:
            self._new(change)  # a secret that cannot be had stops this before anything is gone
            provider.delete(change.remote_id or "")
            return self._created(provider, change)
        if change.overlaps:
            self._keeper.set_aside(change)
            return self._created(provider, change)
        return self._created(provider, change, retires=change.remote_id)

    def _create_many(
        self,
        provider: Provider,
        bulk: CreatesInBulk,
        changes: Sequence[Change],
        live: Mapping[str, Observed],
    ) -> list[Outcome]:
        try:
            answers = bulk.create_many([self._new(change) for change in changes])
        except Unavailable as error:
            return [self._settled(provider, change, error, live) for change in changes]
        except ReconcilerError as error:
            return [self._failed(change, error) for change in changes]
        return [
            self._kept(provider, change, answer)
            if isinstance(answer, Created)
            else self._failed(change, answer)
            for change, answer in zip(changes, answers, strict=True)
        ]

    def _attempt_all(
        self,
        provider: Provider,
        changes: Sequence[Change],
        live: Mapping[str, Observed],
        call: Callable[[], None],
    ) -> list[Outcome]:
        try:
            call()
        except Unavailable as error:
            return [self._settled(provider, change, error, live) for change in changes]
        except ReconcilerError as error:
            return [self._failed(change, error) for change in changes]
        return [self._deleted(change) for change in changes]

    def _deleted(self, change: Change, note: str = "") -> Outcome:
        """Record that an object is gone, and let go what only it needed."""
        left = self._keeper.retire(change)
        said = ". ".join(filter(None, (note, left)))
        return self._ended(change, Result.DONE, said, remote_id=change.remote_id)

    def _kept(
        self, provider: Provider, change: Change, created: Created, retires: str | None = None
    ) -> Outcome:
        """Remember what was made and keep its outputs.

        An output that cannot be kept is sealed for the operator; without a seal the new object is taken back.
        """
        try:
            self._keeper.keep_outputs(change, created)
        except ReconcilerError as error:
            return self._unkept(provider, change, created, error)
        if created.trouble is not None:
            return self._failed(change, created.trouble)
        if retires is not None:
            self._bench.lock.check()
            provider.delete(retires)
        return self._ended(change, Result.DONE, remote_id=created.remote_id)

    def _unkept(
        self, provider: Provider, change: Change, created: Created, error: ReconcilerError
    ) -> Outcome:
        """Lose nothing of an object whose outputs cannot be stored: seal them, or take the object back."""
        sealed = self._keeper.seal(change, created)
        if not sealed:
            return self._taken_back(provider, change, created, error)
        self._made.ids[change.address] = created.remote_id
        said = " ".join(f"{error.summary}. {error.detail}".split())
        return self._ended(
            change,
            Result.FAILED,
            f"{said} {created.remote_id} is made, and its {', '.join(sealed)} is sealed in the journal.",
            f"reconciler show {self._bench.run} --sealed '{change.address}#{sealed[0]}'"
            " | age --decrypt -i IDENTITY",
            remote_id=created.remote_id,
        )

    def _taken_back(
        self, provider: Provider, change: Change, created: Created, error: ReconcilerError
    ) -> Outcome:
        self._bench.journal.append(
            "taken back", step=change.step, address=change.address, remote_id=created.remote_id
        )
        try:
            provider.delete(created.remote_id)
        except ReconcilerError as left:
            said = f"{error.summary}. {created.remote_id} could not be taken back: {left.summary}"
            return self._ended(change, Result.FAILED, said, left.mend)
        return self._failed(change, error)

    def _settled(
        self,
        provider: Provider,
        change: Change,
        error: Unavailable,
        live: Mapping[str, Observed],
    ) -> Outcome:
        """Find out by reading whether a call without an answer took effect."""
        try:
            if change.action in {Action.CREATE, Action.REPLACE}:
                return self._settled_create(provider, change, error, live)
            found = provider.read([change.remote_id or ""]).get(change.remote_id or "")
        except LockHeld:
            raise
        except ReconcilerError:
            return self._ended(
                change, Result.UNKNOWN, f"{error.summary}. {error.detail}", error.mend
            )
        if found is None and change.action is Action.DELETE:
            return self._deleted(change, "found by reading")
        is_done = False
        if change.action is Action.UPDATE and found is not None:
            is_done = is_as_wanted(provider.resource_type, change, found) is True
        if is_done:
            return self._ended(change, Result.DONE, "found by reading", remote_id=change.remote_id)
        return self._failed(change, error)

    def _settled_create(
        self,
        provider: Provider,
        change: Change,
        error: Unavailable,
        live: Mapping[str, Observed],
    ) -> Outcome:
        """Find out what a create or replace left. An object whose outputs are lost goes, to be made again."""
        made = self._made.ids.get(change.address)
        if made is not None:  # the new object is kept; it was the old one's end that got no answer
            if provider.read([change.remote_id or ""]):
                return self._failed(change, error)
            return self._ended(change, Result.DONE, "found by reading", remote_id=made)
        model, marker = provider.resource_type, self._marker(change)
        there = same_object(model, change, provider.observe(), marker, self._others(change))
        if there is None:
            return self._failed(change, error)
        has_old = change.action is Action.REPLACE and not model.replaces_by_deleting_first
        if change.capture or _gives_secrets(model) or has_old:
            is_ours = there.marker == marker or there.remote_id not in live
            if is_ours:
                self._bench.lock.check()
                provider.delete(there.remote_id)
            return self._failed(change, error)
        self._made.ids[change.address] = there.remote_id
        return self._ended(change, Result.DONE, "found by reading", remote_id=there.remote_id)

    def _new(self, change: Change) -> New:
        values = filled_values(change, self._bench.secrets, self._made)
        return New(values, self._marker(change), self._key(change))

    def _others(self, change: Change) -> frozenset[str]:
        return bound_to_others(self._bench.bindings, change.address)

    def _marker(self, change: Change) -> str:
        return f"{self._bench.environment}/{change.address}"

    def _key(self, change: Change) -> str:
        """The same for the same change of the same run; another run of the same content gets another."""
        content = digest([change.address, str(change.action), change.values])
        return f"{self._bench.run}-{change.step}-{content.removeprefix('sha256:')[:16]}"

    def _failed(self, change: Change, error: ReconcilerError) -> Outcome:
        if isinstance(error, LockHeld):
            raise error
        result = Result.STALE if isinstance(error, StalePlan) else Result.FAILED
        said = f"{error.summary}. {error.detail}" if error.detail else error.summary
        detail = " ".join(said.split())
        return self._ended(change, result, detail, error.mend)

    def _ended(
        self,
        change: Change,
        result: Result,
        detail: str = "",
        mend: str = "",
        remote_id: str | None = None,
    ) -> Outcome:
        used = {
            secret.reference: encode(self._made.secrets[secret.reference])
            for value in (*change.values.values(), *change.after().values())
            for secret in secrets_in(value)
            if secret.reference in self._made.secrets and result is Result.DONE
        }
        self._bench.journal.append(
            "outcome",
            **({"secrets": used} if used else {}),
            step=change.step,
            address=change.address,
            action=str(change.action),
            outcome=str(result),
            detail=detail,
            remote_id=remote_id,
        )
        return Outcome(change.address, change.action, result, detail, mend, remote_id)


def _gives_secrets(model: type[Resource]) -> bool:
    """Tell whether a new object gives away a secret that is never shown again, not even to who asks once more."""
    secret = any(output.secret and output.only_at_create for output in model.outputs.values())
    return secret and not model.replays_creates
