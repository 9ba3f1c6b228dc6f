"""This machine: Python, packages, the way to the vendors, the clock."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.doctoring import machine
from tests.cli.doctoring.looking import look, set_clocks

if TYPE_CHECKING:
    from tests.cli.conftest import Hands, Shop


def test_an_old_python_is_told(well: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))

    found = look(well)

    assert found.code == 1
    assert found["python"]["standing"] == "fail"
    assert "3.11 or newer is needed" in found["python"]["found"]


def test_a_package_that_is_too_old_or_missing_is_told(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = machine.Requirements(
        "3.11",
        (
            machine.Needed("httpx", "99.1"),
            machine.Needed("no-such-package-of-ours", "2"),
            machine.Needed("no-such-extra-of-ours", "2", is_extra=True),
        ),
    )
    monkeypatch.setattr(machine, "requirements", lambda: wanted)

    packages = look(well)["packages"]

    assert packages["standing"] == "fail"
    assert "99.1 or newer is needed; no-such-package-of-ours is not installed" in packages["found"]
    assert packages["mend"].endswith("-m pip install 'httpx>=99.1' 'no-such-package-of-ours>=2'")


def test_what_is_needed_is_what_the_project_says() -> None:
    found = machine.requirements()

    assert found is not None
    assert found.python == "3.11"
    floors = {one.name: one.floor for one in found.packages if not one.is_extra}
    assert floors["PyYAML"] == "6.0.2"
    assert {one.name for one in found.packages if one.is_extra} >= {"boto3", "hvac", "keyring"}


def test_a_proxy_is_told_without_its_password_and_is_not_for_this_machine(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:FAKE-pr0xy-pw@proxy.example:3128")
    well.edit("environment.yaml", f"    base_url: {well.world.urls['vercel']}\n", "")

    ran = well.run("doctor", "sandbox", "--offline", "--format", "json")

    told = next(one for one in ran.json["checks"] if one["subject"] == "proxies")["found"]
    assert "vercel through http://proxy.example:3128" in told
    assert "stripe directly: it is on this machine" in told
    assert "FAKE-pr0xy-pw" not in ran.all


def test_an_exception_from_the_proxy_is_honoured(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "api.vercel.com")
    well.edit("environment.yaml", f"    base_url: {well.world.urls['vercel']}\n", "")

    found = look(well, "--offline")

    assert "vercel directly" in found["proxies"]["found"]


def test_a_proxy_that_is_none_is_told(well: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy.example")

    found = look(well)

    assert found.code == 1
    assert found["proxies"]["mend"] == "export HTTPS_PROXY=http://proxy.example:3128"


def test_certificates_that_are_not_there_are_told(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "no-such.pem")

    found = look(well)

    assert found.code == 1
    assert "no-such.pem: No such file" in found["certificates"]["found"]
    assert found["certificates"]["mend"].startswith("unset SSL_CERT_FILE")


def test_a_variable_of_other_programs_is_told_not_to_be_obeyed(
    well: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "company.pem")

    found = look(well)

    assert found.code == 0
    assert found["certificates"]["standing"] == "warn"
    assert found["certificates"]["mend"] == 'export SSL_CERT_FILE="$REQUESTS_CA_BUNDLE"'


@pytest.mark.parametrize(
    ("ahead", "standing", "code"),
    [(3, "ok", 0), (20, "warn", 0), (-20, "warn", 0), (400, "fail", 1), (-90, "fail", 1)],
)
def test_a_wrong_clock_is_told_by_the_time_of_the_vendors(
    good: Shop, hands: Hands, ahead: float, standing: str, code: int
) -> None:
    set_clocks(good, hands, ahead=ahead)

    found = look(good)

    assert found.code == code
    assert found["clock"]["standing"] == standing
    if standing != "ok":
        assert ("ahead of" if ahead > 0 else "behind") in found["clock"]["found"]
        assert found["clock"]["mend"] == "timedatectl set-ntp true"


def test_a_vendor_whose_clock_is_wrong_is_not_this_machine(good: Shop, hands: Hands) -> None:
    set_clocks(good, hands, vendor="stripe", ahead=500)
    set_clocks(good, hands, vendor="vercel")

    found = look(good)["clock"]

    assert found["standing"] == "ok"
    assert "ahead of stripe" in found["found"]
    assert "agrees with vercel" in found["found"]
