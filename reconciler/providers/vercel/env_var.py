"""Vercel environment variables: https://vercel.com/docs/rest-api/projects/retrieve-the-environment-variables."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence  # noqa: TC003 - class variables
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.core.behaviour import EmptyIsNone, Immutable, Key, Secret, Unordered, WriteOnly
from reconciler.core.change import Action, Change
from reconciler.core.errors import Conflict, PartialRead, ReconcilerError, Unavailable, VendorError
from reconciler.core.ports import Created, New, Update
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.state import Observed

if TYPE_CHECKING:
    from reconciler.core.secret import Json
    from reconciler.providers.vercel.account import VercelAccount

Target = Literal["production", "preview", "development"]

_NAMES = {"git_branch": "gitBranch", "custom_environments": "customEnvironmentIds"}
"""Our field names, and Vercel's."""


def _same_sensitivity(before: Json, after: Json) -> bool:
    """Only the step to or from ``sensitive`` needs a new record. Source: vercel/terraform-provider-vercel."""
    return "sensitive" not in {before, after}


class EnvVar(Resource):
    """One environment variable of a project, in one or more of its environments.

    Variables are baked into deployments: a change takes effect with the next one.
    """

    kind: ClassVar[str] = "vercel.env_var"
    capability: ClassVar[Capability] = Capability.MANAGED
    creates_per_call: ClassVar[int] = 100
    # Source: Vercel REST API, batch remove environment variables: 1 to 1000 ids.
    deletes_per_call: ClassVar[int] = 1000
    replaces_by_deleting_first: ClassVar[bool] = True
    has_unique_keys: ClassVar[bool] = True
    # Production variables are hidden from narrower roles, and a list that hides some is not planned from.
    rights: ClassVar[Rights] = Rights(
        read=("team role Member, or project role Project Administrator",),
        write=("team role Member, or project role Project Administrator",),
        source="https://vercel.com/docs/rbac/access-roles",
    )

    key: Annotated[
        str,
        Key(),
        Immutable("the name of the variable"),
        StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256),
    ]
    """The variable's name."""
    target: Annotated[Unordered[Target], Key()] = frozenset()
    """The environments that see it. Needed unless ``custom_environments`` is given."""
    custom_environments: Annotated[Unordered[str], Key()] = frozenset()
    """Ids (``env_…``) of custom environments that see it."""
    git_branch: Annotated[str | None, Key(), Field(min_length=1, max_length=250)] = None
    """Only for this branch; with ``target: [preview]``."""
    type: Annotated[
        Literal["plain", "encrypted", "sensitive"],
        Immutable(
            "a sensitive variable is another record than one that can be read", _same_sensitivity
        ),
    ] = "encrypted"
    """``sensitive`` values can never be read back; ``plain`` ones are no secret."""
    value: Annotated[
        str,
        Secret(unless=("type", "plain"), revealed_for=("type", "encrypted")),
        WriteOnly(unless=("type", "plain"), signal="updated_at"),
        Field(repr=False),
    ]
    """A ``${secret:…}`` reference, unless ``type: plain``."""
    comment: Annotated[str | None, EmptyIsNone(), Field(max_length=500)] = None
    """A note for people."""

    @model_validator(mode="after")
    def _has_a_consistent_place(self) -> Self:
        if not self.target and not self.custom_environments:
            raise ValueError("target: at least one of production, preview, development is needed")
        if self.git_branch is not None and self.target != frozenset({"preview"}):
            raise ValueError("git_branch: a branch needs target: [preview]")
        if self.type == "sensitive" and "development" in self.target:
            raise ValueError("type: a sensitive variable cannot have the target development")
        return self

    @classmethod
    def natural_keys(cls, values: Mapping[str, Json]) -> tuple[Hashable, ...]:
        """Two records with one name, one branch and a common environment are the same variable."""
        places = [*(values.get("target") or ()), *(values.get("custom_environments") or ())]
        return tuple((values.get("key"), values.get("git_branch"), place) for place in places)

    @classmethod
    def remaining(
        cls, declared: Mapping[str, Json], observed: Mapping[str, Json]
    ) -> dict[str, Json] | None:
        """A record that serves further environments keeps them when one is declared absent."""
        left = {
            name: sorted(set(observed.get(name) or ()) - set(declared.get(name) or ()))
            for name in ("target", "custom_environments")
        }
        if not any(left.values()):
            return None
        return {name: value for name, value in left.items() if value != (observed.get(name) or [])}

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """Say when the change takes effect."""
        del declared, live
        if change.action is Action.MANUAL:
            return change
        note = "takes effect with the next deployment"
        return change.model_copy(update={"notes": (*change.notes, note)})


class EnvVars:
    """Reads and writes the environment variables of one project."""

    resource_type = EnvVar

    def __init__(self, account: VercelAccount) -> None:
        self._account = account
        self._project = f"projects/{account.project}"

    def observe(self) -> Iterator[Observed]:
        """Yield every variable. Values of secret types are never asked for.

        Raises PartialRead when Vercel says that it hides some of them.
        """
        for row in self._rows():
            yield _observed(row)

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Return those variables that exist. One list: reading a single one would decrypt it."""
        wanted = set(remote_ids)
        return {row["id"]: _observed(row) for row in self._rows() if row["id"] in wanted}

    def reveal(self, remote_id: str) -> Mapping[str, str]:
        """Return the value of a variable, decrypted; nothing of a sensitive one, which Vercel never shows.

        Source: Vercel REST API, retrieve the decrypted value of an environment variable.
        """
        row = self._account.http.request_json(
            "GET", f"/v1/{self._project}/env/{remote_id}", params=self._account.scope
        )
        value = row.get("value")
        is_shown = isinstance(value, str) and row.get("decrypted") is not False
        return {"value": value} if is_shown and row.get("type") != "sensitive" else {}

    def create(self, new: New) -> Created:
        made = self.create_many([new])[0]
        if isinstance(made, ReconcilerError):
            raise made
        return made

    def create_many(self, new: Sequence[New]) -> Sequence[Created | ReconcilerError]:
        """Make variables in one call. The 201 lists those that failed beside those that were made."""
        rows = [_row(EnvVar.settled(item.values)) for item in new]
        answer = self._account.http.request_json(
            "POST", f"/v10/{self._project}/env", params=self._account.scope, json=rows
        )
        created = answer.get("created") or []
        made = created if isinstance(created, list) else [created]
        ids = {_identity(row): row["id"] for row in made}
        failed = answer.get("failed") or []
        return [
            Created(ids[_identity(row)]) if _identity(row) in ids else _failure(row, failed)
            for row in rows
        ]

    def update(self, update: Update) -> None:
        """PATCH by id, changed fields only. A null comment is cleared with the empty string."""
        body = _named(update.fields)
        if "comment" in body:
            body["comment"] = body["comment"] or ""
        self._account.http.request(
            "PATCH",
            f"/v9/{self._project}/env/{update.live.remote_id}",
            params=self._account.scope,
            json=body,
            idempotent=True,
        )

    def delete(self, remote_id: str) -> None:
        self.delete_many([remote_id])

    def delete_many(self, remote_ids: Sequence[str]) -> None:
        """Remove variables in one call; ids that are gone are no error."""
        self._account.http.request(
            "DELETE",
            f"/v1/{self._project}/env",
            params=self._account.scope,
            json={"ids": list(remote_ids)},
            idempotent=True,
        )

    def _rows(self) -> Iterator[Mapping[str, Json]]:
        """Yield the rows of all pages."""
        until: int | str | None = None
        while True:
            page = self._account.http.request_json(
                "GET",
                f"/v10/{self._project}/env",
                params={**self._account.scope, **({} if until is None else {"until": until})},
            )
            hidden = page.get("hiddenProductionEnvCount") or 0
            if hidden:
                raise PartialRead(
                    f"Vercel hides {hidden} production variables from this token",
                    detail="What is hidden is unknown, not absent: no plan is made for environment variables.",
                    mend="use a token of a member who may see production variables",
                )
            yield from page["envs"]
            following = (page.get("pagination") or {}).get("next")
            if following is None:
                return
            if following == until:
                raise PartialRead(
                    "Vercel's list of variables does not advance",
                    detail=f"The page after {until} points to itself; what follows is unknown.",
                )
            until = following


def _observed(row: Mapping[str, Json]) -> Observed:
    known = {
        "key": row["key"],
        "target": [row["target"]]
        if isinstance(row.get("target"), str)
        else row.get("target") or [],
        "custom_environments": row.get("customEnvironmentIds") or [],
        "git_branch": row.get("gitBranch"),
        "type": row.get("type"),
        "comment": row.get("comment") or None,
    }
    if row.get("type") == "plain":
        known["value"] = row.get("value")
    return Observed(
        remote_id=row["id"],
        values=EnvVar.observed(known),
        evidence={"updated_at": row.get("updatedAt"), "created_at": row.get("createdAt")},
        read_only=_managed_elsewhere(row),
    )


def _managed_elsewhere(row: Mapping[str, Json]) -> str | None:
    if row.get("configurationId"):
        return f"managed by the Vercel integration {row['configurationId']}"
    if row.get("system"):
        return "a system variable of Vercel"
    return None


def _row(desired: EnvVar) -> dict[str, Json]:
    """Return the body that makes a variable; ``type`` is always said."""
    values = {"type": desired.type, **desired.values()}
    return _named({name: value for name, value in values.items() if value not in (None, [])})


def _named(values: Mapping[str, Json]) -> dict[str, Json]:
    return {_NAMES.get(name, name): value for name, value in values.items()}


def _identity(row: Mapping[str, Json]) -> tuple[Json, ...]:
    target = row.get("target") or ()
    targets = (target,) if isinstance(target, str) else tuple(sorted(target))
    custom = tuple(sorted(row.get("customEnvironmentIds") or ()))
    return (row["key"], targets, custom, row.get("gitBranch") or None)


def _failure(row: Mapping[str, Json], failed: Sequence[Mapping[str, Json]]) -> VendorError:
    """Return what Vercel says of a row that it did not make."""
    for item in failed:
        error = item.get("error") or {}
        named = error.get("key") or error.get("envVarKey")
        if named not in {None, row["key"]}:
            continue
        target = error.get("target")
        if target and set(target if isinstance(target, list) else [target]).isdisjoint(
            row.get("target", ())
        ):
            continue
        code = str(error.get("code", ""))
        kind = (
            Conflict
            if code in {"ENV_CONFLICT", "ENV_ALREADY_EXISTS", "EXISTING_KEY_AND_TARGET"}
            else VendorError
        )
        return kind(
            f"Vercel did not make {row['key']}",
            vendor="vercel",
            status=201,
            code=code,
            detail=f"{error.get('message', 'no reason given')} ({code})",
        )
    return Unavailable(
        f"Vercel does not say what became of {row['key']}",
        vendor="vercel",
        status=201,
        detail="It is neither among the created variables nor among the failed ones.",
    )
