"""One declared resource: what it becomes, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.core.diagnostic import Place
from reconciler.core.secret import Deferred, SecretValue
from reconciler.files.references import Scope
from reconciler.files.resources import Read, read_resource
from reconciler.providers import registry

ENDPOINT = {"url": "https://a.example", "enabled_events": ["charge.refunded"]}


def locate(pointer: tuple[str | int, ...], *, key: bool = False) -> Place:
    return Place(file=".".join(map(str, pointer)), line=1, column=1 if key else 2)


def read(kind: str = "stripe.webhook_endpoint", **parts: Any) -> Read:
    item = {"kind": kind, "name": "a", "spec": ENDPOINT, **parts}
    return read_resource(
        item,
        has_references="${" in json.dumps(item),
        models=registry.model_of,
        kinds=registry.kind_names(),
        scope=Scope({"site": "https://shop.example"}, {}, lambda _, field: field == "secret"),
        locate=locate,
        place="a.yaml:1",
    )


def summaries(found: Read) -> list[str]:
    assert found.declared is None
    return [one.summary for one in found.diagnostics]


def test_what_was_written_is_what_is_declared() -> None:
    declared = read().declared

    assert declared is not None
    assert declared.address == "stripe.webhook_endpoint/a"
    assert declared.values == ENDPOINT
    assert declared.place == "a.yaml:1"


def test_a_set_is_declared_sorted() -> None:
    found = read(spec={**ENDPOINT, "enabled_events": ["b.b", "a.a", "b.b"]}).declared

    assert found is not None
    assert found.values["enabled_events"] == ["a.a", "b.b"]


def test_meta_keys_are_kept() -> None:
    found = read(
        criticality="P0",
        protect=True,
        depends_on=["vercel.env_var/x"],
        tags=["t"],
        ignore=[{"path": "url", "reason": "a move", "until": "2026-12-31"}],
        capture={"secret": "${secret:file/x}"},
    ).declared

    assert found is not None
    assert (found.criticality, found.protected, found.tags) == ("P0", True, ("t",))
    assert found.depends_on == ("vercel.env_var/x",)
    assert found.ignore[0].until == "2026-12-31"
    assert found.capture == (("secret", "${secret:file/x}"),)


def test_what_is_to_be_absent_needs_no_more_than_what_identifies_it() -> None:
    found = read(state="absent", spec={"url": "https://a.example"}).declared

    assert found is not None
    assert found.absent
    assert found.values == {"url": "https://a.example"}


@pytest.mark.parametrize(
    "parts",
    [
        {"name": "a b"},
        {"name": ""},
        {"name": "-a"},
        {"name": "x" * 101},
        {"state": "gone"},
        {"criticality": "P9"},
        {"protect": "yes"},
        {"spec": []},
        {"spec": None},
        {"ignore": [{"path": "url", "reason": "a move"}]},
        {"ignore": [{"path": "url", "reason": "", "until": "2026-12-31"}]},
        {"ignore": [{"path": "url", "reason": "a move", "until": "soon"}]},
        {"capture": {"secret": "plain text"}},
        {"capture": {"secret": "${var:x}"}},
        {"depends_on": "a"},
        {"unknown": 1},
        {"kind": "nothing.at_all"},
        {"kind": None},
        {"spec": {**ENDPOINT, "url": 1}},
        {"spec": {**ENDPOINT, "url": None}},
        {"spec": {**ENDPOINT, "status": "paused"}},
        {"spec": {**ENDPOINT, "enabled_events": "charge.refunded"}},
        {"spec": {**ENDPOINT, "metadata": {"a": 1}}},
        {"spec": {**ENDPOINT, "connect": "true"}},
        {"spec": {"enabled_events": ["*"]}},
        {"spec": {**ENDPOINT, "livemode": True}},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_with_a_reason(parts: dict[str, Any]) -> None:
    found = read(**parts)

    assert summaries(found)
    assert all(one.detail and one.place for one in found.diagnostics)


@pytest.mark.parametrize("value", [None, 1, "a", [], [1]])
def test_what_is_no_map_is_refused(value: Any) -> None:
    found = read_resource(
        value,
        has_references=False,
        models=registry.model_of,
        kinds=registry.kind_names(),
        scope=Scope({}, {}, lambda *_: False),
        locate=locate,
        place="a:1",
    )

    assert summaries(found)


def variable(**spec: Any) -> Read:
    return read("vercel.env_var", spec={"key": "A", "target": ["preview"], **spec})


def test_a_secret_field_holds_a_reference() -> None:
    found = variable(value="a${secret:env/X}").declared

    assert found is not None
    assert found.values["value"] == SecretValue("a${secret:env/X}")


def test_a_secret_output_of_another_resource_is_a_secret() -> None:
    expression = "${ref:stripe.webhook_endpoint/a#secret}"

    found = variable(value=expression).declared

    assert found is not None
    assert found.values["value"] == SecretValue(expression)
    assert found.refers == (("stripe.webhook_endpoint/a", "secret"),)


def test_a_secret_in_the_file_is_refused_without_being_shown() -> None:
    found = variable(value="FAKE-literal")

    assert summaries(found) == ["A secret stands in the file"]
    assert "FAKE-literal" not in repr(found.diagnostics)


@pytest.mark.parametrize(
    "marker",
    [
        {"secret": None, "fingerprint": None},
        {"secret": "${secret:env/X}", "fingerprint": "hmac-sha256:ab"},
        {"secret": None},
    ],
)
def test_a_redaction_marker_is_refused(marker: dict[str, Any]) -> None:
    assert "A redaction marker is no value" in summaries(variable(value=marker))


def test_a_secret_that_everybody_could_read_is_refused() -> None:
    found = variable(type="plain", value="${secret:env/X}")

    assert summaries(found) == ["A secret in a field that anyone can read"]


def test_a_variable_is_checked_like_what_stands_in_the_file() -> None:
    good = read(spec={**ENDPOINT, "url": "${var:site}/x"}).declared
    bad = read(spec={**ENDPOINT, "status": "${var:site}"})

    assert good is not None
    assert good.values["url"] == "https://shop.example/x"
    assert summaries(bad) == ["Unknown value"]


def test_one_bad_reference_is_one_diagnostic() -> None:
    assert summaries(read(spec={**ENDPOINT, "url": "${vra:site}/x"})) == ["Not a reference"]
    assert summaries(read(spec={**ENDPOINT, "url": "${var:sit}"})) == ["Unknown variable"]


def test_a_reference_to_another_resource_is_known_later() -> None:
    expression = "${ref:stripe.webhook_endpoint/b#id}"

    found = read(spec={**ENDPOINT, "description": expression}).declared

    assert found is not None
    assert found.values["description"] == Deferred(expression)


def test_fields_that_do_not_fit_together_are_said_by_name() -> None:
    found = variable(target=["production"], git_branch="x", value="${secret:env/X}")

    assert summaries(found) == ["Fields that do not fit together"]
    assert found.diagnostics[0].detail == "git_branch: a branch needs target: [preview]"
