"""Security rules of Firestore and Cloud Storage: https://firebase.google.com/docs/reference/rules/rest.

A ruleset is text that never changes; a release says which one is in force. Here only the text counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import Field, StringConstraints

from reconciler.core.behaviour import Immutable, Key, Normalise
from reconciler.core.change import Action, Change
from reconciler.core.errors import NotFound, VendorError
from reconciler.core.finding import Finding, Weight
from reconciler.core.resource import Capability, Resource, Rights
from reconciler.core.state import Observed
from reconciler.providers.google.answers import answered
from reconciler.providers.google.by_hand import left_to_people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.core.ports import Created, New, Update
    from reconciler.core.secret import Json
    from reconciler.providers.google.account import GoogleAccount

_WHY: Final = "rules of another database or bucket are another resource"


@dataclass(frozen=True, slots=True)
class Lines(Normalise):
    """Text by its lines: how they end, and empty ones at the end, mean nothing."""

    form: ClassVar[str] = "lines"

    def normal(self, value: Json) -> Json:
        return "\n".join(value.splitlines()).rstrip() if isinstance(value, str) else value


class Rules(Resource):
    """The security rules in force for a Firestore database or a bucket, as text."""

    kind: ClassVar[str] = "firebase.rules"
    capability: ClassVar[Capability] = Capability.UPDATE_ONLY
    has_unique_keys: ClassVar[bool] = True
    rights: ClassVar[Rights] = Rights(
        read=(
            "firebaserules.releases.list",
            "firebaserules.releases.get",
            "firebaserules.rulesets.get",
            "firebaserules.rulesets.test",
        ),
        write=(
            "firebaserules.releases.list",
            "firebaserules.releases.get",
            "firebaserules.releases.update",
            "firebaserules.rulesets.create",
            "firebaserules.rulesets.get",
        ),
        source="https://firebase.google.com/docs/projects/iam/permissions#rules",
    )

    release: Annotated[
        str, Key(), Immutable(_WHY), StringConstraints(pattern=r"^[a-z.]+(/[A-Za-z0-9._()-]+)?$")
    ]
    """``cloud.firestore``, ``cloud.firestore/DATABASE`` or ``firebase.storage/BUCKET``."""
    source: Annotated[str, Lines(), Field(min_length=1, max_length=256 * 1024)]
    """The whole text, beginning with ``rules_version``."""

    @classmethod
    def review(
        cls, change: Change, *, declared: Mapping[str, Json], live: Mapping[str, Json]
    ) -> Change:
        """A new text is a new ruleset, and then its release."""
        del declared
        if change.action is Action.REPLACE:
            return left_to_people(
                change, _WHY, f"declare {live.get('release')} by a name of its own"
            )
        if change.action is not Action.UPDATE:
            return change
        note = "in force everywhere after some minutes; listeners that are open keep what they have"
        return change.model_copy(update={"calls": 2, "notes": (*change.notes, note)})


class RulesReleases:
    """Reads which rules are in force, and releases others."""

    resource_type = Rules

    def __init__(self, account: GoogleAccount) -> None:
        self._api, self._account = account.api("rules"), account
        self._project = f"projects/{account.project}"

    def observe(self) -> Iterator[Observed]:
        """Yield the rules of every release. One request per 100 releases, and one per ruleset."""
        rulesets: dict[str, Mapping[str, Any]] = {}
        path = f"/v1/{self._project}/releases"
        for row in self._api.rows(path, "releases", {"pageSize": 100}):
            name = row["rulesetName"]
            if name not in rulesets:
                rulesets[name] = self._api.get(f"/v1/{self._account.canonical(name)}")
            yield self._observed(row, rulesets[name])

    def read(self, remote_ids: Sequence[str]) -> Mapping[str, Observed]:
        """Ask for each release by its whole name: ``cloud.firestore`` is no prefix of ``cloud.firestore/x`` here."""
        found = {}
        for remote_id in remote_ids:
            try:
                row = self._api.get(f"/v1/{remote_id}")
            except NotFound:
                continue
            ruleset = self._api.get(f"/v1/{self._account.canonical(row['rulesetName'])}")
            found[remote_id] = self._observed(row, ruleset)
        return found

    def inspect(self, changes: Sequence[Change]) -> Iterator[Finding]:
        """Have Firebase compile the text. One request for each change; nothing is kept of it."""
        for change in changes:
            text = change.after().get("source")
            if not isinstance(text, str):
                continue
            body = {"source": _source(change.remote_id or "", text)}
            told = self._api.post(f"/v1/{self._project}:test", body, idempotent=True)
            for issue in told.get("issues") or ():
                is_error = issue.get("severity") == "ERROR"
                at = issue.get("sourcePosition") or {}
                yield Finding(
                    weight=Weight.REFUSAL if is_error else Weight.WARNING,
                    rule="rules_text",
                    message=f"line {at.get('line', 1)}: {issue.get('description', 'no reason given')}",
                    address=change.address,
                    remedy="correct the text",
                )

    def create(self, new: New) -> Created:
        """The first rules of a database or bucket come with it."""
        raise VendorError(f"{new.marker}: a release of rules is not made here", vendor="firebase")

    def delete(self, remote_id: str) -> None:
        """Without rules nobody gets in, or everybody does."""
        raise VendorError(f"{remote_id}: rules are never deleted", vendor="firebase")

    def update(self, update: Update) -> None:
        """Make a ruleset of the text, which may be gone by now if there was one, and release it.

        The body holds ``release``, and there is no mask in the query. Source: Rules API v1, UpdateReleaseRequest.
        """
        remote_id = update.live.remote_id
        body = {"source": _source(remote_id, update.fields["source"])}
        made = self._api.post(f"/v1/{self._project}/rulesets", body, idempotent=True)
        release = {"name": remote_id, "rulesetName": self._account.canonical(made["name"])}
        answered(self._api, "PATCH", f"/v1/{remote_id}", json={"release": release}, idempotent=True)

    def _observed(self, row: Mapping[str, Any], ruleset: Mapping[str, Any]) -> Observed:
        name = self._account.canonical(row["name"])
        files = (ruleset.get("source") or {}).get("files") or [{}]
        return Observed(
            remote_id=name,
            values={
                "release": name.partition("/releases/")[2],
                "source": files[0].get("content", ""),
            },
            evidence={
                "ruleset": row["rulesetName"].rpartition("/")[2],
                "released_at": row.get("updateTime"),
                "files": [one.get("name") for one in files],
            },
            read_only="its rules are in several files: not changed here"
            if len(files) > 1
            else None,
        )


def _source(remote_id: str, text: str) -> dict[str, Json]:
    name = "storage.rules" if "/releases/firebase.storage" in remote_id else "firestore.rules"
    return {"files": [{"name": name, "content": text}]}
