"""Secrets in environment variables of this process: ``${secret:env/NAME}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.reference import SecretName


class EnvSecrets:
    """Reads environment variables. Cannot keep anything."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def fetch(self, name: SecretName) -> str:
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
        return value

    def keep(self, name: SecretName, value: str) -> None:
        """Refuse: a process cannot change the environment it came from."""
        del value
        raise SecretUnavailable(
            f"{name}: an environment variable cannot keep a captured value",
            mend="capture into a store that can be written, such as ${secret:file/NAME}",
        )
