"""One Stripe account, opened with one key."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from reconciler.core.errors import WrongAccount
from reconciler.core.record import Record
from reconciler.core.resource import Rights
from reconciler.core.state import Account
from reconciler.providers.stripe.profile import STRIPE, is_live, mode_of

if TYPE_CHECKING:
    from stripe import StripeClient

    from reconciler.providers.opening import Opening


class StripeSettings(Record):
    """``providers.stripe`` of an environment file."""

    api_key: str = Field(description="a ${secret:…} reference to a secret or restricted key")
    account: str | None = Field(
        default=None,
        pattern="^acct_",
        description="identity pin: keys of another account are refused",
    )
    mode: Literal["live", "test"] | None = Field(
        default=None, description="identity pin: keys of the other mode are refused"
    )
    base_url: str | None = Field(
        default=None, description="a sandbox or proxy instead of api.stripe.com"
    )


class StripeAccount:
    """Opens the kinds of one Stripe account. The SDK is imported at the first request."""

    settings_type = StripeSettings
    profile = STRIPE
    pins = ("account", "mode")
    mode_of = staticmethod(mode_of)
    # What ``identify`` needs, by the 403 of GET /v1/account that users report; Stripe publishes no list by path.
    rights: ClassVar[Rights] = Rights(
        read=("Accounts: Read (rak_accounts_kyc_basic_read)",),
        write=("Accounts: Read (rak_accounts_kyc_basic_read)",),
        source="https://docs.stripe.com/keys/restricted-api-keys",
    )

    def __init__(self, settings: StripeSettings, opening: Opening) -> None:
        self._settings = settings
        key = opening.credential(settings.api_key)
        live = is_live(key.value)
        self.is_live = bool(live)
        self._refuse_other_mode()
        self._http = opening.client(
            STRIPE, key, account=settings.account or key.value, base_url=settings.base_url
        )
        self._key = key

    @cached_property
    def client(self) -> StripeClient:
        """Return the official client, over our HTTP client."""
        from reconciler.providers.stripe.client import connect

        return connect(self._key.value, self._http)

    def identify(self) -> Account:
        """Ask whose key this is. Source: Stripe API reference, retrieve account."""
        found = self._http.request_json("GET", "/v1/account")
        pinned = self._settings.account
        if pinned is not None and found.get("id") != pinned:
            raise WrongAccount(
                "The Stripe key opens another account than the one pinned",
                detail=f"It opens {found.get('id')}; environment.yaml pins {pinned}.",
                mend=f"check {self._key.place}, or providers.stripe.account in environment.yaml",
            )
        dashboard = (found.get("settings") or {}).get("dashboard") or {}
        return Account(
            vendor=STRIPE.vendor,
            id=str(found.get("id", "")),
            mode="live" if self.is_live else "test",
            name=str(dashboard.get("display_name") or ""),
        )

    def _refuse_other_mode(self) -> None:
        """A live key under a test environment is refused before the first call, and the reverse."""
        mode = "live" if self.is_live else "test"
        if self._settings.mode is not None and self._settings.mode != mode:
            raise WrongAccount(
                f"The Stripe key is a {mode} key, and the environment pins {self._settings.mode}",
                detail=f"The key comes from {self._settings.api_key}; nothing was sent.",
                mend="give the key of the right mode, or change providers.stripe.mode in environment.yaml",
            )
