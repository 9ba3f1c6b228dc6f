"""Accounts: whether each credential is accepted, whose account it opens, and whether it may read what is declared."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.cli.doctoring.case import OFFLINE, UNREADABLE
from reconciler.cli.secret_needs import credentials_of
from reconciler.cli.workspace import kinds_of
from reconciler.core.errors import ReconcilerError
from reconciler.core.examination import Trouble, doubtful, failed, fine, untried, wrong
from reconciler.engine.observing import vendor_of
from reconciler.providers import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.doctoring.case import Case
    from reconciler.core.examination import Examined
    from reconciler.core.ports import Session
    from reconciler.core.resource import Rights
    from reconciler.core.state import Account
    from reconciler.files.loading import Loaded

READERS: Final = 8
"""Threads for the accounts, and as many for the kinds of each."""


def accounts_examined(case: Case) -> Iterator[Examined]:
    """Tell of each account whose it is, and of each kind whether it can be read."""
    loaded = case.loaded
    if loaded is None:
        yield untried("accounts", UNREADABLE)
        return
    kinds = sorted(kinds_of(loaded.desired, case.base, loaded.settings))
    if case.offline:
        yield from (untried(f"account {vendor}", OFFLINE) for vendor in sorted(loaded.settings))
        return
    case.workspace.secrets(loaded)  # made before threads ask for it
    case.workspace.connections()
    with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="doctor") as pool:
        examine = partial(_account, case, loaded, kinds)
        for found in pool.map(examine, sorted(loaded.settings)):
            yield from found
    if case.invalid is not None:
        yield untried("further kinds", UNREADABLE)


def _account(case: Case, loaded: Loaded, kinds: list[str], vendor: str) -> list[Examined]:
    """Return what there is to say of one account and its kinds. Never raises."""
    subject = f"account {vendor}"
    own = [kind for kind in kinds if vendor_of(kind) == vendor]
    skipped = [untried(f"read {kind}", f"the {vendor} account was not opened") for kind in own]
    try:
        with case.workspace.sessions(loaded, [vendor], writes=False) as sessions:
            session = sessions[vendor]
            account = session.identify()
            with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="doctor") as pool:
                reads = list(pool.map(partial(_read, case, session), own))
    except ReconcilerError as error:
        needed = _needed(registry.account_rights(vendor), case)
        found = failed(subject, error)
        if found.trouble is Trouble.DENIED:
            found = failed(subject, error, further=needed)
        return [found, *skipped]
    except Exception as error:  # noqa: BLE001 - an answer of a shape that nobody foresaw
        return [_not_understood(subject, error), *skipped]
    return [_identified(loaded, account), *reads]


def _identified(loaded: Loaded, account: Account) -> Examined:
    subject = f"account {account.vendor}"
    settings = loaded.settings[account.vendor]
    name = f" ({account.name})" if account.name else ""
    by = ", ".join(credentials_of(settings))
    words = " ".join(filter(None, [f"{account.id}{name}", account.mode, f"by {by}"]))
    pins: tuple[str, ...] = getattr(registry.account_type(account.vendor), "pins", ())
    missing = [pin for pin in pins if getattr(settings, pin, None) is None]
    if missing:
        mend = "\n".join(
            f"providers.{account.vendor}.{pin}: …   # in environment.yaml" for pin in missing
        )
        what = f"{words}; not pinned: {', '.join(missing)}, so another one would be taken as well"
        return doubtful(subject, what, mend)
    return fine(subject, f"{words}{', as pinned' if pins else ''}")


def _read(case: Case, session: Session, kind: str) -> Examined:
    """Return whether all objects of one kind can be read. Never raises."""
    subject = f"read {kind}"
    try:
        count = sum(1 for _ in session.provider(kind).observe())
    except ReconcilerError as error:
        found = failed(subject, error)
        if found.trouble is Trouble.DENIED:
            rights = registry.model_of(kind).rights
            return failed(subject, error, further=_needed(rights, case))
        return found
    except Exception as error:  # noqa: BLE001 - whatever a provider did not expect
        return _not_understood(subject, error)
    return fine(subject, f"{count} objects; writing is not tried")


def _needed(rights: Rights, case: Case) -> str:
    lines = [f"it needs: {', '.join(rights.read)}"] if rights.read else []
    return "\n".join([*lines, f"reconciler permissions {case.environment}"])


def _not_understood(subject: str, error: Exception) -> Examined:
    """Return that an answer had another shape than documented. Says no value of it."""
    return wrong(
        subject,
        f"the vendor's answer was not understood ({type(error).__name__})",
        "reconciler --trace trace.jsonl doctor ENV   # shows the answer; please report it",
        Trouble.UNKNOWN,
    )
