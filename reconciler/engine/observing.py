"""Read the live state of an environment: vendors and kinds at the same time. Never writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import (
    LiveStateDenied,
    LiveStateUnknown,
    PermissionDenied,
    ReconcilerError,
    Refused,
    SecretUnavailable,
    Unauthenticated,
    VendorError,
    WriteAttempted,
)
from reconciler.core.state import Account, Observation, Observed, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.ports import Session

READERS = 16
"""Threads. The limit that counts is each vendor's pace; beyond 20 connections a client gets slower."""


class _Read(NamedTuple):
    kind: str
    objects: tuple[Observed, ...] = ()
    failure: ReconcilerError | None = None


def observe(sessions: Mapping[str, Session], kinds: Iterable[str]) -> Observation:
    """Read all objects of ``kinds``; ``sessions`` are by vendor.

    Each account is identified before anything else of it is read. A kind that cannot be read is reported as
    unreadable, never as empty. Raises Refused (WrongAccount) and WriteAttempted: those are no read failures.
    """
    wanted = sorted(set(kinds))
    vendors = sorted({vendor_of(kind) for kind in wanted})
    with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="observe") as pool:
        identified = dict(
            zip(vendors, pool.map(lambda v: _identify(sessions[v]), vendors), strict=True)
        )
        known = [kind for kind in wanted if isinstance(identified[vendor_of(kind)], Account)]
        reads = list(pool.map(lambda kind: _read(sessions[vendor_of(kind)], kind), known))
    lost = [
        _unreadable(kind, failure)
        for kind in wanted
        if isinstance(failure := identified[vendor_of(kind)], ReconcilerError)
    ]
    lost += [_unreadable(read.kind, read.failure) for read in reads if read.failure is not None]
    return Observation(
        objects={read.kind: read.objects for read in reads if read.failure is None},
        unreadable=tuple(lost),
        accounts=tuple(account for account in identified.values() if isinstance(account, Account)),
    )


def unknown(summary: str, unreadable: Iterable[Unreadable], mend: str = "") -> LiveStateUnknown:
    """Return the error for kinds that could not be read, with the reason and the mend of each."""
    kinds = tuple(unreadable)
    lines = [
        line for item in kinds for line in (f"{item.kind}: {item.reason}", item.detail, item.mend)
    ]
    error = LiveStateDenied if any(item.denied for item in kinds) else LiveStateUnknown
    return error(summary, detail="\n".join(filter(None, lines)), mend=mend)


def vendor_of(kind: str) -> str:
    """Return the vendor's name in a kind's name."""
    return kind.partition(".")[0]


def _identify(session: Session) -> Account | ReconcilerError:
    try:
        return session.identify()
    except (Refused, WriteAttempted):
        raise
    except ReconcilerError as error:
        return error
    except Exception as error:  # noqa: BLE001 - likewise: an answer of a shape that nobody foresaw
        return _not_understood(session.vendor, error)


def _not_understood(what: str, error: Exception) -> VendorError:
    """Return the error for an answer of an unexpected shape. Says no value of it."""
    return VendorError(
        f"{what}: the vendor's answer was not understood",
        vendor=vendor_of(what),
        detail=f"It has another shape than documented ({type(error).__name__}).",
        mend="RECONCILER_DEBUG=1 reconciler …   # shows where; please report it",
    )


def _read(session: Session, kind: str) -> _Read:
    try:
        return _Read(kind, tuple(session.provider(kind).observe()))
    except (Refused, WriteAttempted):
        raise
    except ReconcilerError as error:
        return _Read(kind, failure=error)
    except Exception as error:  # noqa: BLE001 - whatever a provider did not expect: its kind is unknown
        return _Read(kind, failure=_not_understood(kind, error))


def _unreadable(kind: str, error: ReconcilerError) -> Unreadable:
    return Unreadable(
        kind=kind,
        reason=error.summary,
        detail=error.detail,
        mend=error.mend,
        denied=isinstance(error, (Unauthenticated, PermissionDenied, SecretUnavailable)),
    )
