from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from reconciler.core.errors import SecretUnavailable, WriteAttempted, WrongAccount
from reconciler.core.reference import SecretName
from reconciler.secrets import gcp_api
from reconciler.secrets.crc32c import crc32c
from reconciler.secrets.gcp import GcpSecrets, GcpSettings
from reconciler.secrets.store import Retires, TellsVersions
from reconciler.wire.google import GoogleToken
from reconciler.wire.http import Credential, HttpClient
from tests.secrets.canary import CANARY, overheard, surroundings
from tests.secrets.loopback import Answer, Exchanges, Request, serving
from tests.secrets.secret_manager import SecretManager, failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.secrets.store import Surroundings

SHARED = Path(__file__).parents[3] / "shared"
CONTRACT = SHARED / "contract"
UNDESCRIBED = "undocumented_status"
"""Google describes no error answers."""
BASE = "/v1/projects/shop/secrets"


def named(name: str, version: str | None = None) -> SecretName:
    return SecretName("gcp", name, version)


@pytest.fixture(scope="module")
def checker() -> Any:
    """Return what knows the API description; None where it is absent."""
    program = CONTRACT / "specproxy.py"
    if not program.exists():
        if os.environ.get("CI") and SHARED.is_dir():
            pytest.fail("NOT JUDGED: ../shared is here, but ../shared/contract/specproxy.py is not")
        return None
    spec = importlib.util.spec_from_file_location("specproxy", program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # the folder is not ours to write to
        spec.loader.exec_module(module)
    contract = json.loads((CONTRACT / "contracts" / "secretmanager.v1.json").read_text("utf-8"))
    return module.SpecChecker([contract])


def violations(checker: Any, request: Request, answer: Answer) -> list[Any]:
    op, found = checker.request(request.method, request.target, request.headers, request.body)
    if op is not None:
        headers = {"content-type": "application/json"}
        found += checker.response(op, answer.status, headers, answer.content)
    return [one for one in found if one["kind"] != UNDESCRIBED]


@pytest.fixture
def manager() -> SecretManager:
    manager = SecretManager()
    manager.add("KEY", "FAKE-one", "FAKE-two", "FAKE-three")
    return manager


@pytest.fixture
def server(manager: SecretManager, checker: Any) -> Iterator[Exchanges]:
    """Serve, and let the API description judge every exchange."""
    with serving(manager) as exchanges:
        yield exchanges
    if checker is not None:
        assert [found for heard in exchanges.heard for found in violations(checker, *heard)] == []


@pytest.fixture
def around() -> Iterator[Surroundings]:
    around = surroundings(environ={"TOKEN": "FAKE-access-token", "OTHER": "FAKE-other-token"})
    yield around
    around.connections.close()


def opened(
    server: Exchanges, around: Surroundings, *, project: str = "shop", variable: str = "TOKEN"
) -> GcpSecrets:
    settings = GcpSettings(
        project=project, base_url=server.base_url, access_token=f"${{secret:env/{variable}}}"
    )
    return GcpSecrets(settings, around)


@pytest.fixture
def store(server: Exchanges, around: Surroundings) -> GcpSecrets:
    return opened(server, around)


def test_every_exchange_is_compared_with_the_api_description(checker: Any) -> None:
    if checker is None:
        pytest.skip("NOT JUDGED: ../shared/contract is absent, requests were compared with nothing")
    request = Request("POST", f"{BASE}/KEY:addVersion", {"authorization": "x"}, b'{"pay": 1}')

    assert violations(checker, request, Answer(200, {"nome": 1}))


def test_without_a_version_the_newest_is_fetched_and_its_number_told(
    store: GcpSecrets, server: Exchanges
) -> None:
    assert store.fetch(named("KEY")) == ("FAKE-three", "3")
    assert server.asked == [("GET", f"{BASE}/KEY/versions/latest:access")]


def test_a_version_is_fetched_by_its_number(store: GcpSecrets) -> None:
    assert store.fetch(named("KEY", "2")) == ("FAKE-two", "2")


def test_a_full_name_reaches_a_secret_of_another_project(
    manager: SecretManager, server: Exchanges, around: Surroundings
) -> None:
    store = opened(server, around, project="other")

    assert store.fetch(named(f"projects/{manager.project}/secrets/KEY")).value == "FAKE-three"


def test_the_newest_version_is_told_without_reading_the_value(
    store: GcpSecrets, server: Exchanges
) -> None:
    assert store.newest(named("KEY")) == "3"
    assert server.asked == [("GET", f"{BASE}/KEY/versions/latest")]
    assert isinstance(store, TellsVersions)


def test_a_secret_without_a_version_is_told_from_one_that_is_not_there(
    store: GcpSecrets, manager: SecretManager
) -> None:
    manager.add("NEW")

    assert store.newest(named("NEW")) is None
    assert store.keep(named("NEW"), "FAKE-one") == "1"
    with pytest.raises(SecretUnavailable, match="no such secret"):
        store.newest(named("MISSING"))


def test_the_command_for_a_disabled_version_names_its_number(
    store: GcpSecrets, manager: SecretManager
) -> None:
    manager.secrets["KEY"][2].state = "DISABLED"

    with pytest.raises(SecretUnavailable, match="version 3 is disabled") as caught:
        store.fetch(named("KEY"))

    assert caught.value.mend == ("gcloud secrets versions enable 3 --secret=KEY --project=shop")


def test_a_kept_value_becomes_the_next_version(store: GcpSecrets, manager: SecretManager) -> None:
    assert store.keep(named("KEY"), "FAKE-four") == "4"
    assert manager.secrets["KEY"][3].data == b"FAKE-four"
    assert store.fetch(named("KEY")) == ("FAKE-four", "4")


def test_nothing_is_created_for_a_secret_that_does_not_exist(store: GcpSecrets) -> None:
    with pytest.raises(SecretUnavailable, match="no such secret in project shop") as caught:
        store.keep(named("NEW"), "FAKE-value")

    assert caught.value.mend.splitlines() == [
        "gcloud secrets create NEW --project=shop --replication-policy=automatic",
        "gcloud secrets versions add NEW --project=shop --data-file=-",
    ]


@pytest.mark.parametrize(("version", "value"), [("4", "FAKE"), (None, "")])
def test_a_named_version_and_an_empty_value_are_not_kept(
    store: GcpSecrets, server: Exchanges, version: str | None, value: str
) -> None:
    with pytest.raises(SecretUnavailable):
        store.keep(named("KEY", version), value)

    assert server.asked == []


def test_a_retired_version_is_disabled_and_not_destroyed(
    store: GcpSecrets, manager: SecretManager
) -> None:
    store.retire(named("KEY", "1"))

    assert [version.state for version in manager.secrets["KEY"]] == [
        "DISABLED",
        "ENABLED",
        "ENABLED",
    ]
    assert isinstance(store, Retires)


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
def test_retiring_what_is_gone_already_changes_nothing(
    store: GcpSecrets, manager: SecretManager, server: Exchanges, state: str
) -> None:
    manager.secrets["KEY"][0].state = state

    store.retire(named("KEY", "1"))

    assert server.asked == [("GET", f"{BASE}/KEY/versions/1")]


@pytest.mark.parametrize("version", ["3", "latest", None])
def test_the_version_that_readers_get_is_not_retired(
    store: GcpSecrets, manager: SecretManager, version: str | None
) -> None:
    with pytest.raises(SecretUnavailable):
        store.retire(named("KEY", version))

    assert {version.state for version in manager.secrets["KEY"]} == {"ENABLED"}


def test_the_last_version_that_can_be_read_is_not_retired(
    store: GcpSecrets, manager: SecretManager
) -> None:
    manager.secrets["KEY"][2].state = "DISABLED"

    with pytest.raises(SecretUnavailable, match="not retired"):
        store.retire(named("KEY", "2"))


@pytest.mark.parametrize(
    ("name", "version", "says", "mend"),
    [
        ("MISSING", None, "no such secret", "gcloud secrets create MISSING --project=shop"),
        ("KEY", "7", "version 7 does not exist", "gcloud secrets versions list KEY --project=shop"),
        ("OFF", "1", "version 1 is disabled", "gcloud secrets versions enable 1 --secret=OFF"),
        ("GONE", "1", "version 1 is destroyed", "gcloud secrets versions add GONE --project=shop"),
        ("EMPTY", None, "is empty", "gcloud secrets versions add EMPTY --project=shop"),
        ("BYTES", None, "is not text", "gcloud secrets versions add BYTES --project=shop"),
        ("projects/else/secrets/KEY", None, "no project else", "gcloud projects describe else"),
        ("a/b", None, "does not name a secret", "${secret:gcp/NAME}"),
        ("KEY%2F..", None, "does not name a secret", "${secret:gcp/NAME}"),
    ],
)
def test_each_failure_has_its_own_words_and_mend(
    store: GcpSecrets, manager: SecretManager, name: str, version: str | None, says: str, mend: str
) -> None:
    manager.add("EMPTY", "")
    manager.add("BYTES", b"\xff\xfe")
    for name_of_it, state in (("OFF", "DISABLED"), ("GONE", "DESTROYED")):
        manager.add(name_of_it, "FAKE")
        manager.secrets[name_of_it][0].state = state

    with pytest.raises(SecretUnavailable, match=says) as caught:
        store.fetch(named(name, version))

    assert caught.value.mend.startswith(mend)


@pytest.mark.parametrize(
    ("reason", "says", "mend"),
    [
        (
            "",
            "lacks roles/secretmanager.secretAccessor",
            "gcloud secrets add-iam-policy-binding KEY",
        ),
        ("SERVICE_DISABLED", "API is not enabled in project shop", "gcloud services enable"),
        ("CONSUMER_INVALID", "no project shop", "gcloud projects describe shop"),
    ],
)
def test_each_refusal_has_its_own_words_and_mend(
    store: GcpSecrets, manager: SecretManager, reason: str, says: str, mend: str
) -> None:
    manager.denied = failure(403, "PERMISSION_DENIED", "Permission denied.", reason=reason)

    with pytest.raises(SecretUnavailable, match=says) as caught:
        store.fetch(named("KEY"))

    assert caught.value.mend.startswith(mend)


def test_each_operation_names_the_role_that_it_lacks(
    store: GcpSecrets, manager: SecretManager
) -> None:
    manager.denied = failure(403, "PERMISSION_DENIED", "Permission denied.", permission="x.y")

    with pytest.raises(SecretUnavailable, match=r"roles/secretmanager\.viewer"):
        store.newest(named("KEY"))
    with pytest.raises(SecretUnavailable, match=r"roles/secretmanager\.secretVersionAdder"):
        store.keep(named("KEY"), "FAKE-value")


def test_a_token_that_is_not_accepted_is_said(server: Exchanges, around: Surroundings) -> None:
    with pytest.raises(SecretUnavailable, match="does not accept the credential") as caught:
        opened(server, around, variable="OTHER").fetch(named("KEY"))

    assert "environment variable OTHER" in caught.value.mend


def test_a_value_damaged_on_its_way_is_refused(store: GcpSecrets, manager: SecretManager) -> None:
    manager.checksum = 1

    with pytest.raises(SecretUnavailable, match="damaged on its way"):
        store.fetch(named("KEY"))


@pytest.mark.parametrize(
    "body", [{}, [], {"name": "projects/1/secrets/OTHER/versions/1"}, b"<html>"]
)
def test_an_answer_about_something_else_is_refused(around: Surroundings, body: object) -> None:
    with serving(lambda _: Answer(200, body)) as elsewhere, pytest.raises(SecretUnavailable):
        opened(elsewhere, around).newest(named("KEY"))


def test_a_version_whose_adding_is_uncertain_is_to_be_looked_for(
    store: GcpSecrets, manager: SecretManager, server: Exchanges
) -> None:
    manager.denied = failure(503, "UNAVAILABLE", "Try again.")

    with pytest.raises(SecretUnavailable, match="unknown") as caught:
        store.keep(named("KEY"), "FAKE-value")

    assert caught.value.mend.endswith("gcloud secrets versions list KEY --project=shop")
    assert len(server.asked) == 1


def test_rights_are_the_least_for_reading_and_writing(store: GcpSecrets) -> None:
    reading = store.rights(named("KEY", "2"), writes=False)
    writing = store.rights(named("KEY"), writes=True)

    assert [right.name for right in reading] == ["roles/secretmanager.secretAccessor"]
    assert [right.name.rpartition(".")[2] for right in writing] == [
        "secretAccessor",
        "viewer",
        "secretVersionAdder",
    ]
    assert reading[0].grant == (
        "gcloud secrets add-iam-policy-binding KEY --project=shop --member=MEMBER"
        " --role=roles/secretmanager.secretAccessor"
    )


def test_a_live_token_is_not_sent_anywhere_but_to_google(server: Exchanges) -> None:
    around = surroundings(environ={"TOKEN": "ya29.a0FAKE-live"})

    with pytest.raises(WrongAccount):
        opened(server, around).fetch(named("KEY"))

    assert server.asked == []


def test_default_credentials_are_not_sent_anywhere_but_to_google(
    server: Exchanges, around: Surroundings
) -> None:
    store = GcpSecrets(GcpSettings(project="shop", base_url=server.base_url), around)

    with pytest.raises(SecretUnavailable, match="sent to Google alone"):
        store.fetch(named("KEY"))

    assert server.asked == []


def test_a_token_that_changes_is_judged_before_each_request(
    server: Exchanges, around: Surroundings
) -> None:
    given = iter(["FAKE-access-token", "ya29.a0FAKE-live"])
    client = HttpClient(
        around.connections.of(gcp_api.SECRET_MANAGER, "shop", base_url=server.base_url),
        credential=Credential("", "elsewhere"),
        masker=around.masker,
        writes=False,
        token=lambda: next(given),
    )

    client.request("GET", f"{BASE}/KEY/versions/1")
    with pytest.raises(WriteAttempted):
        client.request("POST", f"{BASE}/KEY:addVersion", json={})
    with pytest.raises(WrongAccount):
        client.request("GET", f"{BASE}/KEY/versions/1")

    assert len(server.asked) == 1
    assert around.masker.hides("FAKE-access-token")


def test_a_token_that_stands_in_the_file_is_refused() -> None:
    with pytest.raises(ValidationError):
        GcpSettings(project="shop", access_token="FAKE-token")


def test_a_canary_is_told_by_no_log(store: GcpSecrets, manager: SecretManager) -> None:
    manager.add("CANARY")

    with overheard("httpx", "httpcore") as noise:
        store.keep(named("CANARY"), CANARY)
        assert store.fetch(named("CANARY")).value == CANARY

    noise.assert_silent_about(CANARY)


def test_a_canary_is_told_by_no_error(store: GcpSecrets, manager: SecretManager) -> None:
    manager.add("CANARY", CANARY)
    manager.checksum = 7
    with overheard() as noise, pytest.raises(SecretUnavailable) as reading:
        store.fetch(named("CANARY"))
    manager.denied = failure(400, "INVALID_ARGUMENT", f"Invalid value: {CANARY}")
    with pytest.raises(SecretUnavailable) as writing:
        store.keep(named("CANARY"), CANARY)

    noise.show(reading.value)
    noise.show(writing.value)
    noise.assert_silent_about(CANARY)


@pytest.mark.parametrize(
    ("data", "checksum"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_the_checksum_is_that_of_the_standard(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


class TokenServer:
    """Gives access tokens, one after the other, and counts."""

    def __init__(self) -> None:
        self.given = 0
        self.refuses = False

    def __call__(self, _request: Request) -> Answer:
        if self.refuses:
            return Answer(400, {"error": "invalid_grant", "error_description": CANARY})
        self.given += 1
        token = f"FAKE-token-{self.given}"
        return Answer(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})


@pytest.fixture
def tokens() -> TokenServer:
    return TokenServer()


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
def service_account(
    tokens: TokenServer, private_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Leave the key file of a service account, whose tokens come from loopback."""
    with serving(tokens) as server:
        file = tmp_path / "account.json"
        file.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "project_id": "shop",
                    "private_key_id": "1",
                    "private_key": private_key,
                    "client_email": "plan@shop.iam.gserviceaccount.com",
                    "token_uri": f"{server.base_url}/token",
                }
            ),
            encoding="utf-8",
        )
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield


@pytest.mark.usefixtures("service_account")
def test_default_credentials_open_the_secrets(
    manager: SecretManager, server: Exchanges, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = replace(gcp_api.SECRET_MANAGER, base_url=server.base_url)
    monkeypatch.setattr(gcp_api, "SECRET_MANAGER", official)
    manager.token = "FAKE-token-1"
    store = GcpSecrets(GcpSettings(project="shop"), around)

    assert store.fetch(named("KEY")).value == "FAKE-three"
    assert around.masker.hides("FAKE-token-1")


@pytest.mark.usefixtures("service_account")
def test_a_token_is_renewed_only_when_it_expires(tokens: TokenServer) -> None:
    token = GoogleToken()

    assert [token(), token()] == ["FAKE-token-1", "FAKE-token-1"]

    token._credentials.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=5)  # noqa: SLF001 - stands for an hour

    assert token() == "FAKE-token-2"
    assert tokens.given == 2


@pytest.mark.usefixtures("service_account")
def test_what_google_says_when_it_gives_no_token_is_not_repeated(tokens: TokenServer) -> None:
    tokens.refuses = True
    token = GoogleToken()

    with (
        overheard("google", "urllib3") as noise,
        pytest.raises(SecretUnavailable, match="does not give an access token") as caught,
    ):
        token()

    noise.show(caught.value)
    noise.assert_silent_about(CANARY)
    assert caught.value.mend == "gcloud auth application-default login"


def test_missing_default_credentials_are_said_with_the_command_that_makes_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))

    with pytest.raises(SecretUnavailable, match="no application default credentials") as caught:
        GoogleToken()

    assert caught.value.mend == "gcloud auth application-default login"


def test_a_missing_library_is_named_with_its_extra(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)

    with pytest.raises(SecretUnavailable, match="google-auth") as caught:
        GcpSecrets(GcpSettings(project="shop"), around).fetch(named("KEY"))

    assert caught.value.mend == "pip install 'reconciler[gcp]'"
