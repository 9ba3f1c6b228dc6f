"""Checks as they are declared: which are refused, what they need, and what ``check`` says of them."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from reconciler.cli.schema_command import schema_texts
from reconciler.files.environment import SORTS, Check, Environment

if TYPE_CHECKING:
    from tests.cli.conftest import Ran, Shop

SECRET = "whsec_sandboxFAKEpayments0000000000003"
WEBHOOK = """
  - name: payments webhook
    webhook:
      endpoint: stripe.webhook_endpoint/payments
      secret: ${secret:env/SHOP_STRIPE_WEBHOOK_SECRET}
"""
GOOD = {
    "http": {"url": "https://shop.example/health"},
    "tcp": {"host": "db.example", "port": 5432},
    "tls": {"host": "shop.example"},
    "webhook": {"endpoint": "stripe.webhook_endpoint/payments", "secret": "${secret:env/X}"},
}


def declare(shop: Shop, checks: str) -> None:
    shop.edit("environment.yaml", "policy:", f"checks:{checks.rstrip()}\npolicy:")


@pytest.fixture
def hooked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Return a shop whose endpoint is served by the sandbox, with a check of its webhook."""
    monkeypatch.setenv("SHOP_STRIPE_WEBHOOK_SECRET", SECRET)
    shop.edit("environment.yaml", "https://shop.example", shop.world.urls["shop"])
    declare(shop, WEBHOOK)
    return shop


def result_of(ran: Ran) -> dict[str, Any]:
    (found,) = ran.json["checks"]
    assert isinstance(found, dict)
    return found


# --- What may be declared


@pytest.mark.parametrize("sort", SORTS)
def test_each_sort_of_check_can_be_declared(sort: str) -> None:
    check = Check.model_validate({"name": "x", sort: GOOD[sort]})

    assert check.what is getattr(check, sort)


BAD = """
{name: x}
{name: x, http: }
{name: x, http: {url: https://x}, tcp: {host: x, port: 1}}
{name: x, http: , tcp: {host: x, port: 1}}
{name: x, tls: {host: x}, webhook: {endpoint: stripe.webhook_endpoint/p, secret: '${secret:env/X}'}}
{name: '', tls: {host: x}}
{http: {url: https://x}}
{name: x, htpp: {url: https://x}}
{name: x, http: {}}
{name: x, http: {url: x}}
{name: x, http: {url: 'https://'}}
{name: x, http: {url: https://x, expected_status: 200}}
{name: x, http: {url: https://x, expect_status: 99}}
{name: x, http: {url: https://x, expect_status: '200'}}
{name: x, http: {url: https://x, timeout: 5}}
{name: x, http: {url: https://x, timeout: 0s}}
{name: x, http: {url: https://x, timeout: 0.00s}}
{name: x, http: {url: https://x, timeout: -1s}}
{name: x, http: {url: https://x, timeout: 5m}}
{name: x, http: {url: https://x, max_latency: fast}}
{name: x, http: {url: https://x, json: $.status}}
{name: x, http: {url: https://x, json: {path: $.status}}}
{name: x, http: {url: https://x, json: {equals: ok}}}
{name: x, http: {url: https://x, json: {path: '', equals: ok}}}
{name: x, http: {url: https://x, json: {path: $status, equals: ok}}}
{name: x, http: {url: https://x, json: {path: '$.a[b]', equals: ok}}}
{name: x, http: {url: https://x, json: {path: a..b, equals: ok}}}
{name: x, http: {url: https://x, body: {path: $.a, equals: ok}}}
{name: x, tcp: {host: x}}
{name: x, tcp: {port: 1}}
{name: x, tcp: {host: 'tcp://x', port: 1}}
{name: x, tcp: {host: x, port: 0}}
{name: x, tcp: {host: x, port: 65536}}
{name: x, tcp: {host: x, port: true}}
{name: x, tcp: {host: x, port: '5432'}}
{name: x, tls: {host: x, min_days: -1}}
{name: x, tls: {host: x, min_days: 1.5}}
{name: x, tls: {host: x, ca_file: ''}}
{name: x, webhook: {endpoint: stripe.webhook_endpoint/p}}
{name: x, webhook: {endpoint: stripe.webhook_endpoint/p, secret: whsec_FAKE}}
{name: x, webhook: {endpoint: stripe.webhook_endpoint/p, secret: '${env:X}'}}
{name: x, webhook: {endpoint: vercel.env_var/p, secret: '${secret:env/X}'}}
{name: x, webhook: {endpoint: payments, secret: '${secret:env/X}'}}
{name: x, webhook: {endpoint: stripe.webhook_endpoint/p, secret: '${secret:env/X}', url: shop}}
"""


@pytest.mark.parametrize("text", BAD.strip().splitlines())
def test_what_the_models_refuse_the_schema_explains(text: str) -> None:
    given = {"environment": "x", "checks": [yaml.safe_load(text)]}
    validator = Draft202012Validator(json.loads(schema_texts()["environment.json"]))

    with pytest.raises(ValidationError):
        Environment.model_validate(given)
    assert list(validator.iter_errors(given))


@pytest.mark.parametrize("sort", SORTS)
def test_what_the_models_accept_the_schema_accepts(sort: str) -> None:
    given = {"environment": "x", "checks": [{"name": "x", sort: GOOD[sort]}]}
    validator = Draft202012Validator(json.loads(schema_texts()["environment.json"]))

    Environment.model_validate(given)
    assert list(validator.iter_errors(given)) == []


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("name: x", "what is checked; it may be tcp, tls, webhook instead"),
        (
            "{name: x, htp: {url: 'https://x'}}",
            "htp is not known here. Did you mean http? Known are http, name, tcp, tls, webhook.",
        ),
        (
            "{name: x, http: {url: 'https://x'}, tcp: {host: x, port: 1}}",
            "tcp is not known here. Known are http, name.",
        ),
        ("{name: x, http: {url: 'https://x', timeout: fast}}", 'It looks like "5s"'),
        ("{name: x, http: {url: 'https://x', timout: 5s}}", "Did you mean timeout?"),
        ("{name: x, tcp: {host: x, port: 70000}}", "70000 is not at most 65535"),
        (
            "{name: x, webhook: {endpoint: payments, secret: '${secret:env/X}'}}",
            'It looks like "stripe.webhook_endpoint/payments"',
        ),
    ],
)
def test_a_wrong_check_is_refused_with_its_place_and_what_helps(
    shop: Shop, check: str, said: str
) -> None:
    declare(shop, f"\n  - {check}")

    ran = shop.run("validate", "sandbox")

    assert ran.code == 1
    assert "desired_state/sandbox/environment.yaml:" in ran.err
    assert said in " ".join(ran.err.split())


def test_what_only_the_model_refuses_is_explained_too(shop: Shop) -> None:
    declare(shop, '\n  - {name: x, tcp: {host: x, port: 1, timeout: "5s\\n"}}')

    ran = shop.run("check", "sandbox")

    assert ran.code == 1
    assert "timeout: String should match pattern" in ran.err


def test_a_secret_that_stands_in_the_file_is_refused_and_not_shown(shop: Shop) -> None:
    declare(shop, WEBHOOK.replace("${secret:env/SHOP_STRIPE_WEBHOOK_SECRET}", "whsec_FAKEinfile"))

    ran = shop.run("check", "sandbox")

    assert ran.code == 1
    assert "Reference expected" in ran.err
    assert "whsec_FAKEinfile" not in ran.all


# --- Pages, ports and certificates


def test_a_page_is_held_to_its_body(shop: Shop) -> None:
    shop.world.put("shop", {"payments": "degraded"})
    url = f"{shop.world.urls['shop']}/health/payments"
    declare(
        shop,
        f"\n  - name: payments\n    http: {{url: '{url}', json: {{path: $.status, equals: ok}}}}",
    )

    ran = shop.run("check", "sandbox")

    assert ran.code == 1
    assert 'payments: FAILED (200, expected 200, $.status is "degraded", expected "ok"' in ran.err


def test_an_address_with_a_secret_in_it_is_not_asked(shop: Shop) -> None:
    declare(shop, "\n  - name: page\n    http: {url: 'https://x/${secret:env/SHOP_SMTP_URL}'}")

    ran = shop.run("check", "sandbox")

    assert ran.code == 1
    assert "its url refers to a secret" in ran.err


def test_ports_and_certificates_are_looked_at(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        (shop.root / "ca.pem").write_text("none")
        declare(
            shop,
            f"""
  - {{name: database, tcp: {{host: 127.0.0.1, port: {port}}}}}
  - {{name: certificate, tls: {{host: 127.0.0.1, port: {port}, ca_file: ca.pem}}}}""",
        )

        ran = shop.run("check", "sandbox", "--format", "json")

    database, certificate = ran.json["checks"]
    assert (ran.code, database["passed"], certificate["passed"]) == (1, True, False)
    assert "it holds no certificate" in certificate["detail"]


def test_an_environment_without_checks_says_so(shop: Shop) -> None:
    ran = shop.run("check", "sandbox")

    assert ran.code == 0
    assert "declares no checks" in ran.err


# --- Webhooks


def test_the_handler_of_a_declared_endpoint_is_asked(hooked: Shop) -> None:
    ran = hooked.run("check", "sandbox")

    assert ran.code == 0, ran.all
    assert "payments webhook: passed (correctly signed: 200, wrongly signed: 400" in ran.err
    posts = [one for one in hooked.world.asked() if one.method == "POST"]
    assert {(one.vendor, one.path) for one in posts} == {("shop", "/api/webhooks/stripe")}
    assert len(posts) == 3


@pytest.mark.parametrize(
    ("webhooks", "said"),
    [
        ("accept_everything", "the handler ACCEPTS an event that is wrongly signed"),
        ("ignore_timestamps", "the handler ACCEPTS an event that is 600 s old"),
        ("reject_everything", "a correctly signed event is not accepted"),
    ],
)
def test_a_sloppy_handler_fails_the_check(hooked: Shop, webhooks: str, said: str) -> None:
    hooked.world.put("shop", {"webhook_secret": SECRET, "webhooks": webhooks})

    ran = hooked.run("check", "sandbox", "--format", "json")

    assert ran.code == 1
    assert said in result_of(ran)["detail"]


def test_a_handler_with_another_secret_fails_the_check(hooked: Shop) -> None:
    hooked.world.put("shop", {"webhook_secret": "whsec_sandboxFAKEold"})

    ran = hooked.run("check", "sandbox", "--format", "json")

    assert ran.code == 1
    assert "perhaps it holds another signing secret" in result_of(ran)["detail"]


def test_neither_secret_nor_signature_is_shown(hooked: Shop) -> None:
    hooked.world.put("shop", {"webhook_secret": SECRET, "webhooks": "accept_everything"})

    shown = hooked.run("check", "sandbox").all
    shown += hooked.run("check", "sandbox", "--format", "json").all

    assert SECRET not in shown
    assert "v1=" not in shown


def test_a_secret_that_cannot_be_had_fails_the_check(
    hooked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_STRIPE_WEBHOOK_SECRET")

    ran = hooked.run("check", "sandbox", "--format", "json")

    assert ran.code == 1
    assert "SHOP_STRIPE_WEBHOOK_SECRET" in result_of(ran)["detail"]
    assert hooked.world.asked() == ()


def test_a_url_of_the_check_goes_before_that_of_the_endpoint(hooked: Shop) -> None:
    url = f"{hooked.world.urls['shop']}/elsewhere"
    hooked.edit("environment.yaml", "      endpoint:", f"      url: {url}\n      endpoint:")

    ran = hooked.run("check", "sandbox")

    assert ran.code == 1
    assert {one.path for one in hooked.world.asked()} == {"/elsewhere"}


def test_an_endpoint_that_nobody_knows_fails_the_check(hooked: Shop) -> None:
    hooked.edit("environment.yaml", "endpoint/payments", "endpoint/paymnts")

    ran = hooked.run("check", "sandbox", "--format", "json")

    assert ran.code == 1
    assert "endpoint/paymnts is neither declared nor in a snapshot" in result_of(ran)["detail"]


def test_plain_http_to_another_machine_is_not_used(hooked: Shop) -> None:
    hooked.edit(
        "environment.yaml", "      endpoint:", "      url: http://shop.example/\n      endpoint:"
    )

    ran = hooked.run("check", "sandbox", "--format", "json")

    assert "plain http is for this machine only" in result_of(ran)["detail"]


def test_with_broken_files_the_endpoint_is_as_it_was_last_seen(hooked: Shop) -> None:
    hooked.click(url=f"{hooked.world.urls['shop']}/api/webhooks/stripe")
    hooked.done("snapshot", "sandbox")
    hooked.write("resources: [{kind: stripe.webhook_endpoint}]")

    ran = hooked.run("check", "sandbox")

    assert ran.code == 0, ran.all


# --- After an apply, a rollback, and with a label


def test_an_apply_whose_webhook_is_sloppy_is_no_success(hooked: Shop) -> None:
    hooked.world.put("shop", {"webhook_secret": SECRET, "webhooks": "accept_everything"})

    ran = hooked.run("apply", "sandbox", "--yes")

    assert ran.code == 3
    assert "these checks failed: payments webhook" in ran.err


def test_a_label_has_the_webhook_among_its_evidence(hooked: Shop) -> None:
    hooked.done("apply", "sandbox", "--yes")
    hooked.done("snapshot", "sandbox", "--label", "good")

    (label,) = hooked.done("history", "sandbox", "--format", "json").json["labels"]

    assert [one["name"] for one in label["evidence"]] == ["payments webhook"]
    assert SECRET not in json.dumps(label)


def test_after_a_rollback_the_url_that_is_live_again_is_asked(hooked: Shop) -> None:
    hooked.done("apply", "sandbox", "--yes")
    hooked.done("snapshot", "sandbox", "--label", "good")
    hooked.edit("payments.yaml", "/api/webhooks/stripe\n", "/api/webhooks/bad\n")
    assert hooked.run("apply", "sandbox", "--yes").code == 3
    hooked.world.forget()

    ran = hooked.run("rollback", "sandbox", "--to", "good", "--yes")

    assert ran.code == 0, ran.all
    asked = {one.path for one in hooked.world.asked() if one.vendor == "shop"}
    assert asked == {"/api/webhooks/stripe"}
