"""Shops with which everything is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.secrets.fingerprints import local_key
from tests.cli.doctoring.looking import set_clocks

if TYPE_CHECKING:
    from tests.cli.conftest import Hands, Shop

SURROUNDINGS = (
    *(f"{name}_PROXY" for name in ("HTTPS", "HTTP", "ALL", "NO")),
    *(f"{name}_proxy" for name in ("https", "http", "all", "no")),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)


@pytest.fixture(autouse=True)
def _plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def well(good: Shop, hands: Hands) -> Shop:
    """Return a shop with which everything is well."""
    set_clocks(good, hands)
    local_key(good.root)
    return good


@pytest.fixture
def filed(repository: Shop, hands: Hands) -> Shop:
    """Return a shop in a Git repository that keeps a secret in a file, which Git ignores."""
    set_clocks(repository, hands)
    local_key(repository.root)
    secret = repository.root / ".secrets" / "sentry"
    secret.parent.mkdir()
    secret.write_text("https://FAKEdsn@sentry.example/1\n", encoding="utf-8")
    secret.chmod(0o600)
    repository.edit("web.yaml", "${secret:env/SHOP_SENTRY_DSN}", "${secret:file/.secrets/sentry}")
    (repository.root / ".gitignore").write_text("/.secrets/\n", encoding="utf-8")
    return repository
