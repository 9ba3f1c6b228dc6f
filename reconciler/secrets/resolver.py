"""Resolve ``${secret:…}`` references, each at most once in a process, and mask every value from then on."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.core.errors import SecretNotFound, SecretUnavailable
from reconciler.core.reference import Reference, Scheme, SecretName, parse
from reconciler.core.secret import SecretValue
from reconciler.secrets.sealing import altered
from reconciler.secrets.store import Fetched, Retires, SetsAside, TellsVersions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.masking import Masker
    from reconciler.secrets.fingerprints import Fingerprints
    from reconciler.secrets.sealing import Identity, Seal
    from reconciler.secrets.store import SecretStore


LONGEST = 180
"""Seconds to wait for a secret that another thread is fetching."""


class Resolver:
    """The secret source of one environment: ``core.ports.SecretSource``. Thread-safe.

    Different secrets are fetched at the same time, each of them once; a failure is not remembered.
    """

    def __init__(
        self,
        stores: Mapping[str, SecretStore],
        masker: Masker,
        fingerprints: Fingerprints,
        seal: Seal | None = None,
        identity: Identity | None = None,
    ) -> None:
        self._stores = stores
        self._masker = masker
        self._fingerprints = fingerprints
        self._seal = seal
        self._identity = identity
        self._fetched: dict[SecretName, Future[Fetched]] = {}
        self._lock = threading.Lock()
        self._stack = threading.local()

    def resolve(self, text: str) -> str:
        """Return ``text`` with every ``${secret:…}`` filled in. Raises SecretUnavailable."""
        parts = [
            part if isinstance(part, str) else self._fetch(_secret(part)).value
            for part in parse(text)
        ]
        whole = "".join(parts)
        self._masker.add(whole)
        return whole

    def known(self, text: str) -> SecretValue:
        """Return what is known of ``text`` once it is resolved: its fingerprint, and the version of its one secret.

        Raises SecretUnavailable.
        """
        fingerprint = self._fingerprints.of(self.resolve(text))
        names = [_secret(part) for part in parse(text) if not isinstance(part, str)]
        version = self._fetch(names[0]).version if len(names) == 1 else None
        return SecretValue(text, fingerprint, version)

    def newest(self, reference: str) -> SecretValue | None:
        """Return the version that ``reference`` stands for now, without its value; ``None`` if the store can't tell.

        Raises SecretUnavailable.
        """
        name = _name_in(reference)
        store: object = self._store(name) if name is not None else None
        if name is None or not isinstance(store, TellsVersions):
            return None
        return SecretValue(reference, version=name.version or store.newest(name))

    def learn(self, value: str) -> None:
        """Mask ``value`` from now on."""
        self._masker.add(value)

    def fingerprint(self, value: str) -> str:
        """Return the fingerprint of ``value``. Raises SecretUnavailable without a key."""
        self._masker.add(value)
        return self._fingerprints.of(value)

    def is_ours(self, fingerprint: str) -> bool:
        """Tell whether ``fingerprint`` was made with our key. Raises SecretUnavailable without a key."""
        return self._fingerprints.is_ours(fingerprint)

    def keep(self, reference: str, value: str) -> SecretValue:
        """Store a value where ``reference`` points, and return what is known of it. Raises SecretUnavailable."""
        self._masker.add(value)
        name = _name_in(reference)
        if name is None:
            raise SecretUnavailable(
                f"{reference} is no place to keep a secret", mend="${secret:store/name}"
            )
        version = self._store(name).keep(name, value)
        stored: Future[Fetched] = Future()
        stored.set_result(Fetched(value, version))
        with self._lock:
            self._fetched[name] = stored
        return SecretValue(reference, self._fingerprints.of(value), version)

    def preserved(self, reference: str) -> str | None:
        """Return a reference to what ``reference`` gives now, that stays the same once another value is kept there.

        ``None`` where the store has no place for two values. Raises SecretUnavailable, SecretNotFound when there is no
        value yet.
        """
        name = _name_in(reference)
        store: object = self._store(name) if name is not None else None
        if name is None or name.version is not None:
            return reference if name is not None else None
        version: str | None = None
        if isinstance(store, SetsAside):
            version = store.set_aside(name)
        elif isinstance(store, TellsVersions):
            version = store.newest(name)
            if version is None:
                raise SecretNotFound(f"{reference} has no value yet")
        return None if version is None else f"${{secret:{name._replace(version=version)}}}"

    def retire(self, reference: str) -> bool:
        """Let the version that ``reference`` names no longer be fetched; False where the store cannot do that.

        Raises SecretUnavailable.
        """
        name = _name_in(reference)
        store: object = self._store(name) if name is not None else None
        if name is None or name.version is None or not isinstance(store, Retires):
            return False
        store.retire(name)
        return True

    @property
    def seals(self) -> bool:
        """Tell whether a recipient is named who could open what is sealed."""
        return self._seal is not None

    def seal(self, value: str) -> str | None:
        """Return ``value`` encrypted for the operator; ``None`` when nobody is named who could open it."""
        self._masker.add(value)
        return None if self._seal is None else self._seal.close(value)

    def unseal(self, secret: SecretValue, what: str) -> str:
        """Open a sealed value. Raises SecretUnavailable, or CorruptFile when it is not what was sealed."""
        if self._identity is None or secret.sealed is None:
            raise SecretUnavailable(
                f"{what} is sealed, and no identity was given",
                detail="The value is kept encrypted in the snapshot, and nowhere else.",
                mend="add --identity FILE: the age identity of one of the seal's recipients",
            )
        value = self._identity.open(secret.sealed, what)
        self._masker.add(value)
        if secret.fingerprint is None or not self._fingerprints.is_ours(secret.fingerprint):
            raise SecretUnavailable(
                f"{what}: it cannot be told whether the sealed value was exchanged",
                detail="Its fingerprint was made with another key than this environment's.",
                mend="give the key that it was made with: secrets.fingerprint_key in environment.yaml",
            )
        if self._fingerprints.of(value) != secret.fingerprint:
            raise altered(what)
        return value

    def _fetch(self, name: SecretName) -> Fetched:
        """Return the value, fetched by the first who asks; others who ask meanwhile wait for the same answer."""
        mine: Future[Fetched] = Future()
        with self._lock:
            found = self._fetched.setdefault(name, mine)
        if found is not mine:
            return self._awaited(name, found)
        try:
            with self._fetching(name):
                fetched = _as_text(name, self._store(name).fetch(name))
        except BaseException as error:
            with self._lock:
                del self._fetched[name]
            mine.set_exception(error)
            raise
        self._masker.add(fetched.value)
        mine.set_result(fetched)
        return fetched

    @contextmanager
    def _fetching(self, name: SecretName) -> Iterator[None]:
        """Note what this thread is fetching: a store may need another secret before it can answer."""
        before: tuple[SecretName, ...] = getattr(self._stack, "names", ())
        self._stack.names = (*before, name)
        try:
            yield
        finally:
            self._stack.names = before

    def _awaited(self, name: SecretName, found: Future[Fetched]) -> Fetched:
        """Return what another thread is fetching. Raises SecretUnavailable for a secret that needs itself."""
        if not found.done() and name in getattr(self._stack, "names", ()):
            raise SecretUnavailable(
                f"{name} is needed to open the store that it is in",
                mend="keep the credential of a secret store in another one, such as ${secret:env/NAME}",
            )
        try:
            return found.result(timeout=LONGEST)
        except TimeoutError:
            raise SecretUnavailable(
                f"{name} did not come within {LONGEST} s",
                detail="Secret stores that need each other's secrets never answer.",
            ) from None

    def _store(self, name: SecretName) -> SecretStore:
        store = self._stores.get(name.store)
        if store is None:
            raise SecretUnavailable(
                f"There is no secret store {name.store!r}",
                detail=f"${{secret:{name}}} names it. There are: {', '.join(sorted(self._stores))}.",
            )
        return store


def _as_text(name: SecretName, fetched: Fetched) -> Fetched:
    """Return ``fetched``, if it can be sent: bytes that are no text arrive as lone surrogates."""
    try:
        fetched.value.encode()
    except UnicodeEncodeError:
        raise SecretUnavailable(f"{name} is no UTF-8 text") from None
    return fetched


def _secret(part: Reference) -> SecretName:
    if part.scheme is not Scheme.SECRET:
        raise SecretUnavailable(f"{part} cannot be resolved here")
    return part.secret


def _name_in(reference: str) -> SecretName | None:
    """Return the name in a text that is one ``${secret:…}`` and nothing else."""
    parts = parse(reference)
    if len(parts) != 1 or isinstance(parts[0], str) or parts[0].scheme is not Scheme.SECRET:
        return None
    return parts[0].secret
