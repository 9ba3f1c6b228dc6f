"""Which variables and labels of a function are somebody's to declare, and which are Google's or the tools'. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HASH: Final = "firebase-functions-hash"
"""`firebase deploy` leaves a function alone whose label is the digest of what it would deploy.

Source: firebase-tools, deploy/functions/release/planner.
"""

SENTINEL: Final = "changed-by-reconciler"
"""Set in the place of that digest by every write, so that no later deployment is skipped."""

# Source: https://cloud.google.com/functions/docs/configuring/env-var and firebase-tools, functions/env.
_RESERVED = re.compile(
    r"(?:X_GOOGLE_|FIREBASE_|EXT_|KIT_|K_|FUNCTION_).*"
    r"|PORT|ENTRY_POINT|GCP_PROJECT|GCLOUD_PROJECT|GOOGLE_CLOUD_PROJECT|CLOUD_RUNTIME_CONFIG|SUPERVISOR_.*"
    r"|EVENTARC_CLOUD_EVENT_SOURCE|LOG_EXECUTION_ID|GOOGLE_NODE_RUN_SCRIPTS"
)
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_SECRET = re.compile(
    r"(?:sk|rk)_(?:live|test)_\w{8,}|whsec_\w{8,}|AIza[\w-]{30,}|SG\.[\w-]{16,}\..+|gh[pousr]_\w{20,}"
    r"|ya29\..+|xox[abprs]-.+|AKIA[A-Z0-9]{12,}|[\s\S]*-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|\w+://[^/\s:@]+:[^/\s@]+@[\s\S]*"
)
_LABELS_OF_TOOLS = re.compile(r"deployment-.*|firebase-functions-.*|goog-.*")


def is_reserved(name: str) -> bool:
    """Tell whether a variable is set by Google or by a deployment tool."""
    return _RESERVED.fullmatch(name) is not None


def is_name(name: str) -> bool:
    """Tell whether a variable may be called so."""
    return _NAME.fullmatch(name) is not None


def is_secret(value: str) -> bool:
    """Tell whether a value looks like a key, a private key, or an address with a password."""
    return _SECRET.fullmatch(value) is not None


def declarable(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are compared and written down. All others are kept as they are, and shown nowhere."""
    return {
        name: value
        for name, value in variables.items()
        if is_name(name) and not is_reserved(name) and not is_secret(value)
    }


def is_label_of_tools(name: str) -> bool:
    """Tell whether a deployment tool keeps a label."""
    return _LABELS_OF_TOOLS.fullmatch(name) is not None


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that are somebody's to declare."""
    return {name: value for name, value in labels.items() if not is_label_of_tools(name)}


def is_of_firebase(labels: Mapping[str, str]) -> bool:
    """Tell whether `firebase deploy` made the function."""
    return HASH in labels or labels.get("deployment-tool", "").startswith("cli-firebase")
