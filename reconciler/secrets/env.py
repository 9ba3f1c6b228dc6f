"""Secrets in environment variables of this process: ``${secret:env/NAME}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import SecretUnavailable
from reconciler.core.record import Record
from reconciler.secrets.store import Fetched, Right

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.store import Surroundings


class EnvSettings(Record):
    """Environment variables need no settings."""


class EnvSecrets:
    """Reads environment variables. Cannot keep anything."""

    settings_type = EnvSettings
    may_keep = False

    def __init__(self, settings: EnvSettings, surroundings: Surroundings) -> None:
        del settings
        self._environ = surroundings.environ

    def fetch(self, name: SecretName) -> Fetched:
        """Return the value. Raises SecretUnavailable when it is not set, empty, or a version is asked for."""
        if name.version is not None:
            raise SecretUnavailable(
                f"{name}: environment variables have no versions",
                mend=f"${{secret:env/{name.name}}}",
            )
        value = self._environ.get(name.name, "")
        if not value:
            raise SecretUnavailable(
                f"The environment variable {name.name} is not set",
                detail=f"${{secret:{name}}} needs it.",
                mend=f"export {name.name}=…",
            )
        return Fetched(value)

    def keep(self, name: SecretName, value: str) -> str | None:
        """Refuse: a process cannot change the environment it came from."""
        del value
        raise SecretUnavailable(
            f"{name}: an environment variable cannot keep a captured value",
            mend="capture into a store that can be written, such as ${secret:file/NAME}",
        )

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Nothing but the variable itself is needed."""
        del writes
        return (Right("set", f"the environment variable {name.name}", f"export {name.name}=…"),)
