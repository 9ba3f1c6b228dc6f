"""One secret of AWS Secrets Manager, or one key of a JSON secret. Never deletes a version.

Source: Secrets Manager API, GetSecretValue, PutSecretValue, UpdateSecretVersionStage.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import SecretUnavailable
from reconciler.secrets import refusals
from reconciler.secrets.store import Fetched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.reference import SecretName
    from reconciler.secrets.aws_names import Target
    from reconciler.secrets.aws_session import AwsSession

CURRENT = "AWSCURRENT"
OURS = "RECONCILER"
"""The stage of a version that was written to become the current one."""

ATTEMPTS = 3
"""How often a write to one key is tried when others write at the same time."""

SHORTEST_ID = 32
"""Characters of a version's id at least. Source: PutSecretValue, ClientRequestToken."""


class SecretsManager:
    """Reads versions of secrets, adds them, and takes their stages away. Thread-safe."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self._writing = threading.Lock()

    def fetch(self, name: SecretName, target: Target) -> Fetched:
        """Return value and version id."""
        text, version = self._read(name, target, _wanted(name.version))
        if target.key is None:
            return Fetched(text, version)
        keys = _keys(text, name, target)
        if target.key not in keys:
            raise SecretUnavailable(
                f"{name}: the secret has no key {target.key}",
                detail=f"It has: {', '.join(sorted(keys)) or 'none'}.",
                mend=_editing(target),
            )
        value = keys[target.key]
        if not isinstance(value, str):
            raise refusals.not_text(
                name, f"Under {target.key} is no JSON string.", _editing(target)
            )
        return Fetched(value, version)

    def newest(self, name: SecretName, target: Target) -> str | None:
        """Return the id of the version that ``name`` stands for, without any value."""
        stages = self._stages(name, target)
        wanted = name.version or CURRENT
        if wanted in stages:
            return wanted
        found = next((version for version, held in stages.items() if wanted in held), None)
        if found is None and name.version is not None:
            raise SecretUnavailable(
                f"{name}: there is no version or stage {wanted}",
                mend=f"aws secretsmanager list-secret-version-ids --secret-id {target.id}",
            )
        return found

    def keep(self, name: SecretName, target: Target, value: str) -> str:
        """Add a version, which becomes the current one, and return its id."""
        if target.key is None:
            return self._put(name, target, value)
        with self._writing:
            for _ in range(ATTEMPTS):
                version = self._keep_key(name, target, target.key, value)
                if version is not None:
                    return version
        raise SecretUnavailable(
            f"{name}: others write to this secret at the same time",
            detail="Nothing of theirs was overwritten, and the value was not stored.",
            mend="run it again",
        )

    def retire(self, name: SecretName, target: Target) -> None:
        """Take all stages away from a version that is not the current one: Secrets Manager then lets it go."""
        if name.version is None or len(name.version) < SHORTEST_ID:
            raise refusals.moving_version(name)
        held = self._stages(name, target).get(name.version, ())
        if CURRENT in held:
            raise refusals.newest_version(
                name, f"aws secretsmanager put-secret-value --secret-id {target.id} …"
            )
        for stage in held:
            with self._session.client(
                name, target, "secretsmanager:UpdateSecretVersionStage"
            ) as client:
                client.update_secret_version_stage(
                    SecretId=target.id, VersionStage=stage, RemoveFromVersionId=name.version
                )

    def _keep_key(self, name: SecretName, target: Target, key: str, value: str) -> str | None:
        """Put ``value`` beside the other keys; ``None`` when somebody wrote in between.

        The new version becomes the current one only if the one that was read still is: AWS refuses to take a
        stage from a version that does not have it.
        """
        unversioned = name._replace(version=None)
        current = self.newest(unversioned, target)
        if current is None:
            return self._put(name, target, json.dumps({key: value}))
        text, _ = self._read(unversioned, target, {"VersionId": current})
        keys = {**_keys(text, name, target), key: value}
        version = self._put(name, target, json.dumps(keys), VersionStages=[OURS])
        with self._session.client(
            name, target, "secretsmanager:UpdateSecretVersionStage"
        ) as client:
            try:
                client.update_secret_version_stage(
                    SecretId=target.id,
                    VersionStage=CURRENT,
                    MoveToVersionId=version,
                    RemoveFromVersionId=current,
                )
            except client.exceptions.InvalidParameterException:
                return None
        return version

    def _read(self, name: SecretName, target: Target, wanted: Mapping[str, str]) -> tuple[str, str]:
        with self._session.client(name, target, "secretsmanager:GetSecretValue") as client:
            answer = client.get_secret_value(SecretId=target.id, **wanted)
        text = answer.get("SecretString")
        if text is None:
            raise refusals.not_text(name, "The secret holds bytes.", _editing(target))
        return str(text), str(answer["VersionId"])

    def _put(self, name: SecretName, target: Target, text: str, **stages: list[str]) -> str:
        with self._session.client(name, target, "secretsmanager:PutSecretValue") as client:
            answer = client.put_secret_value(SecretId=target.id, SecretString=text, **stages)
        return str(answer["VersionId"])

    def _stages(self, name: SecretName, target: Target) -> Mapping[str, list[str]]:
        """Return the stages by the version that holds them; a version without any is left out."""
        with self._session.client(name, target, "secretsmanager:DescribeSecret") as client:
            answer = client.describe_secret(SecretId=target.id)
        found: Mapping[str, list[str]] = answer.get("VersionIdsToStages", {})
        return {version: held for version, held in found.items() if held}


def _wanted(version: str | None) -> dict[str, str]:
    """Return how a version is asked for: by id, or by stage, which is always named."""
    if version is not None and len(version) >= SHORTEST_ID:
        return {"VersionId": version}
    return {"VersionStage": version or CURRENT}


def _keys(text: str, name: SecretName, target: Target) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SecretUnavailable(
            f"{name}: the secret is no JSON object, so it has no keys",
            mend=f"${{secret:aws/{target.id}}}",
        ) from None
    return found


def _editing(target: Target) -> str:
    return f"aws secretsmanager put-secret-value --secret-id {target.id} --secret-string file:///dev/stdin"
