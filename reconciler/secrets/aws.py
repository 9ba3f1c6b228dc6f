"""Secrets in AWS: ``${secret:aws/NAME}``, ``${secret:aws/NAME:key}`` and ``${secret:aws/ssm:/path/name}``.

Sends each reference to the service that it names; knows neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from reconciler.core.errors import SecretUnavailable
from reconciler.core.record import Record
from reconciler.secrets import refusals
from reconciler.secrets.aws_errors import grant
from reconciler.secrets.aws_names import target_of
from reconciler.secrets.aws_parameters import ParameterStore
from reconciler.secrets.aws_secrets_manager import SecretsManager
from reconciler.secrets.aws_session import AwsSession
from reconciler.secrets.store import Right

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName
    from reconciler.secrets.aws_names import Target
    from reconciler.secrets.store import Fetched, Surroundings


class AwsSettings(Record):
    """``secrets.stores.aws`` of an environment file."""

    region: str | None = Field(
        default=None,
        description="region of the secrets; without one, AWS_REGION or that of the profile. An ARN brings its own",
    )
    profile: str | None = Field(
        default=None, description="profile of the AWS command line; without one, the usual search"
    )
    endpoint_url: str | None = Field(
        default=None, description="a sandbox or private endpoint instead of AWS's own"
    )


class AwsSecrets:
    """Reads and writes secrets of Secrets Manager and parameters of Parameter Store."""

    settings_type = AwsSettings

    def __init__(self, settings: AwsSettings, surroundings: Surroundings) -> None:
        session = AwsSession(
            region=settings.region, profile=settings.profile, endpoint_url=settings.endpoint_url
        )
        self._masker = surroundings.masker
        self._secrets = SecretsManager(session)
        self._parameters = ParameterStore(session)

    def fetch(self, name: SecretName) -> Fetched:
        """Return value and version: the id of a secret's, the number of a parameter's. Raises SecretUnavailable."""
        target = target_of(name)
        fetched = self._service(target).fetch(name, target)
        if not fetched.value:
            raise refusals.empty(name)
        return fetched

    def newest(self, name: SecretName) -> str | None:
        """Return the version that ``name`` stands for, without its value; ``None`` for a secret without any."""
        target = target_of(name)
        return self._service(target).newest(name, target)

    def keep(self, name: SecretName, value: str) -> str | None:
        """Add a version and return it. Raises SecretUnavailable, also when there is no such secret."""
        if name.version is not None:
            raise refusals.fixed_version(name)
        if not value:
            raise refusals.nothing_to_keep(name)
        self._masker.add(value)
        target = target_of(name)
        return self._service(target).keep(name, target, value)

    def retire(self, name: SecretName) -> None:
        """Let a version of a secret go. Raises SecretUnavailable, for a parameter always."""
        target = target_of(name)
        if target.service == "ssm":
            raise SecretUnavailable(
                f"{name}: Parameter Store cannot retire a version",
                detail="It keeps the last 100 versions of a parameter, and lets the oldest go by itself.",
            )
        self._secrets.retire(name, target)

    def rights(self, name: SecretName, *, writes: bool) -> tuple[Right, ...]:
        """Return the actions on this one object; a customer's own KMS key needs kms:Decrypt besides."""
        target = target_of(name)
        return tuple(
            Right(action, target.id, grant(action, target))
            for action in _actions(name, target, writes=writes)
        )

    def _service(self, target: Target) -> SecretsManager | ParameterStore:
        return self._parameters if target.service == "ssm" else self._secrets


def _actions(name: SecretName, target: Target, *, writes: bool) -> list[str]:
    """Return what is asked for to read ``name``, to tell its newest version, and to write it."""
    if target.service == "ssm":
        return ["ssm:GetParameter", *(["ssm:PutParameter"] if writes else [])]
    actions = ["GetSecretValue"]
    if name.version is None:
        actions.append("DescribeSecret")
    if writes:
        actions.append("PutSecretValue")
    if writes and target.key is not None:
        actions.append("UpdateSecretVersionStage")
    return [f"secretsmanager:{action}" for action in actions]
