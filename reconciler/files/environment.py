"""``environment.yaml``: accounts, variables, policy and checks of one environment."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from reconciler.core.guard import Policy
from reconciler.core.record import Record

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]


class HttpCheck(Record):
    """One request whose answer shows that something works."""

    url: str = Field(description="an absolute address; may use ${var:…}")
    expect_status: int = Field(default=200, ge=100, le=599)
    timeout: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?s$")] = Field(
        default="5s", description="seconds, such as 5s"
    )


class Check(Record):
    """Evidence that the environment works."""

    name: str = Field(min_length=1)
    http: HttpCheck


class Environment(Record):
    """Accounts, variables, policy and checks: one file per environment."""

    environment: Name = Field(description="the name of the folder")
    protected: bool = Field(
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
    checks: tuple[Check, ...] = ()
