"""Carry out one step: read again, refuse what moved, journal, one call, journal. Never goes on by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.change import Action, Change
from reconciler.core.compare import moved_fields
from reconciler.core.digest import digest
from reconciler.core.errors import ReconcilerError, SecretUnavailable, StalePlan, Unavailable
from reconciler.core.ports import Created, CreatesInBulk, DeletesInBulk, New, Update
from reconciler.core.reference import Reference, Scheme, parse
from reconciler.core.secret import Deferred, Json, SecretValue
from reconciler.core.state import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.core.ports import Journal, Provider, SecretSource, Session
    from reconciler.core.state import Observed


class Result(StrEnum):
    """What happened to one change. ``unknown``: the vendor did not answer, and reading did not tell either."""

    DONE = "done"
    FAILED = "failed"
    STALE = "stale"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    MANUAL = "manual"


class Outcome(NamedTuple):
    """The end of one change."""

    address: str
    action: Action
    result: Result
    detail: str = ""
    mend: str = ""
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What this run created: ids and outputs by address. Outputs are secret and live here alone."""

    ids: dict[str, str] = field(default_factory=dict)
    outputs: dict[tuple[str, str], str] = field(default_factory=dict)


class Stepper:
    """Carries out the steps of one run."""

    def __init__(
        self,
        environment: str,
        run: str,
        sessions: Mapping[str, Session],
        secrets: SecretSource,
        journal: Journal,
    ) -> None:
        self._environment = environment
        self._run = run
        self._sessions = sessions
        self._secrets = secrets
        self._journal = journal

    def carry_out(self, step: Sequence[Change], made: Made) -> Iterator[Outcome]:
        """Make the changes of one step, and yield an outcome for each. Errors become outcomes."""
        if step[0].action is Action.MANUAL:
            yield from (
                self._ended(change, Result.MANUAL, change.reversibility_reason) for change in step
            )
            return
        provider = self._sessions[step[0].kind.partition(".")[0]].provider(step[0].kind)
        try:
            live = self._read_again(provider, step)
        except ReconcilerError as error:
            yield from (self._failed(change, error) for change in step)
            return
        fresh: list[Change] = []
        for change in step:
            moved = self._moved(provider, change, live)
            if moved is None:
                fresh.append(change)
            else:
                yield self._ended(
                    change, Result.STALE, moved, mend=f"reconciler plan {self._environment}"
                )
        if len(fresh) == len(step):
            yield from self._call(provider, fresh, live, made)
        else:
            yield from (
                self.skipped(change, "shares a call with a stale change") for change in fresh
            )

    def skipped(self, change: Change, why: str) -> Outcome:
        """Record that ``change`` was not attempted."""
        return self._ended(change, Result.SKIPPED, why)

    def _read_again(self, provider: Provider, step: Sequence[Change]) -> dict[str, Observed]:
        """Return what is live now: the objects of the step by id, or all of the kind for a create."""
        if step[0].action is Action.CREATE:
            return {found.remote_id: found for found in provider.observe()}
        return dict(
            provider.read([change.remote_id for change in step if change.remote_id is not None])
        )

    def _moved(
        self, provider: Provider, change: Change, live: Mapping[str, Observed]
    ) -> str | None:
        """Say what is no longer as the plan saw it; ``None`` when the change may be made."""
        if change.action is Action.CREATE:
            there = self._same_object(provider, change, live.values())
            return (
                None if there is None else f"{there.remote_id} has appeared since the plan was made"
            )
        found = live.get(change.remote_id or "")
        if found is None:
            gone = change.action is Action.DELETE
            return None if gone else f"{change.remote_id} is gone"
        entry = _entry(change, found)
        fields = moved_fields(provider.resource_type, change.precondition, entry)
        if fields:
            return f"changed since the plan was made: {', '.join(fields)}"
        if change.precondition.etag is not None and change.precondition.etag != found.etag:
            return "changed since the plan was made (another version at the vendor)"
        return None

    def _same_object(
        self, provider: Provider, change: Change, found: Iterable[Observed]
    ) -> Observed | None:
        """Return the live object that ``change`` would make a second time."""
        model = provider.resource_type
        keys = set(model.natural_keys(change.values))
        for item in found:
            if item.marker == self._marker(change):
                return item
            if item.marker is None and keys & set(model.natural_keys(item.values)):
                return item
        return None

    def _call(
        self,
        provider: Provider,
        changes: Sequence[Change],
        live: Mapping[str, Observed],
        made: Made,
    ) -> Iterator[Outcome]:
        for change in changes:
            self._journal.append(
                "intent",
                step=change.step,
                address=change.address,
                action=str(change.action),
                remote_id=change.remote_id,
                idempotency_key=self._key(change),
            )
        match changes[0].action:
            case Action.CREATE if len(changes) > 1 and isinstance(provider, CreatesInBulk):
                yield from self._create_many(provider, provider, changes, made)
            case Action.DELETE if len(changes) > 1 and isinstance(provider, DeletesInBulk):
                ids = [change.remote_id for change in changes if change.remote_id is not None]
                yield from self._attempt_all(changes, lambda: provider.delete_many(ids))
            case _:
                for change in changes:
                    yield self._one(provider, change, live, made)

    def _one(
        self, provider: Provider, change: Change, live: Mapping[str, Observed], made: Made
    ) -> Outcome:
        try:
            match change.action:
                case Action.CREATE:
                    return self._created(
                        provider, change, provider.create(self._new(change, made)), made
                    )
                case Action.UPDATE:
                    found = live[change.remote_id or ""]
                    provider.update(Update(found, self._fields(change, made)))
                case Action.REPLACE:
                    return self._replace(provider, change, made)
                case Action.DELETE:
                    provider.delete(change.remote_id or "")
                case Action.MANUAL:
                    pass
        except Unavailable as error:
            return self._settled(provider, change, error, made)
        except ReconcilerError as error:
            return self._failed(change, error)
        return self._ended(change, Result.DONE, remote_id=change.remote_id)

    def _replace(self, provider: Provider, change: Change, made: Made) -> Outcome:
        """Make the new object before the old one goes, unless the vendor allows only one at a time."""
        new = self._new(change, made)
        old = change.remote_id or ""
        if provider.resource_type.replaces_by_deleting_first:
            provider.delete(old)
            return self._created(provider, change, provider.create(new), made)
        outcome = self._created(provider, change, provider.create(new), made)
        if outcome.result is Result.DONE:
            provider.delete(old)
        return outcome

    def _create_many(
        self, provider: Provider, bulk: CreatesInBulk, changes: Sequence[Change], made: Made
    ) -> Iterator[Outcome]:
        try:
            answers = bulk.create_many([self._new(change, made) for change in changes])
        except Unavailable as error:
            yield from (self._settled(provider, change, error, made) for change in changes)
            return
        except ReconcilerError as error:
            yield from (self._failed(change, error) for change in changes)
            return
        for change, answer in zip(changes, answers, strict=True):
            if isinstance(answer, Created):
                yield self._created(provider, change, answer, made)
            else:
                yield self._failed(change, answer)

    def _attempt_all(
        self, changes: Sequence[Change], call: Callable[[], None]
    ) -> Iterator[Outcome]:
        try:
            call()
        except ReconcilerError as error:
            yield from (self._failed(change, error) for change in changes)
            return
        yield from (self._ended(c, Result.DONE, remote_id=c.remote_id) for c in changes)

    def _created(self, provider: Provider, change: Change, created: Created, made: Made) -> Outcome:
        """Remember what was made and keep its outputs. An output that cannot be kept takes the object back."""
        for value in created.outputs.values():
            self._secrets.learn(value)
        try:
            for name, reference in change.capture.items():
                value = created.outputs.get(name, "")
                if not value:
                    raise SecretUnavailable(
                        f"{change.address}: the vendor gave no {name} to capture"
                    )
                self._secrets.keep(reference, value)
        except ReconcilerError as error:
            provider.delete(created.remote_id)
            return self._failed(change, error)
        made.ids[change.address] = created.remote_id
        for name, value in created.outputs.items():
            made.outputs[change.address, name] = value
        if created.trouble is not None:
            return self._failed(change, created.trouble)
        return self._ended(change, Result.DONE, remote_id=created.remote_id)

    def _settled(
        self, provider: Provider, change: Change, error: Unavailable, made: Made
    ) -> Outcome:
        """Find out by reading whether a call without an answer took effect."""
        try:
            if change.action is Action.CREATE:
                there = self._same_object(provider, change, provider.observe())
                if there is None:
                    return self._failed(change, error)
                made.ids[change.address] = there.remote_id
                if change.capture:
                    return self._failed(change, error)
                return self._ended(
                    change, Result.DONE, "found by reading", remote_id=there.remote_id
                )
            found = provider.read([change.remote_id or ""]).get(change.remote_id or "")
        except ReconcilerError:
            return self._ended(
                change, Result.UNKNOWN, f"{error.summary}. {error.detail}", error.mend
            )
        if change.action is Action.DELETE and found is None:
            return self._ended(change, Result.DONE, "found by reading", remote_id=change.remote_id)
        return self._failed(change, error)

    def _new(self, change: Change, made: Made) -> New:
        values = {name: self._filled(value, made) for name, value in change.values.items()}
        return New(values, self._marker(change), self._key(change))

    def _fields(self, change: Change, made: Made) -> dict[str, Json]:
        fields: dict[str, Json] = {}
        for item in change.field_changes:
            name, dot, key = item.field.partition(".")
            after = None if item.removed else self._filled(item.after, made)
            if dot:
                fields.setdefault(name, {})[key] = after
            else:
                fields[name] = after
        return fields

    def _filled(self, value: Json, made: Made) -> Json:
        """Fetch what was only referred to so far: secrets, and outputs and ids of what this run made."""
        match value:
            case SecretValue(reference=None):
                raise SecretUnavailable("a secret without a reference cannot be applied")
            case SecretValue(reference=str(text)) | Deferred(expression=text):
                return "".join(
                    part if isinstance(part, str) else self._fetched(part, made)
                    for part in parse(text)
                )
            case dict():
                return {key: self._filled(item, made) for key, item in value.items()}
            case list():
                return [self._filled(item, made) for item in value]
            case _:
                return value

    def _fetched(self, part: Reference, made: Made) -> str:
        if part.scheme is Scheme.SECRET:
            return self._secrets.resolve(str(part))
        address, name = part.target
        if name == "id" and address in made.ids:
            return made.ids[address]
        value = made.outputs.get((address, name))
        if value is None:
            raise SecretUnavailable(
                f"{part} is known only when {address} is created",
                detail="That happened in an earlier run, or not at all.",
                mend=f"declare `capture: {{{name}: ${{secret:…}}}}` on {address} and refer to that secret",
            )
        return value

    def _marker(self, change: Change) -> str:
        return f"{self._environment}/{change.address}"

    def _key(self, change: Change) -> str:
        """The same for the same change of the same run; another run of the same content gets another."""
        content = digest([change.address, str(change.action), change.values])
        return f"{self._run}-{change.step}-{content.removeprefix('sha256:')[:16]}"

    def _failed(self, change: Change, error: ReconcilerError) -> Outcome:
        result = Result.STALE if isinstance(error, StalePlan) else Result.FAILED
        detail = f"{error.summary}. {error.detail}".strip() if error.detail else error.summary
        return self._ended(change, result, detail, error.mend)

    def _ended(
        self,
        change: Change,
        result: Result,
        detail: str = "",
        mend: str = "",
        remote_id: str | None = None,
    ) -> Outcome:
        self._journal.append(
            "outcome",
            step=change.step,
            address=change.address,
            action=str(change.action),
            outcome=str(result),
            detail=detail,
            remote_id=remote_id,
        )
        return Outcome(change.address, change.action, result, detail, mend, remote_id)


def _entry(change: Change, found: Observed) -> Entry:
    return Entry(
        address=change.address,
        kind=change.kind,
        remote_id=found.remote_id,
        values=found.values,
        evidence=found.evidence,
    )
