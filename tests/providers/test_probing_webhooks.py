"""The signed webhook probe: what it sends, judged by Stripe's library, and what it makes of answers."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from reconciler.conformance.world import Ticking
from reconciler.core.encodings import encodings
from reconciler.core.masking import Masker
from reconciler.providers.probing import WebhookProbe, probed
from reconciler.providers.probing.stripe_signature import TOLERANCE, signature_header
from reconciler.providers.probing.webhook_probe import LONG_AGO, probe_body
from reconciler.wire.profile import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.conformance.world import World
    from reconciler.core.evidence import CheckResult

SECRET = "whsec_sandboxFAKEpayments0000000000003"


class Delivered(NamedTuple):
    body: str
    signature: str
    headers: dict[str, str]

    def is_accepted(self, secret: str = SECRET, tolerance: int = TOLERANCE) -> bool:
        """Tell whether Stripe's own library takes it for an event of Stripe."""
        try:
            stripe.Webhook.construct_event(
                self.body, self.signature, secret, tolerance=tolerance, api_key="sk_test_FAKE"
            )
        except stripe.SignatureVerificationError:
            return False
        return True


class Handler(NamedTuple):
    url: str
    delivered: list[Delivered]


Answer = int | tuple[int, dict[str, str]]


@pytest.fixture
def handler() -> Iterator[Callable[..., Handler]]:
    """Return a function that starts a handler which gives the answers in turn."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: Answer | None) -> Handler:
        left = list(answers)
        delivered: list[Delivered] = []

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                delivered.append(Delivered(body, headers["stripe-signature"], headers))
                answer = left.pop(0)
                if answer is None:
                    return
                status, extra = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(headers["stripe-signature"].encode() + SECRET.encode())

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        servers.append(server)
        return Handler(f"http://127.0.0.1:{server.server_port}/hook", delivered)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def asked(url: str, secret: str = SECRET, **fields: Any) -> CheckResult:
    probe = WebhookProbe("webhook", url, Credential(secret, "${secret:env/X}"), 5, **fields)
    (result,) = probed([probe], Ticking(), Masker([secret]))
    return result


# --- The signature


@given(
    secret=st.text("abcXYZ019_é", min_size=1),
    body=st.text(st.characters(codec="utf-8")),
    timestamp=st.integers(min_value=0, max_value=2**40),
)
def test_stripes_library_accepts_every_signature_of_ours(
    secret: str, body: str, timestamp: int
) -> None:
    header = signature_header(secret, body, timestamp)

    assert stripe.WebhookSignature.verify_header(body, header, secret)
    assert header == stripe.WebhookSignature.generate_signature_header(body, secret, timestamp)


def test_stripes_library_makes_an_event_of_the_probe() -> None:
    now = int(time.time())
    body = probe_body(now, "2024-06-20")

    event = stripe.Webhook.construct_event(
        body, signature_header(SECRET, body, now), SECRET, api_key="sk_test_FAKE"
    )

    assert event.type == "reconciler.probe"
    assert event.id.startswith("evt_reconciler_probe_")
    assert event.livemode is False
    assert event.api_version == "2024-06-20"


# --- What is sent


def test_only_the_first_of_three_events_is_one_that_stripe_could_have_sent(
    handler: Callable[..., Handler],
) -> None:
    hook = handler(200, 400, 400)

    assert asked(hook.url).passed
    assert [one.is_accepted() for one in hook.delivered] == [True, False, False]


def test_the_old_event_is_refused_for_its_age_alone(handler: Callable[..., Handler]) -> None:
    hook = handler(200, 400, 400)

    asked(hook.url)

    assert [one.is_accepted(tolerance=0) for one in hook.delivered] == [True, False, True]
    assert [one.is_accepted(tolerance=LONG_AGO + 60) for one in hook.delivered] == [
        True,
        False,
        True,
    ]


def test_every_event_says_that_it_is_a_probe(handler: Callable[..., Handler]) -> None:
    hook = handler(200, 400, 400)

    asked(hook.url)

    events = [json.loads(one.body) for one in hook.delivered]
    assert {(one["type"], one["livemode"], one["object"]) for one in events} == {
        ("reconciler.probe", False, "event")
    }
    assert len({one["id"] for one in events}) == 3
    assert all(one["id"].startswith("evt_reconciler_probe_") for one in events)


def test_the_version_of_the_endpoint_is_that_of_the_event(handler: Callable[..., Handler]) -> None:
    hook = handler(200, 400, 400)

    asked(hook.url, api_version="2024-06-20")

    assert json.loads(hook.delivered[0].body)["api_version"] == "2024-06-20"


def test_the_secret_is_in_nothing_that_is_sent(handler: Callable[..., Handler]) -> None:
    hook = handler(200, 400, 400)

    asked(hook.url)

    sent = repr(hook.delivered)
    assert [form for form in encodings(SECRET) if form in sent] == []


# --- What is made of the answers


def test_a_handler_that_verifies_passes(handler: Callable[..., Handler]) -> None:
    result = asked(handler(204, 400, 403).url)

    assert result.passed
    assert result.detail == "correctly signed: 204, wrongly signed: 400, 600 s old: 403"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            (400, 400, 400),
            "a correctly signed event is not accepted: perhaps it holds another signing secret",
        ),
        ((500, 400, 400), "a correctly signed event is not accepted (correctly signed: 500"),
        (
            (200, 200, 400),
            "the handler ACCEPTS an event that is wrongly signed: anyone can make up events",
        ),
        (
            (200, 400, 200),
            "the handler ACCEPTS an event that is 600 s old: a recorded event can be sent again",
        ),
        ((200, 500, 400), "an event that is wrongly signed is not refused with 4xx"),
        ((200, 400, 302), "an event that is 600 s old is not refused with 4xx"),
        ((200, 429, 400), "an event that is wrongly signed is not refused with 4xx"),
    ],
)
def test_a_handler_that_answers_otherwise_fails_and_is_told_plainly(
    handler: Callable[..., Handler], answers: tuple[int, int, int], said: str
) -> None:
    result = asked(handler(*answers).url)

    assert not result.passed
    assert said in result.detail


def test_every_fault_of_a_handler_is_told(handler: Callable[..., Handler]) -> None:
    result = asked(handler(200, 200, 200).url)

    assert "wrongly signed: anyone" in result.detail
    assert "600 s old: a recorded" in result.detail


def test_a_redirect_is_not_followed_and_is_a_failure(handler: Callable[..., Handler]) -> None:
    other = handler(200, 200, 200)
    hook = handler((307, {"Location": other.url}), 400, 400)

    result = asked(hook.url)

    assert "Stripe counts a redirect as a failure" in result.detail
    assert other.delivered == []


def test_a_handler_that_hangs_up_fails(handler: Callable[..., Handler]) -> None:
    result = asked(handler(None, None, None).url)

    assert not result.passed
    assert result.detail.startswith("RemoteProtocolError")


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent() -> None:
    result = asked("http://shop.example/hook")

    assert not result.passed
    assert "plain http is for this machine only, and shop.example is not" in result.detail


@pytest.mark.parametrize("answers", [(200, 400, 400), (200, 200, 200), (400, 500, 302), (None,)])
def test_neither_the_secret_nor_a_signature_is_in_a_result(
    handler: Callable[..., Handler], answers: tuple[int | None, ...]
) -> None:
    hook = handler(*answers)

    text = asked(hook.url).model_dump_json()

    assert [form for form in encodings(SECRET) if form in text] == []
    assert [one.signature for one in hook.delivered if one.signature[-64:] in text] == []
    assert SECRET not in repr(WebhookProbe("webhook", hook.url, Credential(SECRET, "x"), 5))


# --- The shop of the sandbox


@pytest.mark.parametrize(
    ("webhooks", "problem"),
    [
        ("strict", None),
        ("accept_everything", "wrongly signed: anyone"),
        ("ignore_timestamps", "600 s old: a recorded"),
        ("reject_everything", "perhaps it holds another signing secret"),
    ],
)
def test_the_sandbox_shop_is_seen_as_it_is(
    world: World, webhooks: str, problem: str | None
) -> None:
    world.reset()
    world.put("shop", {"webhook_secret": SECRET, "webhooks": webhooks})

    result = asked(f"{world.urls['shop']}/api/webhooks/stripe")

    assert result.passed is (problem is None)
    assert (problem or "") in result.detail


def test_a_probe_leaves_nothing_behind_in_the_shop(world: World) -> None:
    world.reset()

    asked(f"{world.urls['shop']}/api/webhooks/stripe")

    (event,) = world.state("shop")["events"]
    assert (event["type"], event["handled"]) == ("reconciler.probe", False)
