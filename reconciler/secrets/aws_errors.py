"""What AWS and botocore say, in our words: by code, never by text, which may hold a value.

Source: botocore, service models of secretsmanager and ssm; AWS, common errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.errors import SecretNotFound, SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.reference import SecretName
    from reconciler.secrets.aws_names import Target

LOGIN = "aws sts get-caller-identity   # or: aws sso login"


class Meaning(NamedTuple):
    """What went wrong, and the command that mends it: ``{id}``, ``{version}`` and ``{grant}`` are filled in."""

    summary: str
    mend: str = ""


_CREDENTIALS = Meaning("AWS does not accept the credentials of this machine", LOGIN)
_DENIED = Meaning(
    "the credentials lack {action}, or the use of the key it is encrypted with", "{grant}"
)
_BUSY = Meaning("AWS refuses more requests for now", "try again later")
_DOWN = Meaning("AWS failed", "try again later")
_UNREACHABLE = Meaning("AWS could not be reached", "check the network, the region and endpoint_url")
_KEY = Meaning("the KMS key that it is encrypted with cannot be used", "aws kms list-aliases")

_NO_PARAMETER = Meaning(
    "there is no such parameter",
    "aws ssm describe-parameters --parameter-filters Key=Name,Values={id}",
)

_MEANINGS: Mapping[str, Meaning] = {
    "AccessDeniedException": _DENIED,
    "AccessDenied": _DENIED,
    "DecryptionFailure": _KEY,
    "EncryptionFailure": _KEY,
    "InvalidKeyId": _KEY,
    "ExpiredTokenException": _CREDENTIALS,
    "IncompleteSignature": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
    "MissingAuthenticationToken": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "InvalidRequestException": Meaning(
        "the secret is to be deleted, or belongs to another service",
        "aws secretsmanager describe-secret --secret-id {id}\n"
        "aws secretsmanager restore-secret --secret-id {id}",
    ),
    "ParameterNotFound": _NO_PARAMETER,
    "ParameterVersionNotFound": Meaning(
        "version {version} does not exist",
        "aws ssm get-parameter-history --name {id} --query 'Parameters[].Version'",
    ),
    "HierarchyTypeMismatchException": Meaning(
        "the parameter has another type than SecureString, which cannot be changed",
        "aws ssm delete-parameter --name {id}   # then it is made anew",
    ),
    "ThrottlingException": _BUSY,
    "TooManyUpdates": _BUSY,
    "InternalServerError": _DOWN,
    "InternalServiceError": _DOWN,
    # botocore's own, which come before or instead of an answer
    "NoCredentialsError": Meaning("there are no AWS credentials on this machine", "aws configure"),
    "PartialCredentialsError": Meaning("the AWS credentials are incomplete", "aws configure"),
    "CredentialRetrievalError": _CREDENTIALS,
    "ProfileNotFound": Meaning("there is no such AWS profile", "aws configure list-profiles"),
    "NoRegionError": Meaning(
        "no AWS region is given",
        "secrets: {{stores: {{aws: {{region: eu-west-1}}}}}}   # in environment.yaml",
    ),
    "SSOTokenLoadError": Meaning("nobody is logged in", "aws sso login"),
    "UnauthorizedSSOTokenError": Meaning("the login has expired", "aws sso login"),
    "TokenRetrievalError": Meaning("the login has expired", "aws sso login"),
    "ConnectTimeoutError": _UNREACHABLE,
    "ReadTimeoutError": _UNREACHABLE,
    "EndpointConnectionError": _UNREACHABLE,
    "ConnectionClosedError": _UNREACHABLE,
    "ProxyConnectionError": _UNREACHABLE,
    "SSLError": _UNREACHABLE,
}

_NO_SECRET = Meaning(
    "there is no such secret, or it has no value yet",
    "aws secretsmanager create-secret --name {id}",
)
_NO_VERSION = Meaning(
    "there is no version or stage {version}, or no such secret",
    "aws secretsmanager list-secret-version-ids --secret-id {id}",
)


def explained(error: Exception, name: SecretName, target: Target, action: str) -> SecretUnavailable:
    """Return what ``error`` means for ``name``. ``action`` is that of a policy: ``ssm:GetParameter``."""
    code = code_of(error)
    if code == "ResourceNotFoundException":
        meaning = _NO_VERSION if name.version else _NO_SECRET
    else:
        meaning = _MEANINGS.get(code, Meaning("AWS refused the request"))
    filled = {
        "action": action,
        "grant": grant(action, target),
        "id": target.id,
        "version": name.version or "",
    }
    kind = SecretNotFound if meaning in {_NO_SECRET, _NO_PARAMETER} else SecretUnavailable
    return kind(
        f"{name}: {meaning.summary.format_map(filled)}",
        detail=f"{action}: {code}.",
        mend=meaning.mend.format_map(filled),
    )


def code_of(error: Exception) -> str:
    """Return AWS's code for an error that it answered; else the type of botocore's."""
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    code = details.get("Code") if isinstance(details, dict) else None
    return code if isinstance(code, str) and code.isalnum() else type(error).__name__


def grant(action: str, target: Target) -> str:
    """Return the statement of a policy that allows ``action`` on this one object."""
    return f'{{"Effect": "Allow", "Action": "{action}", "Resource": "{target.arn}"}}'
