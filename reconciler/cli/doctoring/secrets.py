"""Secrets: whether each can be had now, and by which right. Values stay in memory, and are not returned."""

from __future__ import annotations

import os
import secrets as randomness
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from reconciler.cli.doctoring.case import OFFLINE, UNREADABLE
from reconciler.cli.secret_needs import Need, grants, needs_of, open_store
from reconciler.core.errors import ReconcilerError, SecretUnavailable
from reconciler.core.examination import Trouble, doubtful, failed, fine, untried, wrong
from reconciler.core.secret import SecretValue, secrets_in
from reconciler.secrets.store import SecretStore, TellsVersions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.doctoring.case import Case
    from reconciler.core.examination import Examined
    from reconciler.core.permission import Grant
    from reconciler.files.loading import Loaded

ASKERS: Final = 8
"""Threads."""

AT_HAND: Final = frozenset({"env", "file"})
"""Stores that answer without a network."""

SHOWN_USES: Final = 2


def secrets_examined(case: Case) -> Iterator[Examined]:
    """Tell of each secret whether it can be had; those of stores that tell versions are not fetched."""
    loaded = case.loaded
    if loaded is None:
        yield untried("secrets", UNREADABLE)
        return
    case.workspace.secrets(loaded)  # made before threads ask for it
    case.workspace.connections()
    needs = needs_of(loaded)
    stores = {name: _opened(case, loaded, name) for name in {need.name.store for need in needs}}
    with ThreadPoolExecutor(max_workers=ASKERS, thread_name_prefix="doctor") as pool:
        yield from pool.map(
            lambda need: _examined(case, loaded, need, stores[need.name.store]), needs
        )
    if case.invalid is not None:
        yield untried("further secrets", UNREADABLE)


def fingerprint_key_examined(case: Case) -> Iterator[Examined]:
    """Tell by which key secrets are compared, and whether that key made the fingerprints there are."""
    if case.loaded is None:
        return
    reference = case.loaded.environment.secrets.fingerprint_key
    yield _own_key(case, case.loaded) if reference is None else _key(case, case.loaded, reference)


def _own_key(case: Case, loaded: Loaded) -> Examined:
    """Return what there is to say of the key of the folder, which is not made here."""
    subject = "fingerprint key"
    path = case.workspace.root / ".reconciler" / "fingerprint.key"
    mend = "secrets: {fingerprint_key: ${secret:env/RECONCILER_FINGERPRINT_KEY}}   # in environment.yaml"
    if not path.exists():
        words = "none yet: this folder makes its own when it is first needed, and others cannot compare with it"
        return doubtful(subject, words, mend)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return wrong(subject, f"{path.name} may be read by others", f"chmod 600 {path}")
    # Without that file, asking for the key would write it.
    if (path.parent / ".gitignore").exists() and _made_elsewhere(case, loaded):
        words = "the one of this folder, but another made the fingerprints of the last snapshot"
        return doubtful(subject, words, mend)
    return fine(subject, "the one of this folder; others cannot compare with it")


def _key(case: Case, loaded: Loaded, reference: str) -> Examined:
    subject = "fingerprint key"
    if not _may_be_asked(case, reference):
        return untried(subject, OFFLINE)
    if _made_elsewhere(case, loaded):
        words = f"{reference}, but another key made the fingerprints of the last snapshot: they are not compared"
        mend = f"reconciler snapshot {case.environment}   # if this key is the right one"
        return doubtful(subject, words, mend)
    return fine(subject, reference)


def seal_examined(case: Case) -> Iterator[Examined]:
    """Tell whether values can be sealed and, when an identity is given, opened again."""
    if case.loaded is None or case.loaded.environment.seal is None:
        return
    if not _may_be_asked(case, case.loaded.environment.secrets.fingerprint_key):
        yield untried("seal", OFFLINE)
        return
    secrets = case.workspace.secrets(case.loaded)
    probe = randomness.token_urlsafe(24)
    sealed = secrets.seal(probe)
    try:
        known = SecretValue(None, secrets.fingerprint(probe), sealed=sealed)
        secrets.unseal(known, "a sealed value")
    except SecretUnavailable as error:
        words = f"values can be sealed; {error.summary}"
        yield doubtful("seal", words, error.mend)
        return
    yield fine("seal", "values can be sealed and opened again")


def _opened(case: Case, loaded: Loaded, name: str) -> SecretStore | Exception:
    """Return a store, or what stands in the way. Asks nobody."""
    try:
        return open_store(case.workspace, loaded, name)
    except Exception as error:  # noqa: BLE001 - a store of somebody else's: the others are looked at all the same
        return error


def _examined(case: Case, loaded: Loaded, need: Need, store: SecretStore | Exception) -> Examined:
    """Return whether one secret can be had. Never raises."""
    subject = f"secret {need.name}"
    if isinstance(store, Exception):
        return _not_had(case, need, store)
    try:
        rights = f"right: {_shown(grants(store, need, writes=False))}"
        unwritable = _unwritable(case, need) if need.captured else ""
        if unwritable:
            return wrong(subject, unwritable, "capture into another store", Trouble.DENIED)
        if case.offline and need.name.store not in AT_HAND:
            return untried(subject, f"{OFFLINE}; {rights}")
        found = _had(case, loaded, store, need)
        writing = _writing(store, need)
    except Exception as error:  # noqa: BLE001 - likewise
        return _not_had(case, need, error)
    return fine(subject, "; ".join(filter(None, [found, rights, writing, _for(need)])))


def _not_had(case: Case, need: Need, error: Exception) -> Examined:
    """Return why a secret cannot be had. What an apply is going to put there may be missing before."""
    subject = f"secret {need.name}"
    if not isinstance(error, ReconcilerError):
        words = f"the store failed ({type(error).__name__}); {_for(need)}"
        return wrong(subject, words, trouble=Trouble.UNKNOWN)
    found = failed(subject, error)
    is_there = need.name.store == "file" and (case.workspace.root / need.name.name).exists()
    if need.captured and not is_there:
        return doubtful(subject, f"not there yet: {found.found}; {_for(need)}", found.mend)
    return found.model_copy(update={"found": f"{found.found}; {_for(need)}"})


def _had(case: Case, loaded: Loaded, store: SecretStore, need: Need) -> str:
    """Return how a secret could be had. Raises SecretUnavailable."""
    if isinstance(store, TellsVersions) and need.name.version is None:
        version = store.newest(need.name)
        if version is None:
            raise SecretUnavailable(f"{need.name} has no version yet")
        return f"version {version} is the newest; its value was not asked for"
    case.workspace.secrets(loaded).resolve(need.reference)
    return "can be had"


def _writing(store: SecretStore, need: Need) -> str:
    if not need.captured:
        return ""
    further = grants(store, need, writes=True)
    return f"writing is not tried{f', and needs {_shown(further)}' if further else ''}"


def _unwritable(case: Case, need: Need) -> str:
    """Return why nothing can be captured into a place, where that is known without writing; else nothing."""
    if need.name.store != "file":
        return ""
    folder = (case.workspace.root / need.name.name).parent
    while not folder.exists():
        folder = folder.parent
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} cannot be written"


def _made_elsewhere(case: Case, loaded: Loaded) -> bool:
    """Tell whether the last snapshot has fingerprints, and none of our key. Raises SecretUnavailable."""
    secrets = case.workspace.secrets(loaded)
    secrets.is_ours("")  # the key is asked for, and must be long enough
    base = case.base
    made = [
        secret.fingerprint
        for entry in (base.entries if base is not None else ())
        for secret in (*secrets_in(entry.values), *secrets_in(entry.outputs))
        if secret.fingerprint is not None
    ]
    return bool(made) and not any(map(secrets.is_ours, made))


def _may_be_asked(case: Case, key: str | None) -> bool:
    """Tell whether the fingerprint key can be had: offline, only of a store that is at hand."""
    return (
        not case.offline
        or key is None
        or any(key.startswith(f"${{secret:{store}/") for store in AT_HAND)
    )


def _shown(needed: tuple[Grant, ...]) -> str:
    return ", ".join(f"{one.name} on {one.on}" for one in needed) or "no right of its own"


def _for(need: Need) -> str:
    more = len(need.uses) - SHOWN_USES
    further = f" and {more} more" if more > 0 else ""
    return f"for {', '.join(need.uses[:SHOWN_USES])}{further}"
