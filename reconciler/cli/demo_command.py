"""``reconciler demo``: a night in five minutes, over real HTTP, in less than five seconds.

Every step is a command that a person can repeat; it is printed before it is run.
"""

from __future__ import annotations

import os
import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = ".demo"
STRIPE_KEY = "sk_test_demo"
VERCEL_TOKEN = "vercel_demo_token"  # noqa: S105 - opens the sandbox alone
CREDENTIALS = {
    "SANDBOX_STRIPE_KEY": STRIPE_KEY,
    "SANDBOX_VERCEL_TOKEN": VERCEL_TOKEN,
    "SHOP_STRIPE_WEBHOOK_SECRET": "whsec_demo_FAKE",
    "SHOP_DATABASE_URL": "postgres://shop:demo-FAKE@db.internal.example/shop",
    "SHOP_PREVIEW_DATABASE_URL": "postgres://shop:demo-FAKE@db.internal.example/preview",
    "SHOP_SENTRY_DSN": "https://demo-FAKE@sentry.example/42",
    "SHOP_SMTP_URL": "smtp://shop:demo-FAKE@mail.example:587",
    "SHOP_PAYPAL_CLIENT_SECRET": "demo-FAKE-paypal-secret",
}


class _Edit(NamedTuple):
    """What somebody does in a vendor's dashboard."""

    why: str
    vendor: str
    method: str
    path: str
    form: Mapping[str, str] | None = None
    json: Mapping[str, str] | None = None


@click.command("demo")
@click.pass_context
def command(ctx: click.Context) -> int:
    """Break a shop in the sandbox the way dashboards do, find it, plan it, roll it back."""
    from reconciler.sandbox.server import PortInUseError, serve

    workspace = Path(ctx.obj["directory"]).resolve() / FOLDER
    os.environ.update(CREDENTIALS)
    try:
        with serve(4700) as sandbox:
            return _story(workspace, sandbox.urls)
    except PortInUseError:
        with serve(0) as sandbox:
            return _story(workspace, sandbox.urls)


def _story(workspace: Path, urls: Mapping[str, str]) -> int:
    _prepare(workspace, urls)
    _title("A shop that takes payments: Stripe webhooks, Vercel variables, a pinned deployment")
    _tell("The vendors are imitated on loopback; the shop's files are in the folder of -C.")
    _tell("To repeat every command by hand:")
    _tell(f"  {_program()} sandbox serve --port 4700        # in another terminal")
    for name, value in CREDENTIALS.items():  # once they are in use, even these are masked
        _tell(f"  export {name}={value}")
    _run(workspace, "validate", "sandbox")
    _run(workspace, "snapshot", "sandbox", "--label", "good", "--note", "before the deploy")

    _title("18:02 - a deploy, and some clicks in dashboards")
    _break(urls)

    _title("03:00 - what changed since it worked?")
    _run(workspace, "drift", "sandbox", expected=ExitCode.DIFFERENCES)

    _title("Go back to what worked")
    _run(workspace, "rollback", "sandbox", "--to", "good", "--yes")

    _title("Did it really work?")
    _run(workspace, "plan", "sandbox", "--exit-code")
    _run(workspace, "history", "sandbox")
    _proof(urls)
    return int(ExitCode.OK)


def _prepare(workspace: Path, urls: Mapping[str, str]) -> None:
    """Copy the example, and point it at the ports that the sandbox got."""
    shutil.rmtree(workspace, ignore_errors=True)
    target = workspace / "desired_state" / "sandbox"
    target.mkdir(parents=True)
    for path in sorted(_example().iterdir()):
        text = path.read_text(encoding="utf-8")
        for vendor, port in (("stripe", 4700), ("vercel", 4701)):
            text = text.replace(f"http://127.0.0.1:{port}", urls[vendor])
        (target / path.name).write_text(text, encoding="utf-8")


def _example() -> Path:
    """Return the example environment: of the source tree, or packed into the wheel."""
    source = Path(__file__).parents[2] / "desired_state" / "sandbox"
    return source if source.is_dir() else Path(str(files("reconciler.sandbox"))) / "example"


def _break(urls: Mapping[str, str]) -> None:
    rows = _get(urls["vercel"], "/v10/projects/shop/env")["envs"]
    database = next(
        row["id"]
        for row in rows
        if row["key"] == "DATABASE_URL" and row["target"] == ["production"]
    )
    edits = (
        _Edit(
            "Somebody points the payment webhook at an old address, and forgets most events:",
            "stripe",
            "POST",
            "/v1/webhook_endpoints/we_payments",
            form={"url": "https://old.shop.example/stripe", "enabled_events[0]": "charge.refunded"},
        ),
        _Edit(
            "Somebody deletes a variable that looked unused:",
            "vercel",
            "DELETE",
            f"/v9/projects/shop/env/{database}",
        ),
        _Edit(
            "And the new deployment is promoted:",
            "vercel",
            "POST",
            "/v10/projects/prj_sandbox/promote/dpl_bad_42",
            json={},
        ),
    )
    for edit in edits:
        _tell(edit.why)
        _send(edit, urls[edit.vendor])
    while _request_under_way(urls["vercel"]):
        pass


def _send(edit: _Edit, url: str) -> None:
    """Print an edit as a curl command, and make it."""
    import httpx

    query = "?teamId=team_sandbox" if edit.vendor == "vercel" else ""
    token = STRIPE_KEY if edit.vendor == "stripe" else VERCEL_TOKEN
    variable = next(name for name, value in CREDENTIALS.items() if value == token)
    words = [
        f"curl -X {edit.method} '{url}{edit.path}{query}'",
        f'-H "Authorization: Bearer ${variable}"',
    ]
    words += [f"-d '{name}={value}'" for name, value in (edit.form or {}).items()]
    if edit.json is not None:
        words.append("--json '{}'")
    _tell("  $ " + " \\\n      ".join(words))
    httpx.request(
        edit.method,
        f"{url}{edit.path}{query}",
        headers={"Authorization": f"Bearer {token}"},
        data=edit.form,
        json=edit.json,
        trust_env=False,
    ).raise_for_status()


def _request_under_way(url: str) -> bool:
    project = _get(url, "/v9/projects/shop")
    return (project.get("lastAliasRequest") or {}).get("jobStatus") in {"pending", "in-progress"}


def _get(url: str, path: str) -> dict:  # type: ignore[type-arg]  # JSON
    import httpx

    found: dict = httpx.get(  # type: ignore[type-arg]  # JSON
        f"{url}{path}",
        params={"teamId": "team_sandbox"},
        headers={"Authorization": f"Bearer {VERCEL_TOKEN}"},
        trust_env=False,
    ).json()
    return found


def _proof(urls: Mapping[str, str]) -> None:
    """Ask the sandbox itself, past the product: the same endpoint, the same secret, the good deployment."""
    import httpx

    from reconciler.sandbox.seed import default_seed

    state = {
        vendor: httpx.get(f"{urls['control']}/state/{vendor}", trust_env=False).json()
        for vendor in ("stripe", "vercel")
    }
    before = {one["id"]: one for one in default_seed()["stripe"]["webhook_endpoints"]}
    after = {one["id"]: one for one in state["stripe"]["webhook_endpoints"]}
    keys = [row["key"] for row in state["vercel"]["projects"][0]["env"]]
    checks = {
        "the payment webhook has its address again": after["we_payments"]["url"]
        == before["we_payments"]["url"],
        "it is the same endpoint, with the same signing secret": after.keys() == before.keys()
        and after["we_payments"]["secret"] == before["we_payments"]["secret"],
        "DATABASE_URL is back for production": keys.count("DATABASE_URL") == 2,
        "production serves dpl_good_41": state["vercel"]["projects"][0]["production"]
        == "dpl_good_41",
    }
    _title("The vendors' own view")
    for claim, holds in checks.items():
        _tell(f"  {'ok  ' if holds else 'WRONG'} {claim}")
    if not all(checks.values()):
        raise VerificationFailed("The demo did not end as it should")


def _run(workspace: Path, *arguments: str, expected: ExitCode = ExitCode.OK) -> None:
    """Print a command and run it. Raises VerificationFailed for another exit code than ``expected``."""
    from reconciler.cli.main import main

    words = ["-C", os.path.relpath(workspace), *arguments]
    _tell(f"$ {_program()} {' '.join(_quoted(words))}")
    code = main(words)
    if code != expected:
        raise VerificationFailed(f"{arguments[0]} ended with {code}, not with {int(expected)}")
    click.echo()


def _quoted(words: Sequence[str]) -> list[str]:
    return [f'"{word}"' if " " in word else word for word in words]


def _program() -> str:
    return os.environ.get("RECONCILER_COMMAND", "reconciler")


def _title(text: str) -> None:
    click.echo(f"\n== {text}\n")


def _tell(text: str) -> None:
    click.echo(text)
