"""A distant secret store: what it is asked, and which right is told when it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.cli.doctoring.looking import add_capture, look
from tests.secrets.loopback import Exchanges, serving
from tests.secrets.secret_manager import SecretManager, failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Shop

VALUE = "smtp://shop:FAKE-distant@mail.example:587"


class Distant(NamedTuple):
    """A shop whose mail address is in Secret Manager."""

    shop: Shop
    manager: SecretManager
    exchanges: Exchanges

    @property
    def asked(self) -> list[str]:
        return [f"{method} {target}" for method, target in self.exchanges.asked]


@pytest.fixture
def distant(well: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distant]:
    manager = SecretManager()
    manager.add("SMTP_URL", VALUE, VALUE)
    monkeypatch.setenv("GCP_TOKEN", manager.token)
    with serving(manager) as exchanges:
        well.edit("web.yaml", "${secret:env/SHOP_SMTP_URL}", "${secret:gcp/SMTP_URL}")
        store = f"{{project: shop, base_url: '{exchanges.base_url}', access_token: '${{secret:env/GCP_TOKEN}}'}}"
        well.edit("environment.yaml", "policy:", f"secrets: {{stores: {{gcp: {store}}}}}\npolicy:")
        yield Distant(well, manager, exchanges)


def test_only_the_version_is_asked_for(distant: Distant) -> None:
    found = look(distant.shop)

    assert found.code == 0
    secret = found["secret gcp/SMTP_URL"]["found"]
    assert "version 2 is the newest; its value was not asked for" in secret
    assert "roles/secretmanager.secretAccessor on secret SMTP_URL" in secret
    assert distant.asked == ["GET /v1/projects/shop/secrets/SMTP_URL/versions/latest"]
    assert found["secret env/GCP_TOKEN"]["found"].endswith("the secret store gcp (access_token)")


def test_a_fixed_version_is_had_by_its_value_which_is_not_shown(distant: Distant) -> None:
    distant.shop.edit("web.yaml", "${secret:gcp/SMTP_URL}", "${secret:gcp/SMTP_URL@1}")

    ran = distant.shop.run("doctor", "sandbox")

    assert ran.code == 0
    assert distant.asked == ["GET /v1/projects/shop/secrets/SMTP_URL/versions/1:access"]
    assert "FAKE-distant" not in ran.all


def test_a_refusal_names_the_role_that_is_missing(distant: Distant) -> None:
    distant.manager.denied = failure(403, "PERMISSION_DENIED", "Permission denied.")

    found = look(distant.shop)

    assert found.code == 4
    secret = found["secret gcp/SMTP_URL"]
    assert secret["trouble"] == "denied"
    assert "gcloud secrets add-iam-policy-binding SMTP_URL" in secret["mend"]
    assert "for vercel.env_var/smtp-url value" in secret["found"]


def test_writing_is_not_tried(distant: Distant) -> None:
    distant.manager.add("NEW_SECRET", "whsec_FAKE_before")
    add_capture(distant.shop, "gcp/NEW_SECRET")

    found = look(distant.shop)["secret gcp/NEW_SECRET"]

    assert found["standing"] == "ok"
    assert (
        "writing is not tried, and needs roles/secretmanager.secretVersionAdder" in found["found"]
    )
    assert all(one.startswith("GET ") for one in distant.asked)
