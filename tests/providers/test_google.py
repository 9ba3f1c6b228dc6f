"""What all kinds of Google have in common. GC-01 and the like are vendor traps by number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from reconciler.conformance.world import no_waiting
from reconciler.core.errors import (
    Conflict,
    PartialRead,
    PermissionDenied,
    StalePlan,
    Unavailable,
    VendorError,
    WrongAccount,
)
from reconciler.core.masking import Masker
from reconciler.providers.google.account import GcpAccount, GoogleSettings
from reconciler.providers.opening import Opening
from reconciler.secrets.opening import Around, Wanted, open_secrets
from reconciler.wire.transport import Connections
from tests.providers.google_bench import TOKEN, google_bench, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.conformance.bench import Bench
    from reconciler.conformance.world import World

SERVICES = "gcp.project_services"
REFERENCE = "${secret:env/TOKEN}"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Iterator[Bench]:
    with google_bench(world, tmp_path, SERVICES) as bench:
        yield bench


class Opened(Protocol):
    """Opens an account with settings, and closes it after the test."""

    def __call__(self, environ: dict[str, str], **settings: Any) -> GcpAccount: ...


@pytest.fixture
def opened(world: World, tmp_path: Path) -> Iterator[Opened]:
    world.reset()
    with Connections(no_waiting()) as connections:

        def open_one(environ: dict[str, str], **settings: Any) -> GcpAccount:
            masker = Masker()
            around = Around(tmp_path, environ, masker, lambda: connections)
            secrets = open_secrets(Wanted(), around)
            opening = Opening(secrets, masker, connections, writes=True)
            return GcpAccount(GoogleSettings(**{"project": "shop-prod", **settings}), opening)

        yield open_one


@pytest.fixture
def account(opened: Opened, world: World) -> GcpAccount:
    return opened({"TOKEN": TOKEN}, access_token=REFERENCE, base_url=world.urls["google"])


def test_the_project_is_proven(account: GcpAccount) -> None:
    found = account.identify()

    assert (found.vendor, found.id, found.name) == ("gcp", "shop-prod", "Shop (sandbox)")
    assert account.number == "123456789012"


def test_gc18_number_and_id_of_the_project_are_one(account: GcpAccount, world: World) -> None:
    account.identify()
    world.forget()

    names = [
        account.canonical(one)
        for one in (
            "projects/123456789012/secrets/KEY",
            "projects/shop-prod/secrets/KEY",
            "projects/999/topics/theirs",
            "//run.googleapis.com/projects/123456789012/x",
        )
    ]

    assert names[:2] == ["projects/shop-prod/secrets/KEY"] * 2
    assert names[2] == "projects/999/topics/theirs"
    assert names[3] == "//run.googleapis.com/projects/shop-prod/x"
    assert world.asked() == ()


def test_another_project_is_refused_before_anything_is_read(opened: Opened, world: World) -> None:
    other = opened(
        {"TOKEN": TOKEN},
        project="shop-staging",
        access_token=REFERENCE,
        base_url=world.urls["google"],
    )

    with pytest.raises(WrongAccount, match="shop-staging") as caught:
        other.identify()

    assert "gcloud projects describe shop-staging" in caught.value.mend


def test_a_project_that_is_being_deleted_is_refused(account: GcpAccount, world: World) -> None:
    state = world.state("google")
    state["project"]["lifecycleState"] = "DELETE_REQUESTED"
    world.put("google", state)

    with pytest.raises(WrongAccount, match="being deleted"):
        account.identify()


def test_gc31_default_credentials_go_to_google_alone(opened: Opened, world: World) -> None:
    with pytest.raises(WrongAccount, match="Google alone"):
        opened({}, base_url=world.urls["google"])
    with pytest.raises(WrongAccount, match="Google alone"):
        opened({}, endpoints={"run": world.urls["google"]})

    assert world.asked() == ()


def test_gc31_a_live_token_goes_to_google_alone(opened: Opened, world: World) -> None:
    account = opened(
        {"TOKEN": "ya29.a0FAKE-live"},
        access_token=REFERENCE,
        base_url=world.urls["google"],
    )

    with pytest.raises(WrongAccount):
        account.identify()

    assert world.asked() == ()


def test_one_api_may_have_an_address_of_its_own(opened: Opened, world: World) -> None:
    account = opened(
        {"TOKEN": TOKEN},
        access_token=REFERENCE,
        endpoints={"resourcemanager": world.urls["google"]},
    )

    assert account.identify().id == "shop-prod"
    assert account.api("run").http.base_url == "https://run.googleapis.com"


def test_a_disabled_api_is_named_with_the_command_that_enables_it(shop: Bench) -> None:
    state = shop.world.state("google")
    shop.world.put("google", {**state, "services": ["cloudresourcemanager.googleapis.com"]})

    told = why_unreadable(shop.plan())

    assert "The API serviceusage.googleapis.com is disabled in project shop-prod" in told
    assert "gcloud services enable serviceusage.googleapis.com --project=shop-prod" in told


def test_a_missing_permission_is_named_with_the_role_that_has_it(shop: Bench) -> None:
    allowed = {TOKEN: {"permissions": ["resourcemanager.projects.get"]}}
    shop.world.put("google", {**shop.world.state("google"), "credentials": allowed})

    told = why_unreadable(shop.plan())

    assert "lacks the permission serviceusage.services.list" in told
    assert "--role=roles/serviceusage.serviceUsageViewer" in told


def test_gc01_what_is_unreachable_is_unknown(account: GcpAccount, world: World) -> None:
    body = {"services": [], "unreachable": ["projects/1/locations/europe-west1"]}
    world.fail(vendor="google", path="*/services", body=body)

    rows = account.api("serviceusage").rows(
        "/v1/projects/shop-prod/services", "services", {"filter": "state:ENABLED"}
    )
    with pytest.raises(PartialRead, match="europe-west1"):
        list(rows)


def test_gc02_an_empty_page_with_a_token_is_followed(account: GcpAccount, world: World) -> None:
    state = world.state("google")
    world.put("google", {**state, "paging": {"empty_first": True, "size": 3}})
    api = account.api("serviceusage")

    rows = api.rows("/v1/projects/shop-prod/services", "services", {"filter": "state:ENABLED"})

    assert len(list(rows)) == len(state["services"])


def test_gc05_an_operation_that_ends_badly_fails_the_step(shop: Bench) -> None:
    error = {"code": 9, "message": "Billing account for project is not found."}
    shop.world.put("google", {**shop.world.state("google"), "lro": {"polls": 1, "error": error}})
    shop.declare({"kind": SERVICES, "name": "a", "spec": {"service": "vision.googleapis.com"}})

    report = shop.apply(shop.plan())

    assert report.result == "incomplete"
    assert "FAILED_PRECONDITION Billing account" in report.outcomes[0].detail


def test_gc06_an_operation_that_does_not_end_is_not_started_again(
    account: GcpAccount, world: World
) -> None:
    world.put("google", {**world.state("google"), "lro": {"polls": 10_000}})
    api = account.api("serviceusage")
    begun = api.post(
        "/v1/projects/shop-prod/services:batchEnable", {"serviceIds": ["vision.googleapis.com"]}
    )

    with pytest.raises(Unavailable, match="has not finished"):
        api.finished(begun, deadline=60)

    assert len(world.writes()) == 1


@pytest.mark.parametrize(
    ("status", "code", "has_etag", "kind"),
    [
        (400, "FAILED_PRECONDITION", True, StalePlan),
        (400, "FAILED_PRECONDITION", False, Conflict),
        (400, "INVALID_ARGUMENT", True, VendorError),
        (409, "ALREADY_EXISTS", False, Conflict),
        (403, "PERMISSION_DENIED", False, PermissionDenied),
        (503, "UNAVAILABLE", False, Unavailable),
    ],
)
def test_gc04_a_stale_precondition_is_no_bad_request(
    account: GcpAccount, world: World, status: int, code: str, has_etag: bool, kind: type[Exception]
) -> None:
    body = {"error": {"code": status, "message": "The etag does not match.", "status": code}}
    world.fail(vendor="google", method="PATCH", status=status, body=body)
    sent: dict[str, Any] = {"labels": {}, **({"etag": '"old"'} if has_etag else {})}

    with pytest.raises(kind) as caught:
        account.api("secretmanager").patch(
            "/v1/projects/shop-prod/secrets/STRIPE_KEY", sent, ["labels"]
        )

    assert type(caught.value) is kind


def test_another_operation_on_the_same_object_is_waited_for(
    account: GcpAccount, world: World
) -> None:
    body = {"error": {"code": 409, "message": "Another operation runs.", "status": "ABORTED"}}
    world.fail(vendor="google", method="POST", status=409, body=body, times=2)

    account.api("serviceusage").post(
        "/v1/projects/shop-prod/services/run.googleapis.com:enable", idempotent=True
    )

    assert [one.status for one in world.writes()] == [409, 409, 200]


def test_apis_are_enabled_together_and_never_disabled(shop: Bench) -> None:
    names = ["vision", "pubsub"]
    items = [
        {"kind": SERVICES, "name": one, "spec": {"service": f"{one}.googleapis.com"}}
        for one in names
    ]
    shop.declare(*items)
    good = shop.keep()
    assert shop.apply(shop.plan()).result == "done"
    assert len(shop.world.writes()) == 1

    back = shop.plan(good)

    assert {(one.action, one.calls) for one in back.changes} == {("manual", 0)}
    assert shop.apply(back).result == "done"
    assert "vision.googleapis.com" in shop.world.state("google")["services"]


def test_nothing_of_google_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys, reconciler; from reconciler.providers import registry; registry.models();"
        " registry.account_type('gcp'); print([n for n in sys.modules if n.startswith(('google', 'grpc'))])"
    )

    said = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)  # noqa: S603 - our own interpreter

    assert said == "[]\n"
