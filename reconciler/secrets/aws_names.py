"""What a name of the store ``aws`` means: a secret, a key of a JSON secret, or a parameter. Asks nobody.

Source: Secrets Manager, CreateSecret (Name); Systems Manager, GetParameter (Name).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import SecretUnavailable

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName

_ID = r"[A-Za-z0-9/_+=.-]+"
_SECRET = re.compile(rf"(?!ssm:|arn:)(?P<id>{_ID})(?::(?P<key>.+))?\Z")
_SECRET_ARN = re.compile(
    rf"(?P<id>arn:[a-z-]+:secretsmanager:(?P<region>[a-z0-9-]+):[0-9]+:secret:{_ID})(?::(?P<key>.+))?\Z"
)
_PARAMETER = re.compile(r"ssm:(?P<id>[A-Za-z0-9/_.-]+)\Z")
_PARAMETER_ARN = re.compile(
    r"(?P<id>arn:[a-z-]+:ssm:(?P<region>[a-z0-9-]+):[0-9]+:parameter/[A-Za-z0-9/_.-]+)\Z"
)


class Target(NamedTuple):
    """Where a value is: ``service`` is boto3's name, ``region`` that of an ARN, ``key`` one of a JSON secret."""

    service: str
    id: str
    region: str | None = None
    key: str | None = None

    @property
    def arn(self) -> str:
        """Return what a policy names."""
        if self.id.startswith("arn:"):
            return self.id
        if self.service == "ssm":
            return f"arn:aws:ssm:REGION:ACCOUNT:parameter/{self.id.removeprefix('/')}"
        return f"arn:aws:secretsmanager:REGION:ACCOUNT:secret:{self.id}-??????"


def target_of(name: SecretName) -> Target:
    """Return what ``name`` stands for. Raises SecretUnavailable."""
    for service, form in (
        ("secretsmanager", _SECRET_ARN),
        ("ssm", _PARAMETER_ARN),
        ("ssm", _PARAMETER),
        ("secretsmanager", _SECRET),
    ):
        if found := form.match(name.name):
            parts = found.groupdict()
            return Target(service, parts["id"], parts.get("region"), parts.get("key"))
    raise SecretUnavailable(
        f"{name} names neither a secret nor a parameter of AWS",
        detail="A secret's name is of letters, digits and /_+=.-, a parameter's of letters, digits and /_.-",
        mend="${secret:aws/NAME}, ${secret:aws/NAME:key}, ${secret:aws/ssm:/path/name}, or an ARN of either",
    )
