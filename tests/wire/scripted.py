"""A vendor that answers from a script, and a client of it whose clock only sleeping moves."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from reconciler.core.masking import Masker
from reconciler.providers.stripe.profile import STRIPE
from reconciler.wire.http import Connection, Credential, HttpClient, VendorProfile
from reconciler.wire.pacing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

KEY = "sk_test_canary4eC39HqLyjWDarjtT1zdp7dc"
REFERENCE = "${secret:env/STRIPE_SECRET_KEY}"


@dataclass
class FakeTime:
    """A clock that only sleeping moves, and no chance: every wait has its full length."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.now, lambda: self.now, self.sleep, lambda: 0.0)


@dataclass
class Vendor:
    """Answers from a script, the last one for ever, and keeps what it was asked."""

    script: Sequence[httpx.Response | Exception]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.script[min(len(self.asked), len(self.script) - 1)]
        self.asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(
            answer.status_code, headers=answer.headers.multi_items(), content=answer.content
        )


def ok() -> httpx.Response:
    return httpx.Response(200, json={"id": "we_1"})


def refusal(status: int, message: str = "No.", **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        status, json={"error": {"code": "some_code", "message": message}}, headers=names
    )


@contextmanager
def client_for(
    vendor: Callable[[httpx.Request], httpx.Response],
    *,
    profile: VendorProfile = STRIPE,
    writes: bool = True,
    time: FakeTime | None = None,
    value: str = KEY,
) -> Iterator[HttpClient]:
    timing = (time or FakeTime()).timing
    with Connection(profile, timing=timing, transport=httpx.MockTransport(vendor)) as connection:
        yield HttpClient(
            connection, credential=Credential(value, REFERENCE), masker=Masker(), writes=writes
        )
