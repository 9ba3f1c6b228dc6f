"""The one table of exit codes. Users script against it: it never changes."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends; the same in every output format."""

    OK = 0
    """Success; no differences, or differences without ``--exit-code``."""
    ERROR = 1
    """Usage, invalid files, vendor error; ``check`` found a failure. A mistyped option is 1, never 2."""
    DIFFERENCES = 2
    """Differences or drift, and nothing else."""
    INCOMPLETE = 3
    """Apply finished in part, was not verified, or a check failed after it; the journal says what."""
    DENIED = 4
    """Credentials missing or not permitted."""
    REFUSED = 5
    """Policy, protection, budget, or consent not given."""
    STALE = 6
    """Stale plan, live state moved under it, or the lock is held."""
    UNKNOWN = 7
    """Some reads failed: the live state is unknown, which is never "no drift"."""
    INTERRUPTED = 130
    """The call in flight was finished and journalled, the lock released."""


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code of an error."""
    from reconciler.core import errors

    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    table: tuple[tuple[tuple[type[BaseException], ...], ExitCode], ...] = (
        ((errors.ApplyIncomplete,), ExitCode.INCOMPLETE),
        (
            (
                errors.Unauthenticated,
                errors.PermissionDenied,
                errors.SecretUnavailable,
                errors.LiveStateDenied,
            ),
            ExitCode.DENIED,
        ),
        ((errors.Refused,), ExitCode.REFUSED),
        ((errors.StalePlan, errors.LockHeld), ExitCode.STALE),
        ((errors.LiveStateUnknown, errors.PartialRead), ExitCode.UNKNOWN),
    )
    return next((code for types, code in table if isinstance(error, types)), ExitCode.ERROR)
