from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from reconciler.sandbox.seed import UnusableSeedError, default_seed
from reconciler.sandbox.server import PortInUseError, UnknownVendorError, serve

ROOT = Path(__file__).parents[2]
STRIPE = {"Authorization": "Bearer sk_test_sandbox"}


def get(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    with httpx.Client(trust_env=False, headers=headers, verify=False) as client:  # noqa: S501 - plain HTTP on loopback
        return client.get(url)


def free_ports(count: int) -> int:
    """Return the first of so many consecutive free ports."""
    for first in range(20_000, 60_000, 7):
        opened: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                sock = socket.socket()
                opened.append(sock)
                sock.bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return first
        finally:
            for sock in opened:
                sock.close()
    raise AssertionError("no free ports")


def test_importing_the_package_imports_no_server() -> None:
    program = "import sys, reconciler.sandbox; print({'starlette', 'uvicorn'} & set(sys.modules))"

    output = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)  # noqa: S603 - our own interpreter

    assert output == "set()\n"


def test_ports_are_consecutive_in_the_order_given_and_control_follows() -> None:
    port = free_ports(3)

    with serve(port, ("vercel", "stripe")) as sandbox:
        answer = get(f"{sandbox.urls['stripe']}/v1/account", STRIPE)

    assert sandbox.urls == {
        "vercel": f"http://127.0.0.1:{port}",
        "stripe": f"http://127.0.0.1:{port + 1}",
        "control": f"http://127.0.0.1:{port + 2}",
    }
    assert answer.status_code == 200


def test_what_came_later_comes_after_control_and_moves_no_port() -> None:
    port = free_ports(5)

    with serve(port) as sandbox:
        answer = get(f"{sandbox.urls['shop']}/health")

    assert sandbox.urls == {
        "stripe": f"http://127.0.0.1:{port}",
        "vercel": f"http://127.0.0.1:{port + 1}",
        "control": f"http://127.0.0.1:{port + 2}",
        "shop": f"http://127.0.0.1:{port + 3}",
        "google": f"http://127.0.0.1:{port + 4}",
    }
    assert answer.json() == {"status": "ok"}


def test_a_stopped_sandbox_can_start_again_on_its_ports() -> None:
    port = free_ports(2)

    with serve(port, ("stripe",)) as first:
        get(f"{first.urls['control']}/requests")
    with serve(port, ("stripe",)) as second:
        answer = get(f"{second.urls['control']}/requests")

    assert answer.json() == []


def test_a_port_in_use_is_named_and_the_others_are_let_go() -> None:
    port = free_ports(5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()

        with (
            pytest.raises(PortInUseError, match=f"port {port + 1}, wanted for vercel"),
            serve(port),
        ):
            pass

    with serve(port) as sandbox:
        assert len(sandbox.urls) == 5


def test_an_unknown_vendor_is_refused() -> None:
    with pytest.raises(UnknownVendorError, match="no paypal; it has stripe, vercel"):
        serve(vendors=("paypal",)).__enter__()


@pytest.mark.parametrize("seed", [{"paypal": {}}, {"stripe": []}])
def test_a_seed_that_fits_no_vendor_is_refused(seed: dict[str, object]) -> None:
    with pytest.raises(UnusableSeedError):
        serve(seed=seed).__enter__()


def test_a_vendor_missing_in_the_seed_keeps_the_default() -> None:
    other = {"sk_live_other": {"state": {"livemode": True}}}
    account = {"account": {"id": "acct_mine", "object": "account"}, "credentials": other}

    with serve(seed={"stripe": account}) as sandbox:
        mine = get(f"{sandbox.urls['stripe']}/v1/account", STRIPE).json()
        endpoints = get(f"{sandbox.urls['stripe']}/v1/webhook_endpoints", STRIPE).json()
        vercel = get(f"{sandbox.urls['control']}/state/vercel").json()
        live = get(
            f"{sandbox.urls['stripe']}/v1/webhook_endpoints",
            {"Authorization": "Bearer sk_live_other"},
        )

    assert mine["id"] == "acct_mine"
    assert endpoints["data"] == []
    assert live.json()["data"] == []
    assert vercel == default_seed()["vercel"]


def test_a_seed_may_speak_of_vendors_that_are_not_served() -> None:
    with serve(vendors=("stripe",), seed=default_seed()) as sandbox:
        assert list(sandbox.urls) == ["stripe", "control"]


def test_latency_is_added_to_vendor_requests() -> None:
    with serve(latency=0.05) as sandbox:
        answer = get(f"{sandbox.urls['stripe']}/v1/account", STRIPE)

    assert answer.elapsed.total_seconds() >= 0.05


def test_secrets_in_the_seed_say_that_they_are_fake() -> None:
    seed = default_seed()
    hidden = [
        row["value"] for row in seed["vercel"]["projects"][0]["env"] if row["type"] != "plain"
    ]
    hidden += [endpoint["secret"] for endpoint in seed["stripe"]["webhook_endpoints"]]

    assert all("FAKE" in value for value in hidden)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_prints_its_urls_first_and_stops_cleanly(number: signal.Signals) -> None:
    program = "from reconciler.sandbox.server import run_forever; run_forever(port=0)"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        answer = get(f"{urls['stripe']}/v1/account", STRIPE)

        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)

    assert list(urls) == ["stripe", "vercel", "control", "shop", "google"]
    assert answer.status_code == 200
    assert (process.returncode, rest, errors) == (0, "", "")
