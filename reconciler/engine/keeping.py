"""What becomes of secrets that an object gives away only when it is made: kept, sealed, put back, retired.

Every step is in the journal before the next one: where a value is, never the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import ReconcilerError, SecretNotFound, SecretUnavailable
from reconciler.core.secret import SecretValue, encode
from reconciler.engine.filling import Made, kept_value

if TYPE_CHECKING:
    from reconciler.core.change import Change
    from reconciler.core.ports import Created, Journal, SecretSource


class Keeper:
    """Puts the outputs of one run's objects where their changes say, and remembers it in ``made``."""

    def __init__(
        self,
        secrets: SecretSource,
        journal: Journal,
        made: Made,
        in_flight: frozenset[str] = frozenset(),
    ) -> None:
        self._secrets = secrets
        self._journal = journal
        self._made = made
        self._in_flight = in_flight

    def keep_outputs(self, change: Change, created: Created) -> None:
        """Store the outputs that are to be captured. An empty one is none. Raises SecretUnavailable."""
        for value in created.outputs.values():
            self._secrets.learn(value)
        empty = [name for name in change.capture if not created.outputs.get(name)]
        if empty:
            raise SecretUnavailable(f"{change.address}: the vendor gave no {empty[0]} to capture")
        for name, reference in change.capture.items():
            self._keep(change, name, reference, created.outputs[name])
            self._made.captured[change.address, name] = reference
        self._made.ids[change.address] = created.remote_id
        for name, value in created.outputs.items():
            self._made.values[change.address, name] = value

    def seal(self, change: Change, created: Created) -> tuple[str, ...]:
        """Seal the outputs that could not be stored, and return their names; none, if one of them cannot be sealed."""
        values = {name: created.outputs.get(name, "") for name in change.capture}
        if not (self._secrets.seals and values and all(values.values())):
            return ()
        for name, value in values.items():
            fingerprint = self._secrets.fingerprint(value)
            sealed = SecretValue(None, fingerprint, sealed=self._secrets.seal(value))
            self._note("captured", change, name, sealed)
            self._made.outputs[change.address, name] = sealed
        return tuple(values)

    def put_back(self, change: Change) -> None:
        """Store outputs of the present object in their place again. Raises SecretUnavailable."""
        for name, secret in change.keeps.items():
            if isinstance(secret, SecretValue):
                value = kept_value(secret, f"{change.address}#{name}", self._secrets)
                self._keep(change, name, change.capture[name], value)
                self._made.captured[change.address, name] = change.capture[name]

    def set_aside(self, change: Change) -> None:
        """Make sure that the outputs of the object which stays can still be had once those of the new one are kept.

        Where nothing was kept yet, there is nothing to go back to. Raises SecretUnavailable where a store has no place
        for both.
        """
        for name, reference in change.capture.items():
            if (change.address, name) in self._made.aside:
                continue
            try:
                kept = self._secrets.preserved(reference)
            except SecretNotFound:
                continue
            if kept is None:
                raise SecretUnavailable(
                    f"{reference} has no place for two values",
                    detail="While a secret is rotated, the old value must still be there to go back to.",
                    mend="capture into a store with versions: file, gcp, aws or vault",
                )
            known = self._secrets.known(kept)
            self._note("set aside", change, name, known)
            self._made.aside[change.address, name] = known

    def retire(self, change: Change) -> str:
        """Let go what only the deleted object needed. Return what a store cannot let go, and why: it is no failure."""
        left = []
        for reference in change.retires.values():
            why = "the store keeps every version"
            try:
                done = self._secrets.retire(reference)
            except ReconcilerError as error:
                done, why = False, error.summary
            self._journal.append(
                "retired" if done else "not retired",
                address=change.address,
                reference=reference,
                **({} if done else {"why": why}),
            )
            if not done:
                left.append(f"{reference} still gives the old value: {why}")
        return ", ".join(left)

    def _keep(self, change: Change, name: str, reference: str, value: str) -> None:
        """Store an output, unless its place has it already: the process that was cut off may have come so far."""
        known = self._kept_before(change, reference, value)
        if known is None:
            known = self._secrets.keep(reference, value)
        if known != self._made.outputs.get((change.address, name)):
            self._note("captured", change, name, known)
            self._made.outputs[change.address, name] = known

    def _kept_before(self, change: Change, reference: str, value: str) -> SecretValue | None:
        if change.address not in self._in_flight:
            return None
        try:
            known = self._secrets.known(reference)
        except SecretUnavailable:
            return None
        return known if known.fingerprint == self._secrets.fingerprint(value) else None

    def _note(self, event: str, change: Change, name: str, known: SecretValue) -> None:
        self._journal.append(
            event, step=change.step, address=change.address, output=name, secret=encode(known)
        )
