from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from reconciler.core.errors import InvalidInput, SecretUnavailable
from reconciler.core.reference import SecretName
from reconciler.secrets.aws import AwsSecrets, AwsSettings
from reconciler.secrets.store import Retires, TellsVersions
from tests.secrets.canary import CANARY, overheard, surroundings
from tests.secrets.loopback import Answer, Request, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-west-1"


def named(name: str, version: str | None = None) -> SecretName:
    return SecretName("aws", name, version)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module", autouse=True)
def _credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "FAKE-access-key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "FAKE-secret-key")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        yield


class Clients(NamedTuple):
    """What all tests share, since it takes long to make."""

    endpoint: str
    store: AwsSecrets
    manager: Any
    parameters: Any


@pytest.fixture(scope="module")
def clients(moto: str, _credentials: None) -> Clients:
    manager, parameters = (
        boto3.client(service, region_name=REGION, endpoint_url=moto)
        for service in ("secretsmanager", "ssm")
    )
    return Clients(moto, opened(moto), manager, parameters)


@pytest.fixture
def endpoint(clients: Clients) -> str:
    """Return the address of an account with nothing in it."""
    reset = f"{clients.endpoint}/moto-api/reset"
    with urlopen(UrlRequest(reset, method="POST"), timeout=5) as answer:  # noqa: S310 - loopback
        assert answer.status == 200
    return clients.endpoint


def opened(endpoint: str, **settings: str) -> AwsSecrets:
    return AwsSecrets(AwsSettings(region=REGION, endpoint_url=endpoint, **settings), surroundings())


@pytest.fixture
def store(endpoint: str, clients: Clients) -> AwsSecrets:
    del endpoint  # empties the account
    return clients.store


@pytest.fixture
def manager(endpoint: str, clients: Clients) -> Any:
    del endpoint
    return clients.manager


@pytest.fixture
def parameters(endpoint: str, clients: Clients) -> Any:
    del endpoint
    return clients.parameters


@pytest.fixture
def versions(manager: Any) -> tuple[str, str]:
    """Make a secret with two versions and return their ids."""
    first = manager.create_secret(Name="shop/KEY", SecretString="FAKE-one")["VersionId"]
    second = manager.put_secret_value(SecretId="shop/KEY", SecretString="FAKE-two")["VersionId"]
    return first, second


def test_without_a_version_the_current_one_is_fetched_and_its_id_told(
    store: AwsSecrets, versions: tuple[str, str]
) -> None:
    assert store.fetch(named("shop/KEY")) == ("FAKE-two", versions[1])


def test_a_version_is_fetched_by_its_id_and_by_its_stage(
    store: AwsSecrets, versions: tuple[str, str]
) -> None:
    assert store.fetch(named("shop/KEY", versions[0])).value == "FAKE-one"
    assert store.fetch(named("shop/KEY", "AWSPREVIOUS")) == ("FAKE-one", versions[0])


def test_a_secret_that_was_put_back_is_fetched_as_it_was(
    store: AwsSecrets, manager: Any, versions: tuple[str, str]
) -> None:
    manager.update_secret_version_stage(
        SecretId="shop/KEY",
        VersionStage="AWSCURRENT",
        MoveToVersionId=versions[0],
        RemoveFromVersionId=versions[1],
    )

    assert store.fetch(named("shop/KEY")) == ("FAKE-one", versions[0])
    assert store.newest(named("shop/KEY")) == versions[0]


def test_an_arn_brings_its_region(endpoint: str, manager: Any) -> None:
    arn = manager.create_secret(Name="KEY", SecretString='{"a": "FAKE-one"}')["ARN"]
    elsewhere = AwsSecrets(AwsSettings(region="us-east-1", endpoint_url=endpoint), surroundings())

    assert elsewhere.fetch(named(f"{arn}:a")).value == "FAKE-one"


def test_a_key_of_a_json_secret_is_picked(store: AwsSecrets, manager: Any) -> None:
    manager.create_secret(Name="KEYS", SecretString='{"a": "FAKE-a", "b": 1}')

    assert store.fetch(named("KEYS:a")).value == "FAKE-a"


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ('{"a": "FAKE"}', "KEYS:c", "has no key c"),
        ('{"c": 1}', "KEYS:c", "is not text"),
        ("FAKE-canary-text", "KEYS:c", "no JSON object"),
        ("[1]", "KEYS:c", "no JSON object"),
        ('{"c": ""}', "KEYS:c", "is empty"),
    ],
)
def test_a_key_that_cannot_be_had_is_said_without_the_rest(
    store: AwsSecrets, manager: Any, text: str, name: str, says: str
) -> None:
    manager.create_secret(Name="KEYS", SecretString=text)

    with overheard() as noise, pytest.raises(SecretUnavailable, match=says) as caught:
        store.fetch(named(name))

    noise.show(caught.value)
    assert "FAKE" not in "".join(noise.texts)


def test_bytes_are_refused(store: AwsSecrets, manager: Any) -> None:
    manager.create_secret(Name="BYTES", SecretBinary=b"\x00FAKE")

    with pytest.raises(SecretUnavailable, match="is not text"):
        store.fetch(named("BYTES"))


def test_the_newest_version_is_told_without_reading_the_value(
    store: AwsSecrets, versions: tuple[str, str]
) -> None:
    with serving(lambda _: Answer(200, {"VersionIdsToStages": {"1": ["AWSCURRENT"]}})) as server:
        assert opened(server.base_url).newest(named("shop/KEY")) == "1"

    assert [request.headers["x-amz-target"] for request, _ in server.heard] == [
        "secretsmanager.DescribeSecret"
    ]
    assert store.newest(named("shop/KEY")) == versions[1]
    assert store.newest(named("shop/KEY", "AWSPREVIOUS")) == versions[0]
    assert isinstance(store, TellsVersions)


def test_a_secret_without_a_value_has_no_newest_version(store: AwsSecrets, manager: Any) -> None:
    manager.create_secret(Name="NEW")

    assert store.newest(named("NEW")) is None


def test_a_kept_value_becomes_the_current_version(
    store: AwsSecrets, versions: tuple[str, str]
) -> None:
    version = store.keep(named("shop/KEY"), "FAKE-three")

    assert store.fetch(named("shop/KEY")) == ("FAKE-three", version)
    assert store.newest(named("shop/KEY", "AWSPREVIOUS")) == versions[1]


def test_a_kept_key_leaves_the_other_keys_alone(store: AwsSecrets, manager: Any) -> None:
    manager.create_secret(Name="KEYS", SecretString='{"a": "FAKE-a", "n": 1}')

    version = store.keep(named("KEYS:b"), "FAKE-b")

    now = manager.get_secret_value(SecretId="KEYS", VersionStage="AWSCURRENT")
    assert json.loads(now["SecretString"]) == {"a": "FAKE-a", "n": 1, "b": "FAKE-b"}
    assert now["VersionId"] == version


def test_a_key_is_kept_in_a_secret_that_has_no_value_yet(store: AwsSecrets, manager: Any) -> None:
    manager.create_secret(Name="NEW")

    store.keep(named("NEW:a"), "FAKE-a")

    assert store.fetch(named("NEW:a")).value == "FAKE-a"


def test_a_key_that_somebody_else_wrote_meanwhile_is_not_lost(
    store: AwsSecrets, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.create_secret(Name="KEYS", SecretString='{"a": "FAKE-a"}')
    secrets = store._secrets  # noqa: SLF001 - the moment between reading and writing
    put, others = secrets._put, iter([True])  # noqa: SLF001 - likewise

    def meddled(*args: Any, **options: Any) -> str:
        if next(others, False):
            manager.put_secret_value(SecretId="KEYS", SecretString='{"a": "FAKE-a", "c": "FAKE-c"}')
        return put(*args, **options)

    monkeypatch.setattr(secrets, "_put", meddled)

    store.keep(named("KEYS:b"), "FAKE-b")

    now = manager.get_secret_value(SecretId="KEYS", VersionStage="AWSCURRENT")["SecretString"]
    assert json.loads(now) == {"a": "FAKE-a", "b": "FAKE-b", "c": "FAKE-c"}


def test_a_retired_version_loses_its_stages_and_is_not_deleted(
    store: AwsSecrets, manager: Any, versions: tuple[str, str]
) -> None:
    store.retire(named("shop/KEY", versions[0]))
    store.retire(named("shop/KEY", versions[0]))

    held = manager.describe_secret(SecretId="shop/KEY")["VersionIdsToStages"]
    assert held.get(versions[0], []) == []
    assert held[versions[1]] == ["AWSCURRENT"]
    assert isinstance(store, Retires)


def test_the_version_that_readers_get_is_not_retired(
    store: AwsSecrets, versions: tuple[str, str]
) -> None:
    with pytest.raises(SecretUnavailable, match="not retired"):
        store.retire(named("shop/KEY", versions[1]))
    with pytest.raises(SecretUnavailable, match="only a version that is named"):
        store.retire(named("shop/KEY", "AWSPREVIOUS"))


def test_a_parameter_is_fetched_decrypted_with_the_number_of_its_version(
    store: AwsSecrets, parameters: Any
) -> None:
    for value in ("FAKE-one", "FAKE-two"):
        parameters.put_parameter(Name="/shop/key", Value=value, Type="SecureString", Overwrite=True)

    assert store.fetch(named("ssm:/shop/key")) == ("FAKE-two", "2")
    assert store.fetch(named("ssm:/shop/key", "1")) == ("FAKE-one", "1")
    assert store.newest(named("ssm:/shop/key")) == "2"


def test_a_parameter_is_fetched_by_its_arn(store: AwsSecrets, parameters: Any) -> None:
    parameters.put_parameter(Name="/shop/key", Value="FAKE-one", Type="SecureString")
    arn = parameters.get_parameter(Name="/shop/key")["Parameter"]["ARN"]

    assert store.fetch(named(arn)).value == "FAKE-one"


def test_the_newest_version_of_a_parameter_is_told_without_decrypting_it() -> None:
    asked: list[Any] = []

    def answer(request: Request) -> Answer:
        asked.append(request.json)
        return Answer(200, {"Parameter": {"Name": "/a", "Value": "encrypted", "Version": 7}})

    with serving(answer) as server:
        assert opened(server.base_url).newest(named("ssm:/a")) == "7"

    assert asked == [{"Name": "/a", "WithDecryption": False}]


def test_a_kept_parameter_is_encrypted(store: AwsSecrets, parameters: Any) -> None:
    assert store.keep(named("ssm:/shop/new"), "FAKE-one") == "1"
    assert store.keep(named("ssm:/shop/new"), "FAKE-two") == "2"

    assert parameters.get_parameter(Name="/shop/new")["Parameter"]["Type"] == "SecureString"
    assert store.fetch(named("ssm:/shop/new")).value == "FAKE-two"


def test_a_version_of_a_parameter_cannot_be_retired(store: AwsSecrets) -> None:
    with pytest.raises(SecretUnavailable, match="cannot retire"):
        store.retire(named("ssm:/shop/key", "1"))


@pytest.mark.parametrize(
    ("name", "version", "says", "mend"),
    [
        ("MISSING", None, "no such secret", "aws secretsmanager create-secret --name MISSING"),
        ("KEY", "a" * 36, "no version or stage", "aws secretsmanager list-secret-version-ids"),
        ("KEY", "NOSTAGE", "no version or stage", "aws secretsmanager list-secret-version-ids"),
        ("ssm:/no", None, "no such parameter", "aws ssm describe-parameters"),
        ("ssm:/key", "9", "version 9 does not exist", "aws ssm get-parameter-history --name /key"),
        ("DELETED", None, "is to be deleted", "aws secretsmanager describe-secret"),
        ("a:", None, "names neither", "${secret:aws/NAME}"),
        ("ssm:a?b", None, "names neither", "${secret:aws/NAME}"),
    ],
)
def test_each_failure_has_its_own_words_and_mend(
    store: AwsSecrets,
    manager: Any,
    parameters: Any,
    name: str,
    version: str | None,
    says: str,
    mend: str,
) -> None:
    manager.create_secret(Name="KEY", SecretString="FAKE")
    manager.create_secret(Name="DELETED", SecretString="FAKE")
    manager.delete_secret(SecretId="DELETED")
    parameters.put_parameter(Name="/key", Value="FAKE", Type="SecureString")

    with pytest.raises(SecretUnavailable, match=says) as caught:
        store.fetch(named(name, version))

    assert caught.value.mend.startswith(mend)


@pytest.mark.parametrize(
    ("code", "says", "mend"),
    [
        ("AccessDeniedException", "lack secretsmanager:GetSecretValue", '{"Effect": "Allow"'),
        ("UnrecognizedClientException", "does not accept", "aws sts get-caller-identity"),
        ("DecryptionFailure", "KMS key", "aws kms list-aliases"),
        ("SomethingNew", "refused the request", ""),
    ],
)
def test_each_refusal_has_its_own_words_and_mend(code: str, says: str, mend: str) -> None:
    body = {"__type": code, "message": f"no, because of {CANARY}"}
    with (
        serving(lambda _: Answer(400, body)) as server,
        overheard() as noise,
        pytest.raises(SecretUnavailable, match=says) as caught,
    ):
        opened(server.base_url).fetch(named("KEY"))

    noise.show(caught.value)
    noise.assert_silent_about(CANARY)
    assert caught.value.mend.startswith(mend)


def test_credentials_and_a_region_that_are_missing_are_said(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SecretUnavailable, match="no AWS region") as caught:
        AwsSecrets(AwsSettings(endpoint_url=endpoint), surroundings()).fetch(named("KEY"))
    with pytest.raises(SecretUnavailable, match="no such AWS profile"):
        opened(endpoint, profile="missing").fetch(named("KEY"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SecretUnavailable, match="no AWS credentials"):
        opened(endpoint).fetch(named("KEY"))

    assert caught.value.mend.startswith("secrets: {stores: {aws: {region: eu-west-1}}}")


@pytest.mark.parametrize("endpoint_url", ["http://aws.example", "ftp://127.0.0.1", "https://u:p@a"])
def test_an_endpoint_that_is_not_safe_is_refused(endpoint_url: str) -> None:
    with pytest.raises(InvalidInput):
        opened(endpoint_url)


@pytest.mark.parametrize(("version", "value"), [("1", "FAKE"), (None, "")])
def test_a_named_version_and_an_empty_value_are_not_kept(
    store: AwsSecrets, version: str | None, value: str
) -> None:
    with pytest.raises(SecretUnavailable):
        store.keep(named("KEY", version), value)


def test_rights_are_the_least_for_reading_and_writing(store: AwsSecrets) -> None:
    def actions(name: SecretName, *, writes: bool) -> list[str]:
        return [right.name for right in store.rights(name, writes=writes)]

    assert actions(named("KEY", "AWSCURRENT"), writes=False) == ["secretsmanager:GetSecretValue"]
    assert actions(named("KEY"), writes=True) == [
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
        "secretsmanager:PutSecretValue",
    ]
    assert actions(named("ssm:/a"), writes=True) == ["ssm:GetParameter", "ssm:PutParameter"]
    (right,) = store.rights(named("ssm:/a/b"), writes=False)
    assert json.loads(right.grant)["Resource"] == "arn:aws:ssm:REGION:ACCOUNT:parameter/a/b"


@pytest.mark.parametrize("name", ["CANARY", "KEYS:canary", "ssm:/canary"])
def test_a_canary_is_told_by_no_log(store: AwsSecrets, manager: Any, name: str) -> None:
    manager.create_secret(Name="CANARY", SecretString="FAKE-before")
    manager.create_secret(Name="KEYS", SecretString="{}")
    store.rights(named(name), writes=True)
    manager.describe_secret(SecretId="CANARY")

    with overheard("boto3", "botocore", "urllib3") as noise:
        store.keep(named(name), CANARY)
        assert store.fetch(named(name)).value == CANARY

    noise.assert_silent_about(CANARY)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(SecretUnavailable, match="boto3") as caught:
        opened("http://127.0.0.1:1").fetch(named("KEY"))

    assert caught.value.mend == "pip install 'reconciler[aws]'"
