"""One parameter of AWS Systems Manager Parameter Store. Source: SSM API, GetParameter and PutParameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.secrets.store import Fetched

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.aws_names import Target
    from reconciler.secrets.aws_session import AwsSession


class ParameterStore:
    """Reads versions of parameters and adds them. Its versions cannot be retired."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def fetch(self, name: SecretName, target: Target) -> Fetched:
        """Return value and version number."""
        found = self._read(name, target, decrypted=True)
        return Fetched(str(found["Value"]), str(found["Version"]))

    def newest(self, name: SecretName, target: Target) -> str:
        """Return the number of the version that ``name`` stands for; the value stays encrypted."""
        return str(self._read(name, target, decrypted=False)["Version"])

    def keep(self, name: SecretName, target: Target, value: str) -> str:
        """Add a version, or the parameter itself, and return the version's number."""
        with self._session.client(name, target, "ssm:PutParameter") as client:
            answer = client.put_parameter(
                Name=target.id, Value=value, Type="SecureString", Overwrite=True
            )
        return str(answer["Version"])

    def _read(self, name: SecretName, target: Target, *, decrypted: bool) -> dict[str, Any]:
        chosen = f"{target.id}:{name.version}" if name.version else target.id
        with self._session.client(name, target, "ssm:GetParameter") as client:
            answer = client.get_parameter(Name=chosen, WithDecryption=decrypted)
        found: dict[str, Any] = answer["Parameter"]
        return found
