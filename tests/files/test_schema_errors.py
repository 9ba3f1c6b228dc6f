"""Schema errors in words: all of them, each at its place, none with a secret's value."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.files.schema_errors import schema_diagnostics
from reconciler.files.schema_findings import shown
from reconciler.files.suggestions import did_you_mean, listed, suggestion
from reconciler.files.yaml_positions import places
from reconciler.files.yaml_reader import read_document
from reconciler.files.yaml_writer import dump

if TYPE_CHECKING:
    from reconciler.core.diagnostic import Diagnostic

CANARY = "sk_live_canary_0123456789"
REFERENCE = {"type": "string", "pattern": r"\$\{"}
SPEC: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": {"type": "string", "description": "Where events are sent.\nMore."},
        "target": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"enum": ["production", "preview", "development"]},
        },
        "active": {"anyOf": [{"type": "boolean"}, REFERENCE]},
        "port": {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 9999},
                {"type": "null"},
                REFERENCE,
            ]
        },
        "name": {"type": "string", "minLength": 2, "pattern": "^[a-z-]+$", "examples": ["a-b"]},
        "token": {"x-secret": True, "allOf": [{"$ref": "#/$defs/long"}]},
        "password": {"type": "string", "pattern": r"^\$\{secret:", "writeOnly": True},
        "keys": {
            "type": "array",
            "x-secret": True,
            "uniqueItems": True,
            "items": {"type": "string"},
        },
        "labels": {"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}},
        "mode": {"const": "live"},
        "check": {
            "oneOf": [
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["kind", "url"],
                    "properties": {"kind": {"const": "http"}, "url": {"type": "string"}},
                },
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["kind", "host"],
                    "properties": {"kind": {"const": "tcp"}, "host": {"type": "string"}},
                },
            ]
        },
    },
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"spec": SPEC},
    "$defs": {"long": {"type": "string", "minLength": 40}},
}
VALIDATOR = Draft202012Validator(SCHEMA)


def diagnose(text: str) -> list[Diagnostic]:
    return schema_diagnostics(
        VALIDATOR, read_document(text, "a.yaml").value, places(text, "a.yaml")
    )


def only(line: str) -> Diagnostic:
    url = "" if line.startswith("url:") else "  url: x\n"
    (found,) = diagnose(f"spec:\n  {line}\n{url}")
    return found


KEYS = st.sampled_from(
    ["url", "target", "active", "port", "name", "labels", "mode", "check", "kind", "host", "x"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(string.ascii_lowercase, max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
SECRETS = st.sampled_from([CANARY, [CANARY, CANARY], {"a": CANARY}, [{"b": [CANARY]}], 8213007])


# --- Laws


@given(ANYTHING)
def test_there_are_diagnostics_exactly_when_the_schema_refuses(value: Any) -> None:
    text = dump({"spec": value})
    found = diagnose(text)

    assert bool(found) is not VALIDATOR.is_valid({"spec": value})
    positions = [(each.place.line, each.place.column) for each in found if each.place]
    assert positions == sorted(positions)
    assert len(positions) == len(found)


@given(
    st.dictionaries(st.sampled_from(["token", "password", "keys"]), SECRETS, min_size=1),
    st.dictionaries(st.sampled_from(["url", "target", "nonsense", "name", "check"]), ANYTHING),
    st.booleans(),
)
def test_a_secret_value_appears_nowhere(
    secrets: dict[str, Any], others: dict[str, Any], flow: bool
) -> None:
    value = {"spec": {**others, **secrets}}
    text = json.dumps(value) if flow else dump(value)

    said = repr([each.model_dump() for each in diagnose(text)])
    assert CANARY not in said
    assert "8213007" not in said


@given(st.text(max_size=200))
def test_a_shown_value_is_short_and_harmless(text: str) -> None:
    assert len(shown(text)) <= 60
    assert shown(text).replace("\xa0", " ").isascii() or "\x1b" not in shown(text)
    assert "\n" not in shown(text)


# --- Keys


def test_an_unknown_key_gets_a_guess_and_the_known_ones() -> None:
    found = only("activ: true")

    assert found.summary == "Unknown key"
    assert found.detail == (
        "activ is not known here. Did you mean active? "
        "Known are active, check, keys, labels, mode, name, password, port, target, token, url."
    )
    assert str(found.place) == "a.yaml:2:3"


def test_every_unknown_key_has_its_own_place() -> None:
    found = diagnose("spec:\n  url: x\n  one: 1\n  two: 2\n")

    assert [str(each.place) for each in found] == ["a.yaml:3:3", "a.yaml:4:3"]


def test_the_value_of_an_unknown_key_is_not_shown() -> None:
    found = only(f"tokn: {CANARY}")

    assert found.place is not None
    assert found.place.line_text == "  tokn: …"


def test_a_missing_key_is_placed_at_what_misses_it() -> None:
    (found,) = diagnose("spec:\n  name: ab\n")

    assert (found.summary, found.detail) == ("Missing key", "url: Where events are sent.")
    assert str(found.place) == "a.yaml:1:1"


def test_a_key_in_the_wrong_form_is_placed_at_the_key() -> None:
    found = only("labels: {ok: 1, UP: 2}")

    assert (found.summary, str(found.place)) == ("Key in the wrong form", "a.yaml:2:19")


# --- Values


@pytest.mark.parametrize(
    ("line", "summary", "detail", "mend"),
    [
        (
            "url: 8080",
            "Wrong type",
            "Expected text, found a whole number (8080). As text:",
            '"8080"',
        ),
        (
            "url: true",
            "Wrong type",
            "Expected text, found true or false (true). As text:",
            '"true"',
        ),
        ("url:", "Wrong type", "Expected text, found nothing.", ""),
        ("url: {a: 1}", "Wrong type", "Expected text, found a map.", ""),
        (
            'active: "true"',
            "Wrong type",
            'Expected true or false, found text ("true"). Without quotes:',
            "true",
        ),
        (
            "target: preview",
            "Wrong type",
            'Expected a list, found text ("preview"). As a list of one:',
            '["preview"]',
        ),
        (
            'port: "80"',
            "Wrong type",
            'Expected a whole number or null, found text ("80"). Without quotes:',
            "80",
        ),
        ("port: 10000", "Number too large", "10000 is not at most 9999.", ""),
        ("target: []", "Too few elements", "The list needs 1 or more elements; here are 0.", ""),
        ("name: a", "Text too short", "The text needs 2 or more characters; here are 1.", ""),
        ("name: UP", "Wrong form", '"UP" does not match ^[a-z-]+$. It looks like "a-b".', ""),
        ("mode: test", "Unknown value", '"test" stands here; only "live" may.', ""),
    ],
)
def test_a_wrong_value_is_told_in_words(line: str, summary: str, detail: str, mend: str) -> None:
    found = only(line)

    assert (found.summary, found.detail, found.mend) == (summary, detail, mend)


def test_an_unknown_value_gets_a_guess() -> None:
    found = only("target: [production, previw]")

    known = "Known are development, preview, production."
    assert found.detail == f'"previw" is not known here. Did you mean preview? {known}'
    assert str(found.place) == "a.yaml:2:24"


def test_a_repeated_element_is_placed_at_the_second() -> None:
    found = only("target: [preview, production, preview]")

    assert (found.summary, str(found.place)) == ("Repeated element", "a.yaml:2:33")


def test_the_branch_for_references_is_never_reported() -> None:
    found = only("active: soon")

    assert found.detail == 'Expected true or false, found text ("soon").'


def test_the_branch_that_was_meant_is_reported_alone() -> None:
    found = diagnose("spec:\n  url: x\n  check: {kind: tcp, hots: a}\n")

    assert [each.summary for each in found] == ["Missing key", "Unknown key"]


def test_all_errors_come_in_the_order_of_the_file() -> None:
    found = diagnose("spec:\n  mode: x\n  port: 0\n  nam: x\n")

    assert [each.summary for each in found] == [
        "Missing key",
        "Unknown value",
        "Number too small",
        "Unknown key",
    ]


# --- Secrets


@pytest.mark.parametrize(
    "line", [f"token: {CANARY}", f"password: {CANARY}", f"keys: [{CANARY}, {CANARY}]"]
)
def test_a_secret_is_refused_without_its_value_or_line(line: str) -> None:
    found = only(line)

    assert CANARY not in repr(found)
    assert found.place is not None
    assert found.place.line_text == ""


def test_a_literal_where_a_reference_is_needed_is_told_how() -> None:
    found = only(f"password: {CANARY}")

    assert (found.summary, found.detail, found.mend) == (
        "Reference expected",
        "The secret is not a reference. Write one, such as:",
        "${secret:store/name}",
    )


def test_a_secret_on_the_line_of_another_error_hides_that_line() -> None:
    found = diagnose(f"spec: {{url: x, token: {CANARY}{CANARY}, bogus: 1}}\n")

    assert [each.summary for each in found] == ["Unknown key"]
    assert CANARY not in repr(found)


def test_control_characters_of_a_value_are_escaped() -> None:
    assert "\\u001b" in only('name: "\\x1b[2J"').detail


# --- Suggestions


@given(
    st.text(string.ascii_lowercase, min_size=4, max_size=12).filter(
        lambda word: len({*word}) == len(word)
    ),
    st.integers(0, 11),
)
def test_a_word_with_one_letter_missing_is_recognised(word: str, at: int) -> None:
    at %= len(word)

    assert did_you_mean(word[:at] + word[at + 1 :], [word]) == word


@pytest.mark.parametrize(
    ("word", "meant"),
    [("enabled-events", "enabled_events"), ("URL", "url"), ("zzz", None), ("x" * 1000, None)],
)
def test_a_guess_is_near_or_none(word: str, meant: str | None) -> None:
    assert did_you_mean(word, ["url", "enabled_events"]) == meant


def test_a_suggestion_falls_back_to_the_known_words() -> None:
    assert suggestion("ur", ["url", "name"]) == "Did you mean url?"
    assert suggestion("zzz", ["url", "name"]) == "Known are name, url."
    assert suggestion("zzz", []) == ""


def test_a_long_list_is_cut_off() -> None:
    assert listed(map(str, range(23))).endswith("19 and 3 more")
