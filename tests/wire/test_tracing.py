"""A trace tells of every request, and never a secret: neither a known one nor one that nobody knows yet."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.core.errors import VendorError
from reconciler.core.masking import MASK, Masker
from reconciler.providers.stripe.profile import STRIPE
from reconciler.wire.http import Connection, Credential, HttpClient
from reconciler.wire.pacing import Timing
from reconciler.wire.tracing import LONGEST_BODY, Tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk_test_9f8e7d6c5b4a3928"
UNKNOWN = "whsec_1a2b3c4d5e6f"
"""A secret that no masker knows."""


class Traced:
    """A client whose requests are traced, to a file and in words."""

    def __init__(self, folder: Path, verbosity: int, masker: Masker) -> None:
        self.path = folder / "traces" / "trace.jsonl"
        self.said: list[str] = []
        self.tracer = Tracer(masker, path=self.path, verbosity=verbosity, say=self.said.append)

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8") + "\n".join(self.said)

    @property
    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]


@contextmanager
def client_of(
    traced: Traced,
    answer: Callable[[httpx.Request], httpx.Response],
    *,
    masker: Masker,
    shows_bodies: bool = True,
) -> Iterator[HttpClient]:
    timing = Timing(sleep=lambda _: None, chance=lambda: 0.0)
    profile = replace(STRIPE, shows_bodies=shows_bodies)
    transport = httpx.MockTransport(answer)
    with Connection(
        profile, timing=timing, transport=transport, tracer=traced.tracer
    ) as connection:
        masker.add(KEY)
        yield HttpClient(connection, credential=Credential(KEY, "x"), masker=masker, writes=True)


@pytest.fixture
def masker() -> Masker:
    return Masker()


@pytest.fixture
def traced(tmp_path: Path, masker: Masker) -> Iterator[Traced]:
    traced = Traced(tmp_path, 2, masker)
    yield traced
    traced.tracer.close()


def test_a_request_and_its_answer_are_told(traced: Traced, masker: Masker) -> None:
    headers = {"Request-Id": "req_7", "Set-Cookie": "session=1"}
    answer = httpx.Response(200, json={"id": "we_1", "url": "https://a"}, headers=headers)

    with client_of(traced, lambda _: answer, masker=masker) as client:
        client.request("GET", "/v1/webhook_endpoints", params={"limit": 3})

    (record,) = traced.records
    assert record["vendor"] == "stripe"
    assert record["method"] == "GET"
    assert record["url"] == "https://api.stripe.com/v1/webhook_endpoints?limit=3"
    assert (record["status"], record["request_id"], record["attempt"]) == (200, "req_7", 1)
    assert record["seconds"] >= 0
    assert record["time"].startswith("20")
    assert record["response"]["body"] == {"id": "we_1", "url": "https://a"}
    assert traced.path.stat().st_mode & 0o777 == 0o600


def test_credentials_and_cookies_are_left_out(traced: Traced, masker: Masker) -> None:
    answer = httpx.Response(200, json={}, headers={"Set-Cookie": "session=1"})

    with client_of(traced, lambda _: answer, masker=masker) as client:
        client.request("GET", "/v1/account", headers={"Cookie": "a=b", "X-Vault-Token": "t"})

    (record,) = traced.records
    sent = {name.lower() for side in ("request", "response") for name in record[side]["headers"]}
    assert "user-agent" in sent
    assert sent & {"authorization", "cookie", "set-cookie", "x-vault-token"} == set()
    assert KEY not in traced.text


def test_a_secret_that_nobody_knows_yet_is_left_out_by_its_place(
    traced: Traced, masker: Masker
) -> None:
    answer = httpx.Response(200, json={"id": "we_1", "secret": UNKNOWN, "env": {"value": UNKNOWN}})

    with client_of(traced, lambda _: answer, masker=masker) as client:
        form = f"url=https%3A%2F%2Fa&metadata%5Btoken%5D={UNKNOWN}"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        client.request("POST", "/v1/x", content=form, headers=kind, params={"sig": UNKNOWN})
        client.request("POST", "/v1/x", json={"key": "A", "value": UNKNOWN})

    first, second = traced.records
    assert UNKNOWN not in traced.text
    assert first["request"]["body"] == [["url", "https://a"], ["metadata[token]", MASK]]
    assert "sig=%5Bsecret%5D" in first["url"] or f"sig={MASK}" in first["url"]
    assert first["response"]["body"] == {"id": "we_1", "secret": MASK, "env": {"value": MASK}}
    assert second["request"]["body"] == {"key": "A", "value": MASK}


def test_a_known_value_is_masked_wherever_it_stands(traced: Traced, masker: Masker) -> None:
    body = {"error": {"message": f"no such key: {KEY}"}, KEY: 1}
    answer = httpx.Response(418, json=body, headers={"X-Echo": KEY, "Request-Id": KEY})

    with client_of(traced, lambda _: answer, masker=masker) as client, pytest.raises(VendorError):
        client.request("GET", f"/v1/{KEY}")

    assert KEY not in traced.text
    assert traced.records[0]["response"]["body"]["error"]["message"] == f"no such key: {MASK}"


def test_a_short_secret_is_masked_where_it_stands_alone(traced: Traced, masker: Masker) -> None:
    masker.add("q7Z")
    answer = httpx.Response(200, json={"comment": "q7Z", "note": "q7Zebra"})

    with client_of(traced, lambda _: answer, masker=masker) as client:
        client.request("GET", "/v1/x")

    assert traced.records[0]["response"]["body"] == {"comment": MASK, "note": "q7Zebra"}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"data": {"data": {"any name": UNKNOWN}}}),
        httpx.Response(200, text=UNKNOWN),
    ],
    ids=["JSON", "text"],
)
def test_a_vendor_that_does_not_allow_it_shows_no_bodies(
    traced: Traced, masker: Masker, answer: httpx.Response
) -> None:
    with client_of(traced, lambda _: answer, masker=masker, shows_bodies=False) as client:
        client.request("POST", "/v1/x", json={"any name": UNKNOWN})

    assert UNKNOWN not in traced.text
    assert "not shown" in traced.records[0]["response"]["body"]


@pytest.mark.parametrize("body", [UNKNOWN, f'"{UNKNOWN}"', "[" * 100_000, "\udcff"])
def test_a_body_whose_places_cannot_be_told_is_not_shown(
    traced: Traced, masker: Masker, body: str
) -> None:
    answer = httpx.Response(200, content=body.encode("utf-8", "surrogateescape"))

    with client_of(traced, lambda _: answer, masker=masker) as client:
        client.request("GET", "/v1/x")

    assert UNKNOWN not in traced.text
    assert "not shown" in traced.records[0]["response"]["body"]


def test_a_long_body_is_cut_after_it_was_masked(traced: Traced, masker: Masker) -> None:
    text = "x" * (LONGEST_BODY - 20) + KEY + "y" * LONGEST_BODY
    answer = httpx.Response(200, json={"text": text})

    with client_of(traced, lambda _: answer, masker=masker) as client:
        client.request("GET", "/v1/x")

    assert KEY[:12] not in traced.text
    assert len(traced.records[0]["response"]["body"]) < LONGEST_BODY + 100


def test_every_attempt_is_told(traced: Traced, masker: Masker) -> None:
    script: list[httpx.Response | Exception] = [
        httpx.Response(500),
        httpx.ConnectError("refused"),
        httpx.Response(200, json={}),
    ]

    def answer(_: httpx.Request) -> httpx.Response:
        one = script.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    with client_of(traced, answer, masker=masker) as client:
        client.request("GET", "/v1/x")

    assert [one["attempt"] for one in traced.records] == [1, 2, 3]
    assert [one["status"] for one in traced.records] == [500, None, 200]
    assert traced.records[1]["lost"] == "refused"
    assert "(attempt 3)" in traced.said[-1]


@pytest.mark.parametrize(("verbosity", "lines"), [(0, 0), (1, 1), (2, 3)])
def test_more_is_said_when_more_is_asked_for(
    tmp_path: Path, masker: Masker, verbosity: int, lines: int
) -> None:
    traced = Traced(tmp_path, verbosity, masker)
    answer = httpx.Response(200, json={"id": "x"})

    with client_of(traced, lambda _: answer, masker=masker) as client:
        client.request("POST", "/v1/x", json={"a": 1})
    traced.tracer.close()

    assert len("\n".join(traced.said).splitlines()) == lines


def test_what_is_there_already_is_kept_and_closed_to_others(tmp_path: Path, masker: Masker) -> None:
    path = tmp_path / "traces" / "trace.jsonl"
    path.parent.mkdir()
    path.write_text('{"old": 1}\n')
    path.chmod(0o644)

    traced = Traced(tmp_path, 0, masker)
    with client_of(traced, lambda _: httpx.Response(200, json={}), masker=masker) as client:
        client.request("GET", "/v1/x")
    traced.tracer.close()

    assert traced.records[0] == {"old": 1}
    assert len(traced.records) == 2
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")  # noqa: PTH110
def test_a_trace_that_cannot_be_written_does_not_end_the_work(
    masker: Masker, tmp_path: Path
) -> None:
    said: list[str] = []
    traced = Traced(tmp_path, 0, masker)
    traced.tracer.close()
    traced.tracer = Tracer(
        masker, path=tmp_path.__class__("/dev/full"), verbosity=0, say=said.append
    )

    with client_of(traced, lambda _: httpx.Response(200, json={}), masker=masker) as client:
        client.request("GET", "/v1/x")
        answer = client.request("GET", "/v1/x")

    assert answer.status_code == 200
    assert said == ["The trace ends here: it cannot be written (No space left on device)"]
