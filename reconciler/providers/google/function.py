"""Cloud Functions of both generations: https://cloud.google.com/functions/docs/reference/rest."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - class variables
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import Computed, Immutable, Key, Merged, Normalise, Unordered
from reconciler.core.change import Action, Change
from reconciler.core.resource import Capability, Expanded, Resource, Rights
from reconciler.core.secret import is_settled
from reconciler.providers.google.function_names import (
    is_label_of_tools,
    is_name,
    is_reserved,
    is_secret,
)
from reconciler.providers.google.function_rows import mebibytes
from reconciler.providers.google.function_steps import by_hand, updating
from reconciler.providers.google.located import Location

if TYPE_CHECKING:
    from reconciler.core.secret import Json

MOST_BYTES: Final = 32 * 1024
"""Of all variables together. Source: https://cloud.google.com/functions/quotas."""

Member = Annotated[
    str,
    StringConstraints(
        pattern=r"^(public|allUsers|allAuthenticatedUsers|(user|group|domain|serviceAccount|principal|principalSet):.+)$"
    ),
]
SecretVersion = Annotated[
    str,
    StringConstraints(pattern=r"^(projects/[^/]+/secrets/)?[A-Za-z0-9_-]+@([1-9][0-9]*|latest)$"),
]


@dataclass(frozen=True, slots=True)
class Memory(Normalise):
    """``256M``, ``256Mi`` and ``0.25Gi`` are the same memory."""

    form: ClassVar[str] = "memory"

    def normal(self, value: Json) -> Json:
        size = mebibytes(value) if isinstance(value, str) else None
        return value if size is None else f"{size:g}Mi"


@dataclass(frozen=True, slots=True)
class DefaultAccount(Normalise):
    """The account that Google gives a function which names none is the same as none."""

    form: ClassVar[str] = "default-account"

    def normal(self, value: Json) -> Json:
        defaults = ("@appspot.gserviceaccount.com", "-compute@developer.gserviceaccount.com")
        return None if isinstance(value, str) and value.endswith(defaults) else value


class Function(Resource):
    """A Cloud Function: how it is built, what it is given, and who may call it. Its code comes by deployments.

    Variables that Google and deployment tools set, and those whose value looks like a secret, are neither compared
    nor stored, and stay as they are.
    """

    kind: ClassVar[str] = "gcp.function"
    capability: ClassVar[Capability] = Capability.MANAGED
    has_unique_keys: ClassVar[bool] = True
    # Source: Cloud Functions quotas: 80 writes in 100 s.
    writes_at_once: ClassVar[int] = 4
    rights: ClassVar[Rights] = Rights(
        read=(
            "cloudfunctions.functions.list",
            "cloudfunctions.functions.get",
            "cloudfunctions.functions.getIamPolicy",
            "cloudfunctions.runtimes.list",
            "run.services.getIamPolicy",
            "secretmanager.versions.get",
        ),
        write=(
            "cloudfunctions.functions.update",
            "cloudfunctions.functions.setIamPolicy",
            "cloudfunctions.operations.get",
            "run.services.get",
            "run.services.update",
            "run.services.setIamPolicy",
            "run.operations.get",
            "iam.serviceAccounts.actAs on the account that the function runs as",
        ),
        source="https://cloud.google.com/functions/docs/reference/iam/permissions",
    )

    function: Annotated[
        str,
        Key(),
        Immutable("another function is another resource"),
        StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"),
    ]
    """Its name, such as ``stripeWebhook``."""
    location: Annotated[Location, Key(), Immutable("a function stays where it was made")]
    """Such as ``europe-west1``."""
    generation: Annotated[
        Literal[1, 2], Immutable("a function changes its generation by a migration")
    ]
    """1 or 2."""
    runtime: Annotated[str, StringConstraints(pattern=r"^[a-z]+[0-9]+$")]
    """Such as ``nodejs22``."""
    entry_point: Annotated[str, Field(min_length=1)]
    """The function in the code."""
    environment: Annotated[dict[str, str], Merged()] = Field(default_factory=dict)
    """Variables, each a field of its own. No secrets: those go into ``secret_environment``."""
    secret_environment: Annotated[dict[str, SecretVersion], Merged()] = Field(default_factory=dict)
    """Variables with the secret and its version, ``stripe-key@4``; never the value. ``latest`` is no version to go
    back to.
    """
    memory: Annotated[
        str, Memory(), StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(M|Mi|G|Gi)$")
    ] = "256Mi"
    """Such as ``512Mi``."""
    timeout: Annotated[int, Field(ge=1, le=3600)] = 60
    """Seconds."""
    min_instances: Annotated[int, Field(ge=0)] = 0
    """How many are kept warm."""
    max_instances: Annotated[int, Field(ge=0)] = 100
    """How many there are at most; 0, in the first generation alone, is no limit."""
    ingress: Literal["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"] = "ALLOW_ALL"
    """From where it can be called."""
    service_account: Annotated[str | None, DefaultAccount(), Field(min_length=3)] = None
    """As whom it runs; Google's default account where it names none."""
    labels: Annotated[dict[str, str], Merged()] = Field(default_factory=dict)
    """Labels, each a field of its own."""
    source: str | None = None
    """The archive that it was built from, where Google tells. A snapshot holds it; a difference is a step for people.
    Leave it out of files.
    """
    invokers: Unordered[Member] = frozenset()
    """Who may call it: ``[public]`` (``allUsers``) is everybody, ``[]`` nobody but the project's own. For functions
    that are called, not triggered.
    """
    pinned: Annotated[bool | None, Computed()] = None
    """Whether requests stay where they go when it is deployed anew (see ``gcp.run_traffic``)."""

    @model_validator(mode="after")
    def _declares_what_is_its_own(self) -> Self:
        for name, value in self.environment.items() if is_settled(self.environment) else ():
            _refuse_name(name)
            if is_secret(value):
                raise ValueError(
                    f"environment: {name} looks like a secret: keep it in Secret Manager, and name it in"
                    " secret_environment"
                )
        for name in self.secret_environment:
            _refuse_name(name)
            if name in self.environment:
                raise ValueError(f"secret_environment: {name} is in environment as well")
        if (
            sum(len(f"{name}{value}".encode()) for name, value in self.environment.items())
            > MOST_BYTES
        ):
            raise ValueError("environment: Google takes 32 KiB at most")
        theirs = sorted(filter(is_label_of_tools, self.labels))
        if theirs:
            raise ValueError(f"labels: {theirs[0]} is kept by deployment tools")
        if self.generation != 1 and self.max_instances == 0:
            raise ValueError("max_instances: the second generation has a limit, of 100 by default")
        return self

    @classmethod
    def expand(cls, spec: dict[str, Json]) -> Expanded:
        """Write out ``public``, and warn of secrets that cannot be gone back to."""
        invokers = spec.get("invokers")
        if isinstance(invokers, list):
            named = ["allUsers" if one == "public" else one for one in invokers]
            spec = {**spec, "invokers": named}
        secrets = spec.get("secret_environment")
        floating = [
            f"{name} reads the newest version of its secret: a rollback cannot bring the older one back"
            for name, one in (secrets.items() if isinstance(secrets, dict) else ())
            if str(one).endswith("@latest")
        ]
        return Expanded(spec, tuple(floating))

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Leave to people what needs the code, count the calls, and say what an update takes and moves."""
        match change.action:
            case Action.CREATE | Action.REPLACE | Action.DELETE:
                return by_hand(change, {**live, **declared})
            case Action.UPDATE:
                return updating(change, declared, live)
            case _:
                return change


def _refuse_name(name: str) -> None:
    if not is_name(name):
        raise ValueError(f"environment: {name} is no name: capital letters, digits and _ alone")
    if is_reserved(name):
        raise ValueError(f"environment: {name} is set by Google or by deployment tools")
