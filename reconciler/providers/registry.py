"""Which kinds and vendors there are. Nothing is imported until it is asked for.

One line per kind and one per vendor; further ones come in by the entry point group ``reconciler.providers``,
whose entries name a vendor's account class: ``acme = "acme_reconciler:AcmeAccount"``. Such a class has a
mapping ``kinds`` from the kind's name to the class of its provider.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.core.errors import ReconcilerError
from reconciler.core.resource import Rights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.core.ports import Provider
    from reconciler.core.record import Record
    from reconciler.core.resource import Resource
    from reconciler.core.state import Account
    from reconciler.providers.opening import Gate, Opening

GROUP = "reconciler.providers"

VENDORS: dict[str, str] = {
    "firebase": "reconciler.providers.google.account:FirebaseAccount",
    "firestore": "reconciler.providers.google.account:FirestoreAccount",
    "gcp": "reconciler.providers.google.account:GcpAccount",
    "stripe": "reconciler.providers.stripe.account:StripeAccount",
    "vercel": "reconciler.providers.vercel.account:VercelAccount",
}

KINDS: dict[str, str] = {
    "firebase.app_distribution_release": (
        "reconciler.providers.google.app_distribution_release:AppDistributionReleases"
    ),
    "firebase.flag": "reconciler.providers.google.flag:Flags",
    "firebase.hosting_release": "reconciler.providers.google.hosting_release:HostingReleases",
    "firebase.remote_config": "reconciler.providers.google.remote_config:RemoteConfigs",
    "firebase.rules": "reconciler.providers.google.rules:RulesReleases",
    "gcp.function": "reconciler.providers.google.functions:Functions",
    "gcp.project_services": "reconciler.providers.google.project_services:ProjectServices",
    "gcp.run_traffic": "reconciler.providers.google.run_traffic:RunTraffics",
    "gcp.scheduler_job": "reconciler.providers.google.scheduler_jobs:SchedulerJobs",
    "gcp.secret": "reconciler.providers.google.secrets:Secrets",
    "gcp.task_queue": "reconciler.providers.google.task_queue:TaskQueues",
    "stripe.webhook_endpoint": "reconciler.providers.stripe.webhook_endpoint:WebhookEndpoints",
    "vercel.env_var": "reconciler.providers.vercel.env_var:EnvVars",
    "vercel.production_deployment": "reconciler.providers.vercel.production_deployment:ProductionDeployments",
    "vercel.webhook": "reconciler.providers.vercel.webhook:Webhooks",
}


class AccountType(Protocol):
    """What a vendor's account class offers."""

    settings_type: type[Record]

    def __call__(self, settings: Any, opening: Opening) -> OpenAccount:  # noqa: ANN401 - its own settings
        """Open the account. Raises WrongAccount before anything is sent when the credential tells."""
        ...


class OpenAccount(Protocol):
    """An account that was opened with a credential."""

    def identify(self) -> Account:
        """Ask the vendor which account this is. Raises WrongAccount when it is not the pinned one."""
        ...


class VendorSession:
    """One opened account and the providers of its kinds: ``core.ports.Session``."""

    def __init__(self, vendor: str, account: OpenAccount, gate: Gate) -> None:
        self.vendor = vendor
        self._account = account
        self._gate = gate

    def before_writes(self, check: Callable[[], None]) -> None:
        self._gate.check = check

    def identify(self) -> Account:
        return self._account.identify()

    def provider(self, kind: str) -> Provider:
        provider: Provider = _provider_type(kind)(self._account)
        return provider


def open_session(vendor: str, settings: Record, opening: Opening) -> VendorSession:
    """Open the account that ``settings`` name. Sends nothing yet."""
    return VendorSession(vendor, account_type(vendor)(settings, opening), opening.gate)


def vendor_names() -> tuple[str, ...]:
    """Return the names of all vendors, ours and those of entry points."""
    return tuple(sorted({*VENDORS, *(found.name for found in entry_points(group=GROUP))}))


def kind_names() -> tuple[str, ...]:
    """Return the names of all kinds."""
    return tuple(sorted({*KINDS, *_foreign_kinds()}))


def model_of(kind: str) -> type[Resource]:
    """Return the model of ``kind``. Raises KeyError for an unknown one."""
    model: type[Resource] = _provider_type(kind).resource_type
    return model


@cache
def account_type(vendor: str) -> AccountType:
    """Return the account class of ``vendor``. Raises KeyError for an unknown one."""
    if vendor in VENDORS:
        found: AccountType = _load(VENDORS[vendor])
        return found
    for entry in entry_points(group=GROUP):
        if entry.name == vendor:
            loaded: AccountType = entry.load()
            return loaded
    raise KeyError(vendor)


def account_rights(vendor: str) -> Rights:
    """Return the rights that it takes to tell whose account it is; none where the vendor's class names none."""
    found: Rights = getattr(account_type(vendor), "rights", Rights())
    return found


def imitated_by(vendor: str) -> str:
    """Return the part of the sandbox that imitates ``vendor``: its own, unless several vendors share one."""
    found: str = getattr(account_type(vendor), "imitated_by", vendor)
    return found


def models(
    kinds: Mapping[str, object] | tuple[str, ...] | None = None,
) -> dict[str, type[Resource]]:
    """Return the models of ``kinds``, of all by default."""
    return {kind: model_of(kind) for kind in (kind_names() if kinds is None else kinds)}


def modes(vendors: Iterable[str]) -> dict[str, Callable[[str], str | None]]:
    """Return for those of ``vendors`` whose keys tell it the function from a key to its mode."""
    found = {vendor: getattr(account_type(vendor), "mode_of", None) for vendor in vendors}
    return {vendor: tell for vendor, tell in found.items() if tell is not None}


@cache
def _provider_type(kind: str) -> Any:  # noqa: ANN401 - the class of a core.ports.Provider
    return _load(KINDS[kind]) if kind in KINDS else _foreign_kinds()[kind]


@cache
def _foreign_kinds() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entry_points(group=GROUP):
        try:
            found |= getattr(entry.load(), "kinds", {})
        except Exception as error:
            raise ReconcilerError(
                f"The provider package behind {entry.value} cannot be loaded",
                detail=f"{type(error).__name__}: {error}",
                mend="mend or uninstall it",
            ) from error
    return found


def _load(path: str) -> Any:  # noqa: ANN401 - whatever the path names
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
