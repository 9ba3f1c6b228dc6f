"""What checks see over real connections: pages, ports and certificates on this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.masking import Masker
from reconciler.providers.probing import (
    AT_ONCE,
    LONGEST,
    Expected,
    HttpProbe,
    Probe,
    TcpProbe,
    TlsProbe,
    Unmade,
    probed,
)
from reconciler.providers.probing.http_probe import LARGEST
from reconciler.providers.probing.json_path import Absent, found_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.core.evidence import CheckResult


class Standing:
    """A clock that stands still: ``core.ports.Clock``."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s")


THEN = Standing(datetime(2026, 11, 19, 3, tzinfo=UTC))


def looked(*probes: Probe, masker: Masker | None = None) -> list[CheckResult]:
    return list(probed(probes, THEN, masker or Masker()))


def only(probe: Probe, masker: Masker | None = None) -> CheckResult:
    (result,) = looked(probe, masker=masker)
    return result


# --- A server that answers what it is told to


class Page:
    """A page on this machine. ``asked`` are the heads of the requests so far."""

    def __init__(self) -> None:
        self.answer = b""
        self.delay = 0.0
        self.pause = 0.0
        self.asked: list[str] = []
        self.port = 0
        self._gate: asyncio.Event | None = None
        self._waiting = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def says(self, body: str, status: str = "200 OK", *headers: str) -> None:
        head = "\r\n".join(
            [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *headers]
        )
        self.answer = f"{head}\r\nConnection: close\r\n\r\n{body}".encode()

    def only_together(self, count: int) -> None:
        """Answer nobody until so many ask at the same time."""
        self._waiting = count
        self._gate = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if self._gate is not None:
                self._waiting -= 1
                if self._waiting == 0:
                    self._gate.set()
                await asyncio.wait_for(self._gate.wait(), 5)
            await asyncio.sleep(self.delay)
            head, gap, body = self.answer.partition(b"\r\n\r\n")
            writer.write(head + gap)
            size = 1 if self.pause else 1 << 16
            for start in range(0, len(body), size):
                writer.write(body[start : start + size])
                await writer.drain()
                await asyncio.sleep(self.pause)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the visitor left
        finally:
            writer.close()

    async def run(self, started: threading.Event, stopped: asyncio.Event) -> None:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await stopped.wait()
        server.close()
        visits = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*visits, return_exceptions=True), 5)


@pytest.fixture
def page() -> Iterator[Page]:
    found = Page()
    started, stopped = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(found.run(started, stopped)))
    thread.start()
    started.wait()
    yield found
    loop.call_soon_threadsafe(stopped.set)
    thread.join()
    loop.close()


def asking(page: Page, **fields: Any) -> HttpProbe:
    return HttpProbe(
        **{"name": "page", "url": page.url, "expect_status": 200, "timeout": 5, **fields}
    )


# --- Pages


def test_a_page_with_the_expected_status_passes(page: Page) -> None:
    page.says("hello")

    result = only(asking(page))

    assert (result.passed, result.detail) == (True, "200, expected 200")


def test_another_status_fails_and_is_named(page: Page) -> None:
    page.says("oh", "503 Service Unavailable")

    result = only(asking(page))

    assert (result.passed, result.detail) == (False, "503, expected 200")


def test_a_redirect_is_not_followed(page: Page) -> None:
    page.says("", "302 Found", f"Location: {page.url}")

    result = only(asking(page))

    assert result.detail == "302, expected 200, a redirect, which was not followed"
    assert len(page.asked) == 1


def test_no_credential_and_no_cookie_is_sent(page: Page) -> None:
    page.says("", "200 OK", "Set-Cookie: a=b")

    looked(asking(page), asking(page))

    assert "authorization" not in str(page.asked).lower()
    assert "cookie" not in page.asked[0].lower()


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        ('{"status": "ok"}', "$.status", "ok"),
        ('{"status": "ok"}', "status", "ok"),
        ('{"a": {"b": [0, {"c": null}]}}', "$.a.b[1].c", None),
        ('{"a": {"b": [0, {"c": 1.0}]}}', "a.b.1.c", 1),
        ('{"a": [true, {"x": 1}]}', "$.a", [True, {"x": 1}]),
        ('"ok"', "$", "ok"),
        ("[1]", "$[0]", 1),
    ],
)
def test_a_body_that_says_what_is_expected_passes(
    page: Page, body: str, path: str, value: object
) -> None:
    page.says(body)

    result = only(asking(page, body=Expected(path, value)))

    assert result.passed, result.detail


@pytest.mark.parametrize(
    ("body", "value", "said"),
    [
        ('{"status": "down"}', "ok", '$.status is "down", expected "ok"'),
        ('{"status": 1}', True, "$.status is 1, expected true"),
        ('{"status": [1]}', [True], "$.status is [1], expected [true]"),
        ('{"status": "1"}', 1, '$.status is "1", expected 1'),
        ('{"status": null}', "ok", '$.status is null, expected "ok"'),
        ('{"stat": "ok"}', "ok", '$.status is absent, expected "ok"'),
        ('{"stat": "ok"}', None, "$.status is absent, expected null"),
        ("[]", "ok", '$.status is absent, expected "ok"'),
        ("<html>", "ok", "the body is not JSON"),
        ("", "ok", "the body is not JSON"),
        ("[" * 100_000, "ok", "the body is not JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_says_something_else_fails(
    page: Page, body: str, value: object, said: str
) -> None:
    page.says(body)

    result = only(asking(page, body=Expected("$.status", value)))

    assert (result.passed, result.detail) == (False, f"200, expected 200, {said}")


def test_a_good_body_does_not_make_up_for_the_status(page: Page) -> None:
    page.says('{"status": "ok"}', "500 Internal Server Error")

    assert not only(asking(page, body=Expected("$.status", "ok"))).passed


def test_an_endless_body_is_not_read_to_its_end(page: Page) -> None:
    page.says(" " * (LARGEST + 100_000))

    result = only(asking(page, body=Expected("$", "ok")))

    assert (result.passed, result.detail) == (
        False,
        f"200, expected 200, the body is longer than {LARGEST} bytes",
    )


def test_a_body_that_trickles_in_is_given_up_in_time(page: Page) -> None:
    page.says(" " * 1000)
    page.pause = 0.01

    result = only(asking(page, timeout=0.1, body=Expected("$", "ok")))

    assert (result.passed, result.detail) == (
        False,
        "200, expected 200, the body did not end in time",
    )
    assert result.seconds < 5


def test_a_slow_answer_fails(page: Page) -> None:
    page.says("ok")
    page.delay = 0.06

    result = only(asking(page, max_latency=0.05))

    assert not result.passed
    assert "at most 0.05 s are wanted" in result.detail
    assert result.seconds >= 0.06


def test_an_answer_in_time_passes(page: Page) -> None:
    page.says("ok")

    assert only(asking(page, max_latency=4.0)).passed


def test_a_page_that_does_not_answer_in_time_fails(page: Page) -> None:
    page.says("ok")
    page.delay = 0.5

    result = only(asking(page, timeout=0.05))

    assert (result.passed, result.detail) == (False, "ReadTimeout: timed out")


def test_a_page_that_is_not_there_fails() -> None:
    result = only(HttpProbe("page", "http://127.0.0.1:1/", 200, 5))

    assert not result.passed
    assert result.detail.startswith("ConnectError")


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://127.0.0.1:port/", "ftp://localhost/"]
)
def test_an_address_that_is_none_fails_its_check_only(url: str) -> None:
    assert not only(HttpProbe("page", url, 200, 5)).passed


def test_a_secret_in_what_is_answered_is_masked_also_where_the_detail_is_cut(page: Page) -> None:
    secret = "whsec_FAKE" * 60
    page.says(f'{{"status": "{"x" * (LONGEST - 60)}{secret}"}}')

    result = only(asking(page, body=Expected("$.status", "ok")), Masker([secret]))

    assert "FAKE" not in result.detail
    assert "[secret]" in result.detail
    assert len(result.detail) <= LONGEST


def test_a_strangers_text_shows_no_control_characters(page: Page) -> None:
    page.says('{"status": "\\u001b[2J\\u202egood"}')

    result = only(asking(page, body=Expected("$.status", "ok")))

    assert result.detail.isprintable()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    )
)
def test_every_value_in_a_body_is_found_at_its_path(value: object) -> None:
    def walk(one: Any, path: str) -> Iterator[tuple[str, Any]]:
        yield path, one
        if isinstance(one, dict):
            for key, inner in one.items():
                yield from walk(inner, f"{path}.{key}")
        if isinstance(one, list):
            for at, inner in enumerate(one):
                yield from walk(inner, f"{path}[{at}]")

    for path, wanted in walk(value, "$"):
        assert found_at(value, path) is wanted
        assert found_at(value, f"{path}.zzz") is Absent.VALUE
        assert found_at(value, f"{path}[99]") is Absent.VALUE


# --- All of them


def test_checks_run_at_the_same_time(page: Page) -> None:
    page.says("ok")
    page.only_together(AT_ONCE)

    results = looked(*(asking(page, name=str(at)) for at in range(AT_ONCE)))

    assert all(result.passed for result in results)


def test_results_come_in_the_order_of_the_checks_and_one_failure_spoils_no_other(
    page: Page,
) -> None:
    page.says("ok")
    probes = [
        asking(page, name=str(at)) if at % 3 else Unmade(str(at), "something is missing")
        for at in range(3 * AT_ONCE)
    ]

    results = looked(*probes)

    assert [int(result.name) for result in results] == list(range(3 * AT_ONCE))
    assert [result.passed for result in results] == [bool(at % 3) for at in range(3 * AT_ONCE)]


def test_no_checks_have_no_results() -> None:
    assert looked() == []


def test_what_could_not_be_done_has_not_passed() -> None:
    result = only(Unmade("page", "its secret is missing"))

    assert (result.passed, result.detail) == (False, "its secret is missing")


def test_a_result_says_when(page: Page) -> None:
    page.says("ok")

    assert only(asking(page)).at == "2026-11-19T03:00:00+00:00"


# --- Ports


def test_a_port_that_accepts_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        result = only(TcpProbe("database", "127.0.0.1", port, 5))

    assert (result.passed, result.detail) == (True, f"127.0.0.1:{port} accepts connections")


def test_a_port_that_refuses_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    result = only(TcpProbe("database", "127.0.0.1", port, 5))

    assert not result.passed
    assert "Connection refused" in result.detail


# --- Certificates


class Authority:
    """A certificate authority of its own, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
        self.file = folder / "ca.pem"
        self.file.write_bytes(_pem(self._certificate(self._name, self._key, 4000, authority=True)))

    def issued(self, days: float, *hosts: str) -> ssl.SSLContext:
        """Return a server's context with a certificate that expires so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")])
        certificate = self._certificate(name, key, days, hosts)
        file = self._folder / "server.pem"
        file.write_bytes(_pem(certificate) + _private(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        days: float,
        hosts: tuple[str, ...] = (),
        *,
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        names: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
            for host in hosts
        ]
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=authority,
            crl_sign=authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=5000))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[int]:
    """Shake hands with one visitor; give the port."""

    def welcome() -> None:
        visitor, _ = listening.accept()
        try:
            with context.wrap_socket(visitor, server_side=True) as secured:
                secured.recv(1)
        except OSError:  # the visitor did not like the certificate
            visitor.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=welcome)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def certificate_of(
    host: str, context: ssl.SSLContext, ca_file: Path | None, min_days: int = 14
) -> CheckResult:
    now = Standing(datetime.now(UTC))  # certificates are judged by the time of the machine
    with serving(context) as port:
        probe = TlsProbe("certificate", host, port, min_days, 5, ca_file)
        (result,) = probed([probe], now, Masker())
    return result


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_for_its_host_with_days_left_passes(authority: Authority, host: str) -> None:
    result = certificate_of(host, authority.issued(30.5, host), authority.file)

    assert result.passed
    assert result.detail.startswith("the certificate expires in 30 days, on ")


def test_a_certificate_that_expires_soon_fails(authority: Authority) -> None:
    result = certificate_of("localhost", authority.issued(13.5, "localhost"), authority.file)

    assert not result.passed
    assert "expires in 13 days" in result.detail
    assert result.detail.endswith("; at least 14 days are wanted")


def test_the_last_day_that_is_enough_passes(authority: Authority) -> None:
    assert certificate_of("localhost", authority.issued(14.01, "localhost"), authority.file).passed


@pytest.mark.parametrize(
    ("days", "host", "trusted", "said"),
    [
        (-1, "localhost", True, "certificate has expired"),
        (30, "shop.example", True, "Hostname mismatch"),
        (30, "localhost", False, "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_a_browser_would_refuse_fails(
    authority: Authority, days: int, host: str, *, trusted: bool, said: str
) -> None:
    ca_file = authority.file if trusted else None

    result = certificate_of("localhost", authority.issued(days, host), ca_file)

    assert not result.passed
    assert result.detail.startswith("the certificate is not accepted: ")
    assert said in result.detail


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file or directory"), (b"text", "it holds no certificate")]
)
def test_a_ca_file_that_cannot_be_used_fails(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    result = only(TlsProbe("certificate", "localhost", 1, 14, 5, file))

    assert not result.passed
    assert result.detail.endswith(f"cannot be used: {said}")


def test_a_server_that_speaks_no_tls_fails(page: Page) -> None:
    page.says("ok")

    result = only(TlsProbe("certificate", "127.0.0.1", page.port, 14, 0.2))

    assert not result.passed
