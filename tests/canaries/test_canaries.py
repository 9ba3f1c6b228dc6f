"""No secret value reaches a file, an output or a program's arguments, in any encoding, whatever happens."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.main import COMMANDS
from reconciler.cli.streams import rendered
from reconciler.core.behaviour import rules_of
from reconciler.core.masking import Masker
from reconciler.providers import registry
from reconciler.secrets.registry import STORES as KNOWN_STORES
from tests.canaries.forms import forms_of, told_in_groups
from tests.canaries.planting import (
    COVERED,
    CREDENTIALS,
    PAYMENTS,
    SECRET_FIELDS,
    STORES,
    Values,
    fresh_values,
    resources,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.canaries.night import Night, Ran

NIGHT: dict[str, tuple[tuple[str, ...], ...]] = {
    "validate": (("validate",), ("validate", "nowhere")),
    "snapshot": (
        ("snapshot", "night"),
        ("snapshot", "night", "--label", "good", "--format", "json"),
    ),
    "plan": (
        ("plan", "night"),
        ("plan", "night", "-o", "a.json"),
        ("plan", "night", "--format", "json"),
        ("plan", "night", "--format", "markdown"),
        ("plan", "night", "--to", "good"),
        ("plan", "night", "--offline"),
        ("plan", "night", "--no-such-option"),
    ),
    "apply": (
        ("apply", "night"),
        ("apply", "night", "a.json", "--yes", "--confirm-within", "1s"),
        ("apply", "night", "--yes", "--format", "json"),
        ("apply", "night", "a.json", "--yes"),
    ),
    "drift": (("drift", "night"), ("drift", "night", "--format", "json")),
    "diff": (
        ("diff", "night", "good", "live"),
        ("diff", "night", "desired", "live", "--format", "json"),
        ("diff", "night", "desired@HEAD", "live"),
    ),
    "import": (("import", "night"), ("import", "night", "-o", "imported.yaml")),
    "check": (("check", "night"),),
    "history": (("history", "night", "--verify"), ("history", "night", "--format", "json")),
    "show": (
        ("show", "good"),
        ("show", "latest", "--format", "json"),
        ("show", "latest", "--format", "markdown"),
        ("show", "a.json"),
    ),
    "doctor": (("doctor", "night"),),
    "permissions": (("permissions", "night"),),
    "explain": (("explain", "vercel.env_var"), ("explain", "vercel.env_var.value")),
    "kinds": (("kinds",),),
    "schema": (("schema",), ("schema", "--check")),
    "confirm": (("confirm", "night", "no-such-run"),),
    "freeze": (
        ("freeze", "night", "--until", "1h", "--reason", "a night"),
        ("freeze", "night", "--off"),
    ),
    "recover": (("recover", "night", "--yes"),),
    "rollback": (("rollback", "night", "--to", "good", "--yes"),),
    "rotate": (
        ("rotate", "night", "stripe.webhook_endpoint/stripe", "--yes"),
        ("rotate", "night", "stripe.webhook_endpoint/stripe", "--retire", "--yes"),
        ("rotate", "night", "vercel.env_var/night-token", "--yes"),
    ),
    "revoke": (
        ("revoke", "night", "env/NIGHT_TOKEN", "--reason", "it was shown"),
        ("revoke", "night", "gcp/NIGHT", "--reason", "it was shown"),
        ("revoke", "night", "vault/none", "--reason", "it was shown"),
    ),
    "undo": (("undo", "night", "--yes"), ("undo", "night", "no-such-run", "--yes")),
    "store": (
        ("store", "copy", "night", "--from", "local", "--to", "firestore", "--yes"),
        ("store", "copy", "night", "--from", "local", "--to", "local"),
    ),
    "sandbox": (("sandbox", "serve", "--seed", "missing.json"),),
    "demo": (("demo",),),
}
"""What is run of every command, in this order."""

WAYS = {
    "plain": ((), False),
    "tracing": (("-vv", "--trace", "trace.jsonl"), True),
    "verbose": (("-v",), False),
}


def break_things(night: Night) -> None:
    """Let the shop differ from its files, so that every command has something to tell."""
    state = night.world.state("stripe")
    state["webhook_endpoints"][0] |= {"description": "as somebody left it"}
    night.world.put("stripe", state)


def run_all(night: Night, way: str) -> list[Ran]:
    options, debug = WAYS[way]
    return [
        night.run(*words, options=options, debug=debug)
        for commands in NIGHT.values()
        for words in commands
    ]


def journals(night: Night) -> str:
    found = sorted(night.folder.glob("snapshots/night/runs/*/journal.jsonl"))
    return "".join(path.read_text(encoding="utf-8") for path in found)


def test_every_command_is_run() -> None:
    assert set(NIGHT) == set(COMMANDS)


def test_every_secret_field_of_every_kind_is_planted() -> None:
    known = {
        kind: frozenset(
            {rule.name for rule in rules_of(model) if rule.secret is not None}
            | {f"#{name}" for name, output in model.outputs.items() if output.secret}
        )
        for kind, model in registry.models().items()
    }
    used = {
        (one["kind"], name)
        for one in resources()
        for name in (*one["spec"], *(f"#{name}" for name in one.get("capture", ())))
    }

    assert known == SECRET_FIELDS
    assert {(kind, name) for kind, names in known.items() for name in names} <= used


def test_every_credential_is_planted() -> None:
    known = {
        vendor: frozenset(
            name
            for name, field in registry.account_type(vendor).settings_type.model_fields.items()
            if "${secret:" in (field.description or "")
        )
        for vendor in registry.vendor_names()
    }

    assert known == {vendor: frozenset(names) for vendor, names in CREDENTIALS.items()}


def test_every_secret_store_is_planted_or_judged_elsewhere() -> None:
    assert set(STORES) == set(KNOWN_STORES)
    assert {name for name, reference in STORES.items() if reference is None} == set(COVERED)


@pytest.mark.parametrize("name", COVERED.values())
def test_a_store_that_needs_more_looks_for_canaries_itself(name: str, tests: Path) -> None:
    text = (tests / "secrets" / name).read_text(encoding="utf-8")

    assert "assert_silent_about" in text


@pytest.mark.parametrize("shape", [one for one in Values._fields if one != "short"])
def test_every_encoding_of_every_shape_is_masked(shape: str) -> None:
    value = getattr(fresh_values(), shape)
    masker = Masker([value], also=rendered)

    for name, text in told_in_groups(value).items():
        masked = masker.mask(f"before {text} after").encode()

        assert {form for form in forms_of(value) if form in masked} == set(), name


@pytest.mark.parametrize("way", WAYS if os.environ.get("RECONCILER_LONG") else ["plain", "tracing"])
def test_no_command_leaves_a_secret_anywhere(night: Night, way: str) -> None:
    break_things(night)

    ran = run_all(night, way)

    assert night.leaks() == set()
    assert {one.status for one in ran} >= {0, 1}, "both success and failure were seen"
    captured = list((night.folder / "captured").iterdir())
    assert {path.stat().st_mode & 0o777 for path in captured} == {0o600}


def test_every_store_was_asked(night: Night) -> None:
    ran = night.run("apply", "night", "--yes")

    assert ran.status == 0, ran.said
    held = {row["value"] for row in night.world.state("vercel")["projects"][0]["env"]}
    assert held >= {*night.stores.values.values(), *night.shapes}
    assert night.leaks() == set()


def test_a_trace_tells_everything_but_secrets(night: Night) -> None:
    night.run("apply", "night", "--yes", options=("--trace", "trace.jsonl"))

    path = night.folder / "trace.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert path.stat().st_mode & 0o777 == 0o600
    assert {one["vendor"] for one in records} >= {"stripe", "vercel", "gcp"}
    assert {one["method"] for one in records} >= {"GET", "POST"}
    assert any(
        one["response"]["body"].get("secret") == "[secret]"
        for one in records
        if "/webhook_endpoints" in one["url"] and one["method"] == "POST"
    )
    assert night.leaks() == set()


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429, 500])
def test_a_vendor_that_repeats_what_it_was_sent_is_masked(night: Night, status: int) -> None:
    said = " ".join([*night.credentials.values(), night.shapes.hard, night.shapes.address])
    body = {"error": {"message": said, "code": said, "type": said}}
    night.world.fail(vendor="*", method="POST", status=status, body=body)

    for options in ((), ("-vv", "--trace", "trace.jsonl")):
        ran = night.run("apply", "night", "--yes", "--format", "json", options=options, debug=True)

        assert ran.status != 0
    assert "[secret]" in journals(night)
    assert night.leaks() == set()


def repeat_in_every_encoding(night: Night) -> None:
    """Let a vendor answer reads with the credentials, in one encoding after the other."""
    for value in night.credentials.values():
        for said in told_in_groups(value).values():
            night.world.heal()
            night.world.fail(
                vendor="*", method="GET", status=418, body={"error": {"message": said}}
            )
            night.run("plan", "night", options=("-vv", "--trace", "trace.jsonl"))


def test_a_vendor_that_encodes_what_it_repeats_is_masked(night: Night) -> None:
    repeat_in_every_encoding(night)

    assert night.leaks() == set()


HABITS = ("logs", "talks", "breaks reads", "breaks writes", "is defective")


def work_with(night: Night, habit: str) -> list[Ran]:
    """Apply and more, with libraries and providers that tell all they were given, in every encoding and shape.

    A provider that reads was given nothing but its credential.
    """
    shapes = [one for one in night.shapes if one != night.shapes.short]
    given = [*night.credentials.values(), *(shapes if habit != "breaks reads" else [])]
    encoded = [form for one in given for form in told_in_groups(one).values()]
    said = "\n".join([*given, *encoded, ""])
    return [
        night.run(*words, said=said, habits=[habit], debug=True)
        for words in (
            ("apply", "night", "--yes"),
            ("snapshot", "night"),
            ("apply", "night", "--yes", "--format", "json"),
            ("plan", "night", "-o", "b.json", "--format", "markdown"),
        )
    ]


@pytest.mark.parametrize("habit", HABITS)
def test_what_libraries_and_foreign_providers_say_is_masked(night: Night, habit: str) -> None:
    ran = work_with(night, habit)

    assert night.leaks() == set()
    assert habit == "logs" or any("[secret]" in one.said for one in ran)


def test_a_failure_of_a_foreign_provider_is_in_the_journal(night: Night) -> None:
    work_with(night, "breaks writes")

    told = journals(night)
    assert '"outcome": "failed"' in told
    assert "Somebody else's provider failed. [secret]" in told


def paste(night: Night, value: str) -> None:
    """Let somebody put a secret where it is none, in a dashboard."""
    state = night.world.state("stripe")
    for one in state["webhook_endpoints"]:
        if one["url"] == PAYMENTS:
            one["description"] = f"key is {value}"
    night.world.put("stripe", state)


def use_what_was_pasted(night: Night) -> list[Ran]:
    paste(night, night.credentials["NIGHT_STRIPE_KEY"])
    commands = (
        ("plan", "night"),
        ("plan", "night", "-o", "a.json"),
        ("plan", "night", "--format", "markdown"),
        ("import", "night", "-o", "imported.yaml"),
        ("snapshot", "night"),
        ("apply", "night", "--yes"),
    )
    return [night.run(*words) for words in commands]


def test_a_secret_that_was_pasted_into_a_plain_field_is_never_stored(night: Night) -> None:
    ran = use_what_was_pasted(night)

    assert night.leaks() == set()
    assert [one.status for one in ran[-2:]] == [5, 5]
    assert "A secret value stands in what was to be written" in ran[-1].said
    assert night.world.writes() == ()


@pytest.mark.parametrize("n", [2, 5, 9])
@pytest.mark.parametrize("side", ["before", "after", "torn"])
def test_a_run_that_was_killed_leaves_no_secret(night: Night, n: int, side: str) -> None:
    cut = {"at": "append", "n": n, "side": side}

    killed = night.run("apply", "night", "--yes", options=("-vv", "--trace", "t.jsonl"), cut=cut)

    assert killed.status == -9
    assert night.leaks() == set()
    night.run("recover", "night", "--yes", options=("-vv", "--trace", "t.jsonl"))
    assert night.leaks() == set()


def test_a_secret_that_stands_in_a_file_is_not_shown_by_its_error(night: Night) -> None:
    value = night.shapes.hard.replace("'", "").split()[0]
    item = f"{{key: A, target: [production], vlaue: 1, value: {value!r}}}"
    text = f"resources:\n  - kind: vercel.env_var\n    name: a\n    spec: {item}\n"
    (night.folder / "desired_state" / "night" / "more.yaml").write_text(text, encoding="utf-8")

    ran = [night.run("plan", "night", "--format", form) for form in ("text", "json")]

    assert [one.status for one in ran] == [1, 1]
    assert [one for one in ran if value in one.said] == []
