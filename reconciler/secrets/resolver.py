"""Resolve ``${secret:…}`` references, each at most once in a process, and mask every value from then on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from reconciler.core.errors import SecretUnavailable
from reconciler.core.reference import Scheme, SecretName, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.masking import Masker


class SecretStore(Protocol):
    """One place where secrets are kept."""

    def fetch(self, name: SecretName) -> str:
        """Return the value. Raises SecretUnavailable."""
        ...

    def keep(self, name: SecretName, value: str) -> None:
        """Store a value. Raises SecretUnavailable when the store cannot be written."""
        ...


class Resolver:
    """The secret source of one process: ``core.ports.SecretSource``. Thread-safe."""

    def __init__(self, stores: Mapping[str, SecretStore], masker: Masker) -> None:
        self._stores = stores
        self._masker = masker
        self._values: dict[SecretName, str] = {}
        self._lock = threading.Lock()

    def resolve(self, text: str) -> str:
        """Return ``text`` with every ``${secret:…}`` filled in. Raises SecretUnavailable."""
        parts = []
        for part in parse(text):
            if isinstance(part, str):
                parts.append(part)
            elif part.scheme is Scheme.SECRET:
                parts.append(self._value(part.secret))
            else:
                raise SecretUnavailable(f"{part} cannot be resolved here")
        whole = "".join(parts)
        self._masker.add(whole)
        return whole

    def keep(self, reference: str, value: str) -> None:
        """Store a captured value where ``reference`` points. Raises SecretUnavailable."""
        self._masker.add(value)
        parts = parse(reference)
        if len(parts) != 1 or isinstance(parts[0], str) or parts[0].scheme is not Scheme.SECRET:
            raise SecretUnavailable(
                f"{reference} is no place to keep a secret", mend="${secret:store/name}"
            )
        name = parts[0].secret
        self._store(name).keep(name, value)
        with self._lock:
            self._values[name] = value

    def learn(self, value: str) -> None:
        self._masker.add(value)

    def _value(self, name: SecretName) -> str:
        with self._lock:
            if name not in self._values:
                value = self._store(name).fetch(name)
                self._masker.add(value)
                self._values[name] = value
            return self._values[name]

    def _store(self, name: SecretName) -> SecretStore:
        store = self._stores.get(name.store)
        if store is None:
            raise SecretUnavailable(
                f"There is no secret store {name.store!r}",
                detail=f"${{secret:{name}}} names it. There are: {', '.join(sorted(self._stores))}.",
            )
        return store
