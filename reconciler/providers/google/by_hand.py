"""Changes that are never made from here, because nothing would bring back what they take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.change import Action, Reversibility

if TYPE_CHECKING:
    from reconciler.core.change import Change


def left_to_people(change: Change, why: str, follow_up: str) -> Change:
    """Return ``change`` as a step that only a person makes: no call, the reason, and the command."""
    return change.model_copy(
        update={
            "action": Action.MANUAL,
            "calls": 0,
            "reversibility": Reversibility.MANUAL,
            "reversibility_reason": why,
            "follow_ups": (*change.follow_ups, follow_up),
        }
    )
