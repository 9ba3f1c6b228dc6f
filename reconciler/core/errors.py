"""Everything that can go wrong, as types. The command line maps each to one exit code.

* ReconcilerError
  + InvalidInput          the files or the arguments are wrong: fix them (carries diagnostics)
    - CorruptFile         a stored file does not match its digest, or has a newer format
  + AmbiguousIdentity     more than one live object could be the declared one
  + VendorError           the vendor refused or failed a request
    - Unauthenticated     the credential is not accepted
    - PermissionDenied    the credential is accepted but may not do this
    - NotFound            no such object (or it is not visible to this credential)
    - Conflict            the object is in a state that does not allow this
    - RateLimited         too many requests, also after waiting
    - Unavailable         the vendor or the network failed; the effect of a write is unknown
  + PartialRead           a list came back incomplete; what is missing is unknown, not absent
  + SecretUnavailable     a secret reference could not be resolved
    - SecretNotFound      its store has no such secret
  + WriteAttempted        something tried to write through the read-only transport
  + Refused               a guard refused: policy, protection, budget, consent
    - WrongAccount        the credential opens another account or mode than the one pinned
  + StalePlan             live state moved since the plan was made, or the plan is spent
  + LockHeld              another apply holds the environment
  + LiveStateUnknown      some reads failed; nothing may be concluded from what is missing
    - LiveStateDenied     … because a credential is not accepted or lacks a permission
  + ApplyIncomplete       some changes were made and some were not; the journal says which
  + VerificationFailed    every call was accepted, but the live state is not the wanted one
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.diagnostic import Place


class ReconcilerError(Exception):
    """Base of every error that is reported without a traceback.

    ``summary`` is one line, ``detail`` says what and why, ``mend`` is the command or edit that helps.
    """

    def __init__(
        self, summary: str, *, detail: str = "", mend: str = "", place: Place | None = None
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.mend = mend
        self.place = place

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what to show, most important first; never empty."""
        return (
            Diagnostic(summary=self.summary, detail=self.detail, mend=self.mend, place=self.place),
        )


class InvalidInput(ReconcilerError):
    """The files or arguments are wrong; all their diagnostics together."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].summary if diagnostics else "Invalid input")
        self._diagnostics = tuple(diagnostics)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self._diagnostics or super().diagnostics


class CorruptFile(ReconcilerError):
    """A stored file does not match its digest, or was written by a newer version."""


class AmbiguousIdentity(ReconcilerError):
    """More than one live object could be the declared one; never picks the first."""


class VendorError(ReconcilerError):
    """The vendor refused or failed a request.

    ``status`` is the HTTP status or ``None`` when no response came; ``code`` the vendor's own.
    """

    def __init__(
        self,
        summary: str,
        *,
        vendor: str,
        status: int | None = None,
        code: str | None = None,
        detail: str = "",
        mend: str = "",
    ) -> None:
        super().__init__(summary, detail=detail, mend=mend)
        self.vendor = vendor
        self.status = status
        self.code = code


class Unauthenticated(VendorError):
    """The credential is not accepted."""


class PermissionDenied(VendorError):
    """The credential is accepted but may not do this."""


class NotFound(VendorError):
    """No such object, or not visible to this credential."""


class Conflict(VendorError):
    """The object is in a state that does not allow this."""


class RateLimited(VendorError):
    """Too many requests, also after waiting."""


class Unavailable(VendorError):
    """The vendor or the network failed: whether a write took effect is unknown."""


class PartialRead(ReconcilerError):
    """A list came back incomplete: what is missing is unknown, not absent."""


class SecretUnavailable(ReconcilerError):
    """A secret reference could not be resolved."""


class SecretNotFound(SecretUnavailable):
    """The store has no such secret, or no value of it yet."""


class WriteAttempted(ReconcilerError):
    """Something tried to write through the read-only transport: a defect, stopped in time."""


class Refused(ReconcilerError):
    """A guard refused: policy, protection, budget or missing consent."""


class WrongAccount(Refused):
    """The credential opens another account or mode than the one pinned."""


class StalePlan(ReconcilerError):
    """Live state moved since the plan was made, or the plan may not be used (again)."""


class LockHeld(ReconcilerError):
    """Another apply holds the environment."""


class LiveStateUnknown(ReconcilerError):
    """Some reads failed: nothing may be concluded from what is missing."""


class LiveStateDenied(LiveStateUnknown):
    """Some reads failed because a credential is missing, not accepted, or lacks a permission."""


class ApplyIncomplete(ReconcilerError):
    """Some changes were made and some were not; the journal says which."""


class VerificationFailed(ApplyIncomplete):
    """Every call was accepted, but the live state is not the wanted one."""
