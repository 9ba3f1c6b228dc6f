"""What several stores refuse, in the same words. Never sees a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import SecretUnavailable

if TYPE_CHECKING:
    from reconciler.core.reference import SecretName


def missing_library(store: str, library: str) -> SecretUnavailable:
    """Return the error for a store whose extra is not installed."""
    return SecretUnavailable(
        f"The secret store {store} needs the Python library {library}",
        detail="It is not installed: it comes with an extra of its own.",
        mend=f"pip install 'reconciler[{store}]'",
    )


def no_versions(name: SecretName, what: str) -> SecretUnavailable:
    """Return the error for a version asked of a store that has none; ``what`` is a plural."""
    return SecretUnavailable(
        f"{name}: {what} have no versions", mend=f"${{secret:{name._replace(version=None)}}}"
    )


def fixed_version(name: SecretName) -> SecretUnavailable:
    """Return the error for a value to be kept as a version that is named already."""
    return SecretUnavailable(
        f"{name}: a value cannot be kept as version {name.version}",
        detail="A value that is kept becomes a new version; its number is the store's to give.",
        mend=f"capture into ${{secret:{name._replace(version=None)}}}",
    )


def moving_version(name: SecretName) -> SecretUnavailable:
    """Return the error for a retirement that does not say which version."""
    return SecretUnavailable(
        f"{name}: only a version that is named can be retired",
        detail=f"{name.version or 'No version'} stands for another one tomorrow.",
        mend=f"name it by its number or id: ${{secret:{name._replace(version=None)}@…}}",
    )


def newest_version(name: SecretName, mend: str) -> SecretUnavailable:
    """Return the error for the retirement of the version that readers get."""
    return SecretUnavailable(
        f"{name} is the newest version, and is not retired",
        detail="Whoever reads the secret without a version gets this one, and would then get none.",
        mend=mend,
    )


def empty(name: SecretName, mend: str = "") -> SecretUnavailable:
    """Return the error for a value without a character in it."""
    return SecretUnavailable(f"{name} is empty", detail=f"${{secret:{name}}} needs it.", mend=mend)


def nothing_to_keep(name: SecretName) -> SecretUnavailable:
    """Return the error for an empty value that is to be kept."""
    return SecretUnavailable(f"{name}: an empty value is not kept")


def not_text(name: SecretName, why: str, mend: str = "") -> SecretUnavailable:
    """Return the error for bytes, numbers or lists where a text is meant."""
    return SecretUnavailable(f"{name} is not text", detail=why, mend=mend)
