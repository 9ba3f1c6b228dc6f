"""``environment.yaml``: accounts, variables, policy and checks of one environment."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from reconciler.core.agreement import Invariant
from reconciler.core.guard import Policy
from reconciler.core.record import Record
from reconciler.core.storing import StoreSettings

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]

Seconds = Annotated[
    str,
    StringConstraints(pattern=r"^(0*[1-9][0-9]*(\.[0-9]+)?|0+\.0*[1-9][0-9]*)(ms|s)$"),
    Field(examples=["5s"]),
]
"""A time above zero, such as ``5s`` or ``500ms``."""

Url = Annotated[
    str,
    StringConstraints(pattern=r"^(https?://[^\s/]|\$\{)"),
    Field(examples=["https://shop.example/health"]),
]
"""An absolute address. In a file it may begin with a reference."""

Host = Annotated[
    str, StringConstraints(pattern=r"^[^\s/]+$", max_length=253), Field(examples=["shop.example"])
]


def _number(value: object) -> object:
    """Refuse what pydantic would turn into a number, and the schema would not."""
    if isinstance(value, bool | str):
        raise ValueError("a whole number is needed")  # noqa: TRY004 - pydantic turns a ValueError into its own
    return value


# The bounds stand first: pydantic leaves those after a validator out of the schema.
Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(_number)]
Status = Annotated[int, Field(ge=100, le=599), BeforeValidator(_number)]
Days = Annotated[int, Field(ge=0, le=3650), BeforeValidator(_number)]


class JsonValue(Record):
    """A value that a JSON body must have at one place."""

    path: str = Field(
        pattern=r"^(\$|(\$\.)?[^\s$.\[\]]+)(\.[^\s$.\[\]]+|\[[0-9]+\])*$",
        examples=["$.status"],
        description="keys and list positions: $.status, payments.stripe, $.regions[0].name; $ is the whole body",
    )
    equals: Any = Field(description="compared with its type: 1, true and '1' differ")


class HttpCheck(Record):
    """One request whose answer shows that something works. Redirects are not followed."""

    url: Url = Field(description="an absolute address; may use ${var:…}")
    expect_status: Status = 200
    timeout: Seconds = Field(default="5s", description="such as 5s or 500ms")
    body: JsonValue | None = Field(
        default=None, alias="json", description="what the JSON body must say"
    )
    max_latency: Seconds | None = Field(
        default=None, description="a slower answer fails; such as 2s"
    )


class TcpCheck(Record):
    """One connection that must be accepted."""

    host: Host
    port: Port
    timeout: Seconds = Field(default="5s", description="such as 5s or 500ms")


class TlsCheck(Record):
    """A certificate that must be valid for its host, and stay so for a while."""

    host: Host
    port: Port = 443
    min_days: Days = Field(default=14, description="fewer days until it expires fail")
    timeout: Seconds = Field(default="5s", description="such as 5s or 500ms")
    ca_file: str | None = Field(
        default=None,
        min_length=1,
        description="PEM certificates to trust instead of the system's; relative to the working folder",
    )


class WebhookCheck(Record):
    """Test events for the handler of a Stripe endpoint: signed rightly, wrongly, and too long ago.

    The first must be answered with 2xx, the others with 4xx. Their type is ``reconciler.probe``, so that a handler
    which trusts them has nothing to do.
    """

    endpoint: str = Field(
        pattern=r"^stripe\.webhook_endpoint/[A-Za-z0-9][A-Za-z0-9_.-]*$",
        examples=["stripe.webhook_endpoint/payments"],
        description="the resource whose url is asked",
    )
    secret: str = Field(
        pattern=r"^\$\{secret:[^{}]+\}$",
        description="a ${secret:…} reference to the endpoint's signing secret",
        json_schema_extra={"x-secret": True},
    )
    url: Url | None = Field(
        default=None, description="asked instead of the endpoint's url: https, or on this machine"
    )
    timeout: Seconds = Field(default="5s", description="for each event; such as 5s or 500ms")


AnyCheck: TypeAlias = HttpCheck | TcpCheck | TlsCheck | WebhookCheck

SORTS: Final = ("http", "tcp", "tls", "webhook")
"""What a check may be: the key that says it."""


def _exactly_one(schema: dict[str, Any]) -> None:
    """Write into the schema of a check that it has one of ``SORTS``, in words that help when it has not."""
    properties = schema["properties"]
    for sort in SORTS:
        properties[sort].pop("default", None)
    described = {"description": f"what is checked; it may be {', '.join(SORTS[1:])} instead"}
    schema["anyOf"] = [
        {"properties": {sort: described}, "required": [sort]}
        if sort == SORTS[0]
        else {"required": [sort]}
        for sort in SORTS
    ]
    only: dict[str, Any] | None = None
    for sort in reversed(SORTS):
        alone = {"properties": {"name": {}, sort: {}}, "additionalProperties": False}
        branch: dict[str, Any] = {"if": {"required": [sort]}, "then": alone}
        only = branch if only is None else {**branch, "else": only}
    schema |= only or {}


class Check(Record):
    """Evidence that the environment works: a name, and one thing to look at."""

    model_config = ConfigDict(json_schema_extra=_exactly_one)

    name: str = Field(min_length=1, max_length=200)
    http: HttpCheck | SkipJsonSchema[None] = None
    tcp: TcpCheck | SkipJsonSchema[None] = None
    tls: TlsCheck | SkipJsonSchema[None] = None
    webhook: WebhookCheck | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _has_exactly_one(self) -> Self:
        if len(self.model_fields_set - {"name"}) != 1 or len(self._given) != 1:
            raise ValueError(f"a check has exactly one of {', '.join(SORTS)}")
        return self

    @property
    def what(self) -> AnyCheck:
        """Return what is looked at."""
        return self._given[0]

    @property
    def _given(self) -> tuple[AnyCheck, ...]:
        every = (self.http, self.tcp, self.tls, self.webhook)
        return tuple(one for one in every if one is not None)


SecretReference = Annotated[
    str,
    StringConstraints(pattern=r"^\$\{secret:[^{}]+\}$"),
    Field(examples=["${secret:env/NAME}"]),
]
"""One ``${secret:…}`` and nothing else."""

Recipient = Annotated[
    str,
    StringConstraints(pattern=r"^(age1[a-z0-9]+|ssh-(ed25519|rsa) \S.*)$"),
    Field(examples=["age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"]),
]
"""A public key of age, or an SSH one that age can use."""


class Secrets(Record):
    """How secrets are compared, and where their stores are."""

    fingerprint_key: SecretReference | None = Field(
        default=None,
        description="the key of the fingerprints in snapshots, at least 16 characters, the same for everybody who"
        " works with them; without one, each working folder makes its own",
        json_schema_extra={"x-secret": True},
    )
    stores: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="settings of secret stores, by the store's name"
    )


class Sealing(Record):
    """Keep values that exist nowhere else inside snapshots, encrypted with age, so that rollback can restore them."""

    recipients: tuple[Recipient, ...] = Field(
        min_length=1,
        description="public keys; whoever has the identity of one can open the values",
        # They are no secrets. Somebody who gives a private key by mistake must not see it in a message.
        json_schema_extra={"x-secret": True},
    )


class Environment(Record):
    """Accounts, variables, policy and checks: one file per environment."""

    environment: Name = Field(description="the name of the folder")
    protected: StrictBool = Field(
        default=False,
        description="apply asks for the environment's name before it changes anything",
    )
    extends: tuple[Name, ...] = Field(
        default=(),
        description="folders beside this one whose resources come first; resources here are laid over them",
    )
    vars: dict[Name, Any] = Field(default_factory=dict, description="values for ${var:…}")
    providers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="the accounts, by vendor"
    )
    policy: Policy = Policy()
    secrets: Secrets = Secrets()
    seal: Sealing | SkipJsonSchema[None] = None
    store: StoreSettings = StoreSettings()
    invariants: tuple[Invariant, ...] = Field(
        default=(), description="what must hold between resources, besides what is built in"
    )
    checks: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _can_check_what_is_sealed(self) -> Self:
        if self.seal is not None and self.secrets.fingerprint_key is None:
            raise ValueError(
                "seal: needs secrets.fingerprint_key, so that a sealed value that was exchanged is noticed"
            )
        return self
