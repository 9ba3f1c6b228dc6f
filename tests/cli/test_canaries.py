"""No secret value reaches an output or a file, in any encoding, of any command, whatever happens."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from reconciler.core.masking import SHORTEST, encodings
from reconciler.engine import applying
from reconciler.wire.http import HttpClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.cli.conftest import Shop

HARD = 'é "quoted" \\ & <tag> %41 +/='
"""Characters that every encoding writes differently."""

COMMANDS = [
    ("validate",),
    ("plan", "sandbox"),
    ("plan", "sandbox", "-o", "a.json"),
    ("plan", "sandbox", "--format", "json"),
    ("plan", "sandbox", "--format", "markdown"),
    ("plan", "sandbox", "--offline"),
    ("apply", "sandbox"),
    ("apply", "sandbox", "a.json", "--yes"),
    ("show", "a.json"),
    ("snapshot", "sandbox", "--label", "later", "--format", "json"),
    ("drift", "sandbox"),
    ("drift", "sandbox", "--format", "json"),
    ("diff", "sandbox", "good", "live"),
    ("diff", "sandbox", "desired", "live", "--format", "json"),
    ("import", "sandbox"),
    ("import", "sandbox", "-o", "imported.yaml"),
    ("check", "sandbox"),
    ("rollback", "sandbox", "--yes"),
    ("undo", "sandbox", "--yes"),
    ("recover", "sandbox", "--yes"),
    ("freeze", "sandbox", "--off"),
    ("history", "sandbox"),
    ("history", "sandbox", "--format", "json"),
    ("show", "good"),
    ("show", "latest", "--format", "json"),
    ("show", "latest", "--format", "markdown"),
    ("explain", "vercel.env_var"),
]


class Canaries:
    """Every secret that a shop has: what its environment holds, and what the vendors hold."""

    def __init__(self, shop: Shop, values: Mapping[str, str]) -> None:
        self._shop = shop
        self.values = values

    def forms(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each secret and each form of its value."""
        hidden = dict(self.values)
        for one in self._shop.world.state("stripe")["webhook_endpoints"]:
            hidden[f"signing secret of {one['id']}"] = one["secret"]
        for row in self._shop.rows():
            if row["type"] != "plain":
                hidden[f"{row['key']} at Vercel"] = row["value"]
        for name, value in hidden.items():
            yield from ((name, form) for form in encodings(value) if len(form) >= SHORTEST)

    def told(self, *names: str) -> str:
        """Return a sentence with both credentials and further secrets in it."""
        known = ("SANDBOX_STRIPE_KEY", "SANDBOX_VERCEL_TOKEN", *names)
        return " ".join(self.values[name] for name in known)

    def seen_in(self, text: str) -> set[str]:
        return {name for name, form in self.forms() if form in text}

    def seen_in_files(self) -> set[str]:
        """Search every file but those of the secret store itself, which nobody else may read."""
        return {
            f"{path}: {name}"
            for path, content in self._shop.files().items()
            if not path.startswith("captured/")
            for name in self.seen_in(content.decode("utf-8", "replace") + path)
        }


@pytest.fixture
def canaries(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Canaries:
    """Give every secret variable a value that nobody can guess."""
    values = {"SANDBOX_STRIPE_KEY": f"sk_test_{secrets.token_hex(12)}"}
    values["SANDBOX_VERCEL_TOKEN"] = secrets.token_urlsafe(24).replace("-", "x")
    for path in shop.folder.glob("*.yaml"):
        for part in path.read_text(encoding="utf-8").split("${secret:env/")[1:]:
            values.setdefault(part.partition("}")[0], f"{secrets.token_hex(12)} {HARD}")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RECONCILER_DEBUG", "1")
    return Canaries(shop, values)


def break_things(shop: Shop) -> None:
    shop.done("snapshot", "sandbox", "--label", "good")
    shop.click(url="https://old.example/stripe")
    shop.lose("DATABASE_URL", "SMTP_URL", "LOG_LEVEL")
    shop.write(
        "resources:\n  - kind: stripe.webhook_endpoint\n    name: new\n"
        "    spec: {url: 'https://new.example/x', enabled_events: ['*']}\n"
        "    capture: {secret: '${secret:file/captured/new}'}\n"
        "  - kind: vercel.env_var\n    name: new-secret\n    spec:\n"
        "      {key: NEW_SECRET, target: [production], value: '${ref:stripe.webhook_endpoint/new#secret}'}\n"
    )


def test_no_command_shows_a_secret(shop: Shop, canaries: Canaries) -> None:
    break_things(shop)

    for command in COMMANDS:
        ran = shop.run(*command)

        assert canaries.seen_in(ran.all) == set(), command
    assert (shop.root / "captured" / "new").stat().st_mode & 0o077 == 0
    assert canaries.seen_in_files() == set()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
def test_a_vendor_that_repeats_what_it_was_sent_is_masked(
    shop: Shop, canaries: Canaries, status: int
) -> None:
    break_things(shop)
    said = canaries.told("SHOP_DATABASE_URL", "SHOP_PREVIEW_DATABASE_URL", "SHOP_SMTP_URL")
    body = {"error": {"message": said, "code": said, "type": said}}
    shop.world.fail(vendor="vercel", method="POST", status=status, body=body)

    for form in ("text", "json"):
        ran = shop.run("apply", "sandbox", "--yes", "--format", form)

        assert ran.code != 0
        assert canaries.seen_in(ran.all) == set()
    assert canaries.seen_in_files() == set()


def test_a_vendor_that_repeats_the_credential_to_a_read_is_masked(
    shop: Shop, canaries: Canaries
) -> None:
    break_things(shop)
    said = canaries.told()
    shop.world.fail(vendor="*", method="GET", status=418, body={"error": {"message": said}})

    for command in COMMANDS:
        assert canaries.seen_in(shop.run(*command).all) == set(), command
    assert canaries.seen_in_files() == set()


@pytest.mark.parametrize("place", ["request", "apply"])
def test_a_defect_shows_no_secret_even_when_debugging(
    shop: Shop, canaries: Canaries, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    break_things(shop)
    said = canaries.told()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(said)

    if place == "request":
        monkeypatch.setattr(HttpClient, "request", fail)
    else:
        monkeypatch.setattr(applying, "carry_on", fail)
        monkeypatch.setattr(applying, "read_all", fail)

    ran = shop.debugged("apply", "sandbox", "--yes")

    assert ran.code in {1, 7}
    assert "RuntimeError" in ran.all
    assert canaries.seen_in(ran.all) == set()


def test_a_secret_in_a_file_is_not_shown_by_its_error(shop: Shop, canaries: Canaries) -> None:
    value = canaries.values["SHOP_SMTP_URL"].replace("'", "")
    shop.write(
        "resources:\n  - kind: vercel.env_var\n    name: a\n    spec:\n"
        f"      {{key: A, target: [production], vlaue: 1, value: {value.split()[0]!r}}}\n"
    )

    for form in ("text", "json"):
        ran = shop.run("plan", "sandbox", "--format", form)

        assert ran.code == 1
        assert value.split()[0] not in ran.all
