from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import hvac
import pytest
from pydantic import ValidationError

from reconciler.core.errors import InvalidInput, SecretUnavailable
from reconciler.core.reference import SecretName
from reconciler.secrets import vault_client
from reconciler.secrets.store import Retires, TellsVersions
from reconciler.secrets.vault import VaultSecrets, VaultSettings
from tests.secrets.canary import CANARY, overheard, surroundings
from tests.secrets.loopback import Answer, Exchanges, serving
from tests.secrets.vault_server import VaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.secrets.loopback import Request

PATH = "shop/stripe"


def named(name: str, version: str | None = None) -> SecretName:
    return SecretName("vault", name, version)


@pytest.fixture
def vault() -> VaultServer:
    vault = VaultServer()
    for number in ("one", "two", "three"):
        vault.put(PATH, value=f"FAKE-{number}", webhook=f"FAKE-webhook-{number}")
    return vault


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_client, "RETRIES", 0)


@pytest.fixture
def server(vault: VaultServer) -> Iterator[Exchanges]:
    with serving(vault) as exchanges:
        yield exchanges


def opened(server: Exchanges, **settings: Any) -> VaultSecrets:
    around = surroundings(environ={"VAULT_TOKEN": "FAKE-vault-token", "OTHER": "FAKE-other"})
    return VaultSecrets(VaultSettings(address=server.base_url, **settings), around)


@pytest.fixture
def store(server: Exchanges) -> VaultSecrets:
    return opened(server)


def test_without_a_version_the_newest_is_fetched_and_its_number_told(store: VaultSecrets) -> None:
    assert store.fetch(named(PATH)) == ("FAKE-three", "3")


def test_a_key_and_a_version_are_picked(store: VaultSecrets) -> None:
    assert store.fetch(named(f"{PATH}:webhook", "2")) == ("FAKE-webhook-two", "2")


def test_address_namespace_and_mount_are_as_set(vault: VaultServer, server: Exchanges) -> None:
    vault.mount = "team"
    around = surroundings(
        environ={"VAULT_TOKEN": "FAKE-vault-token", "VAULT_ADDR": server.base_url}
    )
    store = VaultSecrets(VaultSettings(mount="team", namespace="shop"), around)

    assert store.fetch(named(PATH)).value == "FAKE-three"
    assert server.heard[0][0].headers["x-vault-namespace"] == "shop"
    assert server.asked == [("GET", f"/v1/team/data/{PATH}")]


def test_the_newest_version_is_told_without_reading_the_value(
    store: VaultSecrets, server: Exchanges
) -> None:
    assert store.newest(named(PATH)) == "3"
    assert server.asked == [("GET", f"/v1/secret/metadata/{PATH}")]
    assert isinstance(store, TellsVersions)


def test_a_kept_key_leaves_the_other_keys_alone(store: VaultSecrets, vault: VaultServer) -> None:
    assert store.keep(named(f"{PATH}:webhook"), "FAKE-new") == "4"
    assert vault.secrets[PATH][3].keys == {"value": "FAKE-three", "webhook": "FAKE-new"}


def test_the_official_client_finds_what_was_kept(store: VaultSecrets, server: Exchanges) -> None:
    version = store.keep(named("shop/new"), "FAKE-new")

    client = hvac.Client(url=server.base_url, token="FAKE-vault-token")
    found = client.secrets.kv.v2.read_secret("shop/new", raise_on_deleted_version=True)
    assert found["data"]["data"] == {"value": "FAKE-new"}
    assert str(found["data"]["metadata"]["version"]) == version


def test_a_key_that_somebody_else_wrote_meanwhile_is_not_lost(vault: VaultServer) -> None:
    meddlers = iter([True])

    def meddled(request: Request) -> Answer:
        if request.method == "POST" and next(meddlers, False):
            vault.put(PATH, value="FAKE-three", other="FAKE-other")
        return vault(request)

    with serving(meddled) as server:
        assert opened(server).keep(named(f"{PATH}:webhook"), "FAKE-new") == "5"

    assert vault.secrets[PATH][4].keys == {
        "value": "FAKE-three",
        "other": "FAKE-other",
        "webhook": "FAKE-new",
    }


def test_a_write_that_others_always_overtake_is_given_up(vault: VaultServer) -> None:
    def meddled(request: Request) -> Answer:
        if request.method == "POST":
            vault.put(PATH, value="FAKE-theirs")
        return vault(request)

    with serving(meddled) as server, pytest.raises(SecretUnavailable, match="others write"):
        opened(server).keep(named(PATH), "FAKE-ours")

    assert vault.secrets[PATH][-1].keys == {"value": "FAKE-theirs"}


def test_a_secret_whose_newest_version_was_deleted_is_written_on_top(
    store: VaultSecrets, vault: VaultServer
) -> None:
    vault.secrets[PATH][2].deleted = "2026-11-20T10:00:00Z"

    assert store.keep(named(PATH), "FAKE-new") == "4"


def test_a_retired_version_can_be_undeleted(store: VaultSecrets, vault: VaultServer) -> None:
    store.retire(named(PATH, "1"))
    store.retire(named(PATH, "1"))

    assert [bool(version.deleted) for version in vault.secrets[PATH]] == [True, False, False]
    assert not any(version.destroyed for version in vault.secrets[PATH])
    assert isinstance(store, Retires)


@pytest.mark.parametrize("version", ["3", None])
def test_the_version_that_readers_get_is_not_retired(
    store: VaultSecrets, vault: VaultServer, version: str | None
) -> None:
    with pytest.raises(SecretUnavailable):
        store.retire(named(PATH, version))

    assert not any(version.deleted for version in vault.secrets[PATH])


@pytest.mark.parametrize(
    ("name", "version", "says", "mend"),
    [
        (
            "shop/missing",
            None,
            "no such secret",
            "vault kv metadata get -mount=secret shop/missing",
        ),
        (PATH, "9", "no version 9", "vault kv metadata get -mount=secret shop/stripe"),
        (PATH, "1", "version 1 is deleted", "vault kv undelete -versions=1 -mount=secret"),
        (PATH, "2", "version 2 is destroyed", "vault kv metadata get"),
        (f"{PATH}:no", None, "no key no", "vault kv patch -mount=secret shop/stripe no=-"),
        ("odd:number", None, "is not text", "vault kv patch -mount=secret odd number=-"),
        ("odd:empty", None, "is empty", "vault kv patch"),
        (PATH, "newest", "is no number", "${secret:vault/shop/stripe@1}"),
        ("../sys/seal", None, "does not name", "${secret:vault/path"),
        ("a//b", None, "does not name", "${secret:vault/path"),
        ("a?b", None, "does not name", "${secret:vault/path"),
    ],
)
def test_each_failure_has_its_own_words_and_mend(
    store: VaultSecrets, vault: VaultServer, name: str, version: str | None, says: str, mend: str
) -> None:
    vault.put("odd", number=1, empty="")
    vault.secrets[PATH][0].deleted = "2026-11-20T10:00:00Z"
    vault.secrets[PATH][1].destroyed = True

    with pytest.raises(SecretUnavailable, match=says) as caught:
        store.fetch(named(name, version))

    assert caught.value.mend.startswith(mend)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(400, {"errors": [CANARY]}), "refused the request"),
        (Answer(403, {"errors": [CANARY]}), "does not permit"),
        (Answer(429, {"errors": [CANARY]}), "refuses more requests"),
        (Answer(500, {"errors": [CANARY]}), "Vault failed"),
        (Answer(503, {"errors": [CANARY], "sealed": True}), "is sealed"),
        (Answer(307, {"errors": [CANARY]}), "not Vault's"),
        (Answer(200, CANARY.encode()), "not Vault's"),
        (Answer(200, {"data": CANARY}), "not Vault's"),
    ],
)
def test_each_refusal_has_its_own_words_and_none_of_vaults(
    store: VaultSecrets, vault: VaultServer, answer: Answer, says: str
) -> None:
    vault.refusal = answer
    with overheard("urllib3", "requests") as noise:
        with pytest.raises(SecretUnavailable, match=says) as reading:
            store.fetch(named(PATH))
        with pytest.raises(SecretUnavailable) as writing:
            store.keep(named(PATH), CANARY)

    noise.show(reading.value)
    noise.show(writing.value)
    noise.assert_silent_about(CANARY)


def test_a_token_that_may_not_is_answered_with_the_line_of_a_policy(server: Exchanges) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        opened(server, token="${secret:env/OTHER}").fetch(named(PATH))

    assert caught.value.mend.splitlines() == [
        'path "secret/data/shop/stripe" { capabilities = ["read"] }',
        "vault token lookup",
    ]


def test_a_vault_that_is_not_there_is_said() -> None:
    with serving(VaultServer()) as server:
        store = opened(server)

    with pytest.raises(SecretUnavailable, match="could not be reached"):
        store.fetch(named(PATH))


def test_an_address_that_is_missing_or_not_safe_is_refused() -> None:
    around = surroundings(environ={"VAULT_TOKEN": "FAKE-vault-token"})

    with pytest.raises(SecretUnavailable, match="address of Vault is not known"):
        VaultSecrets(VaultSettings(), around).fetch(named(PATH))
    with pytest.raises(InvalidInput):
        VaultSecrets(VaultSettings(address="http://vault.example"), around).fetch(named(PATH))


def test_a_token_that_stands_in_the_file_is_refused() -> None:
    with pytest.raises(ValidationError):
        VaultSettings(token="FAKE-token")


def test_a_token_that_cannot_be_sent_is_not_shown(server: Exchanges) -> None:
    around = surroundings(environ={"VAULT_TOKEN": f"{CANARY}\n"})

    with pytest.raises(SecretUnavailable, match="cannot be sent") as caught:
        VaultSecrets(VaultSettings(address=server.base_url), around).fetch(named(PATH))

    with overheard() as noise:
        noise.show(caught.value)
    noise.assert_silent_about(CANARY)


@pytest.mark.parametrize(("version", "value"), [("1", "FAKE"), (None, "")])
def test_a_named_version_and_an_empty_value_are_not_kept(
    store: VaultSecrets, server: Exchanges, version: str | None, value: str
) -> None:
    with pytest.raises(SecretUnavailable):
        store.keep(named(PATH, version), value)

    assert server.asked == []


def test_rights_are_the_least_for_reading_and_writing(store: VaultSecrets) -> None:
    reading = store.rights(named(PATH, "2"), writes=False)
    writing = store.rights(named(PATH), writes=True)

    assert [right.grant for right in reading] == [
        'path "secret/data/shop/stripe" { capabilities = ["read"] }'
    ]
    assert [right.grant for right in writing] == [
        'path "secret/data/shop/stripe" { capabilities = ["create", "read", "update"] }',
        'path "secret/metadata/shop/stripe" { capabilities = ["read"] }',
    ]


def test_a_canary_is_told_by_no_log_and_no_address(store: VaultSecrets, server: Exchanges) -> None:
    with overheard("urllib3", "requests", "hvac") as noise:
        store.keep(named(PATH), CANARY)
        assert store.fetch(named(PATH)).value == CANARY

    noise.texts += [target for _, target in server.asked]
    noise.assert_silent_about(CANARY)


def test_a_missing_library_is_named_with_its_extra(
    store: VaultSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)

    with pytest.raises(SecretUnavailable, match="hvac") as caught:
        store.fetch(named(PATH))

    assert caught.value.mend == "pip install 'reconciler[vault]'"
