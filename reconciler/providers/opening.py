"""What a vendor account needs to be opened: credentials, connections, and whether it may write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.digest import digest_text
from reconciler.core.errors import InvalidInput
from reconciler.core.reference import Scheme, parse
from reconciler.wire.http import Connections, Credential, HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.core.masking import Masker
    from reconciler.core.ports import SecretSource
    from reconciler.wire.http import VendorProfile


class Gate:
    """What is asked right before each request that is no read, repeated ones included. Open by default."""

    def __init__(self) -> None:
        self.check: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        """Raise whatever ``check`` raises; nothing is sent then."""
        self.check()


class Opening:
    """Opens vendor accounts for reading only, or for writing too.

    Reading and writing clients of one account share connections and pace; all clients share one gate.
    """

    def __init__(
        self, secrets: SecretSource, masker: Masker, connections: Connections, *, writes: bool
    ) -> None:
        self._secrets = secrets
        self._masker = masker
        self._connections = connections
        self._writes = writes
        self.gate = Gate()

    def credential(self, reference: str) -> Credential:
        """Return the value behind ``reference``.

        Raises InvalidInput for a value that stands in the file itself, SecretUnavailable when there is none.
        """
        parts = parse(reference)
        if not any(not isinstance(part, str) and part.scheme is Scheme.SECRET for part in parts):
            raise InvalidInput(
                [
                    Diagnostic(
                        summary="A credential stands in the file",
                        detail="Credentials are never written down; a ${secret:…} reference says where they are.",
                        mend="api_key: ${secret:env/NAME}",
                    )
                ]
            )
        return Credential(self._secrets.resolve(reference), reference)

    def client(
        self,
        profile: VendorProfile,
        credential: Credential,
        *,
        account: str,
        base_url: str | None,
        headers: Mapping[str, str] | None = None,
        token: Callable[[], str] | None = None,
    ) -> HttpClient:
        """Return a client for ``account`` (any stable name; it is hashed); ``token`` as HttpClient has it."""
        connection = self._connections.of(profile, digest_text(account), base_url=base_url)
        return HttpClient(
            connection,
            credential=credential,
            masker=self._masker,
            writes=self._writes,
            before_write=self.gate,
            headers=headers,
            token=token,
        )
