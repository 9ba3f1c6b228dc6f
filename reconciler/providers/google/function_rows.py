"""Functions between Google's two shapes and the fields of ``gcp.function``. Pure.

Source: Cloud Functions API v1, CloudFunction; v2, Function, ServiceConfig and BuildConfig.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.providers.google.function_names import (
    HASH,
    SENTINEL,
    declarable,
    is_of_firebase,
    own_labels,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.core.secret import Json

PATHS: Final[Mapping[int, Mapping[str, str]]] = {
    1: {
        "runtime": "runtime",
        "entry_point": "entryPoint",
        "environment": "environmentVariables",
        "secret_environment": "secretEnvironmentVariables",
        "memory": "availableMemoryMb",
        "timeout": "timeout",
        "min_instances": "minInstances",
        "max_instances": "maxInstances",
        "ingress": "ingressSettings",
        "service_account": "serviceAccountEmail",
        "labels": "labels",
    },
    2: {
        "runtime": "buildConfig.runtime",
        "entry_point": "buildConfig.entryPoint",
        "environment": "serviceConfig.environmentVariables",
        "secret_environment": "serviceConfig.secretEnvironmentVariables",
        "memory": "serviceConfig.availableMemory",
        "timeout": "serviceConfig.timeoutSeconds",
        "min_instances": "serviceConfig.minInstanceCount",
        "max_instances": "serviceConfig.maxInstanceCount",
        "ingress": "serviceConfig.ingressSettings",
        "service_account": "serviceConfig.serviceAccountEmail",
        "labels": "labels",
    },
}
"""Where each generation keeps a field."""

_COMPUTED: Final[Mapping[int, tuple[str, ...]]] = {
    1: (
        "status",
        "updateTime",
        "versionId",
        "buildId",
        "buildName",
        "satisfiesPzi",
        "satisfiesPzs",
        "httpsTrigger.url",
        "sourceRepository.deployedUrl",
        "sourceToken",
        # Its signature is taken off when it is read: sent back, it would be another archive.
        "sourceUploadUrl",
    ),
    2: (
        "state",
        "stateMessages",
        "createTime",
        "updateTime",
        "url",
        "satisfiesPzi",
        "satisfiesPzs",
        "upgradeInfo",
        "serviceConfig.service",
        "serviceConfig.uri",
        "serviceConfig.revision",
        "buildConfig.build",
        "buildConfig.sourceProvenance",
        "buildConfig.sourceToken",
        "eventTrigger.trigger",
    ),
}
"""What Google chooses, and what is never sent back. Every other field goes with every write.

Source: hashicorp/terraform-provider-google#6603 (policies of an organisation look at the whole body), #7921.
"""

_MAX_INSTANCES: Final[Mapping[int, int]] = {1: 0, 2: 100}
"""What an absent limit means: none, in the first generation."""

_MIB: Final[Mapping[str, float]] = {"M": 1, "Mi": 1, "G": 1024, "Gi": 1024, "k": 1 / 1024, "": 1}
_SIZE = re.compile(r"([0-9.]+)([A-Za-z]*)")


def at(row: Mapping[str, Json], path: str) -> Json:
    """Return the value at a dotted path; ``None`` where there is none."""
    value: Json = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def mebibytes(text: str) -> float | None:
    """Return a size in MiB. Functions read ``256M`` as ``256Mi``."""
    found = _SIZE.fullmatch(text)
    return float(found[1]) * _MIB[found[2]] if found and found[2] in _MIB else None


def values_of(
    row: Mapping[str, Json], generation: int, shortened: Callable[[str], str]
) -> dict[str, Json]:
    """Return the fields of a function; what Google leaves out has its default.

    ``shortened`` takes the project off the name of a secret, where it is the own one.
    """
    raw = {name: at(row, path) for name, path in PATHS[generation].items()}
    _, _, _, location, _, function = str(row["name"]).split("/")
    memory = raw["memory"] or 256
    return {
        "function": function,
        "location": location,
        "generation": generation,
        "runtime": raw["runtime"] or "",
        "entry_point": raw["entry_point"] or function,
        "environment": declarable(raw["environment"] or {}),
        "secret_environment": {
            one["key"]: _reference(one, shortened) for one in raw["secret_environment"] or ()
        },
        "memory": memory if isinstance(memory, str) else f"{memory}Mi",
        "timeout": int(float(str(raw["timeout"] or 60).removesuffix("s"))),
        "min_instances": int(raw["min_instances"] or 0),
        "max_instances": int(raw["max_instances"] or _MAX_INSTANCES[generation]),
        "ingress": raw["ingress"] or "ALLOW_ALL",
        "service_account": raw["service_account"] or None,
        "labels": own_labels(raw["labels"] or {}),
        "source": source_of(row, generation),
    }


def source_of(row: Mapping[str, Json], generation: int) -> str | None:
    """Return the archive that runs; ``None`` where Google does not tell, as for uploads of the first generation."""
    if generation == 1:
        found = row.get("sourceArchiveUrl") or at(row, "sourceRepository.deployedUrl")
        return str(found) if found else None
    one = at(row, "buildConfig.sourceProvenance.resolvedStorageSource")
    return f"gs://{one['bucket']}/{one['object']}#{one.get('generation', '')}" if one else None


def patch_of(
    row: Mapping[str, Json], generation: int, fields: Mapping[str, Json], project: str
) -> tuple[dict[str, Any], list[str]]:
    """Return the whole body of a write with ``fields`` changed, and its mask.

    Mappings are sent whole, with the keys that nobody declared.
    """
    body: dict[str, Any] = copy.deepcopy(dict(row))
    for path in _COMPUTED[generation]:
        _put(body, path, None)
    mask = []
    for name, value in fields.items():
        path = PATHS[generation][name]
        _put(body, path, _written(name, generation, value, at(row, path), project))
        mask.append(path)
    if is_of_firebase(row.get("labels") or {}):
        body["labels"] = {**(body.get("labels") or {}), HASH: SENTINEL}
        mask = sorted({*mask, "labels"})
    return body, mask


def _written(name: str, generation: int, value: Json, live: Json, project: str) -> Json:
    match name:
        case "environment" | "labels":
            merged = {**(live or {}), **value}
            return {key: one for key, one in merged.items() if one is not None}
        case "secret_environment":
            kept = [one for one in live or () if one["key"] not in value]
            added = [_secret(key, one, project) for key, one in sorted(value.items()) if one]
            return [*kept, *added]
        case "memory" if generation == 1:
            return int(mebibytes(value) or 0)
        case "timeout" if generation == 1:
            return f"{value}s"
        case _:
            return value


def _reference(one: Mapping[str, Json], shortened: Callable[[str], str]) -> str:
    """Return ``NAME@VERSION``, with the project in front where it is another."""
    name, owner = one["secret"], one.get("projectId")
    full = f"projects/{owner}/secrets/{name}" if owner else name
    return f"{shortened(full)}@{one.get('version') or 'latest'}"


def _secret(key: str, reference: str, project: str) -> dict[str, Json]:
    name, _, version = reference.partition("@")
    owner = name.split("/")[1] if "/" in name else project
    secret = name.rpartition("/")[2]
    return {"key": key, "projectId": owner, "secret": secret, "version": version}


def _put(body: dict[str, Any], path: str, value: Json) -> None:
    """Set a dotted path; ``None`` takes it away."""
    *above, last = path.split(".")
    for name in above:
        if name not in body and value is None:
            return
        body = body.setdefault(name, {})
    if value is None:
        body.pop(last, None)
    else:
        body[last] = value
