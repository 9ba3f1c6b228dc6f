"""What the tests of `reconciler doctor` have in common: looking, and what is arranged before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cli.conftest import Hands, Shop


@dataclass(frozen=True)
class Look:
    """What a look found, by subject, and how it ended."""

    code: int
    found: dict[str, dict[str, Any]]

    def __getitem__(self, subject: str) -> dict[str, Any]:
        return self.found[subject]

    def of(self, standing: str) -> list[str]:
        return [subject for subject, one in self.found.items() if one["standing"] == standing]


def look(shop: Shop, *options: str) -> Look:
    ran = shop.run("doctor", "sandbox", "--format", "json", *options)
    assert ran.json["exit_code"] == ran.code
    return Look(ran.code, {one["subject"]: one for one in ran.json["checks"]})


def set_clocks(shop: Shop, hands: Hands, *, ahead: float = 0, vendor: str = "*") -> None:
    """Let the vendors tell the time of this machine, which is so many seconds ahead."""
    told = hands.now() - timedelta(seconds=ahead)
    shop.world.fail(vendor=vendor, headers={"Date": format_datetime(told, usegmt=True)})


def add_capture(shop: Shop, place: str) -> None:
    shop.write(
        "resources:\n  - kind: stripe.webhook_endpoint\n    name: new\n"
        "    spec: {url: 'https://new.example/x', enabled_events: ['*']}\n"
        f"    capture: {{secret: '${{secret:{place}}}'}}\n"
    )


def cut_off(shop: Shop) -> str:
    """Apply something and take the end of the journal away, as a crash does. Return the run."""
    shop.click(url="https://old.example/stripe")
    run = str(shop.done("apply", "sandbox", "--yes", "--format", "json").json["run"])
    journal = shop.snapshots / "runs" / run / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["event"] != "finished"]
    journal.write_text("".join(kept), encoding="utf-8")
    return run
