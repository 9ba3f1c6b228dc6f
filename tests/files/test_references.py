"""Filling in references: typed values, no evaluation, every problem at its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.reference import escape
from reconciler.core.secret import Deferred, SecretValue
from reconciler.files.references import Scope, interpolate

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
SCOPE = Scope(
    {"site": "https://shop.example", "port": 8080, "on": True, "none": None, "list": [1, "two"]},
    {"REGION": "europe-west1"},
    lambda address, field: (address, field) == ("stripe.webhook_endpoint/a", "secret"),
)


def filled(value: Any, scope: Scope = SCOPE) -> Any:
    result, problems = interpolate(value, scope)
    assert problems == []
    return result


@given(VALUES)
def test_a_value_without_references_is_itself(value: Any) -> None:
    plain = _mapped(value, lambda text: text.replace("${", ""))

    assert filled(plain) == plain


@given(VALUES)
def test_an_escaped_value_is_what_it_was(value: Any) -> None:
    assert filled(_mapped(value, escape)) == value


@given(NAMES, VALUES)
def test_a_whole_reference_keeps_the_type_of_its_variable(name: str, value: Any) -> None:
    assert filled(f"${{var:{name}}}", Scope({name: value}, {}, lambda *_: False)) == value


@given(NAMES, st.text(max_size=12))
def test_a_variable_that_holds_a_reference_is_not_evaluated_again(name: str, text: str) -> None:
    scope = Scope({name: f"${{var:{name}}}{text}"}, {}, lambda *_: False)

    assert filled(f"<${{var:{name}}}>", scope) == f"<${{var:{name}}}{text}>"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${var:port}", 8080),
        ("${var:on}", True),
        ("${var:none}", None),
        ("${var:list}", [1, "two"]),
        ("${var:site}/x", "https://shop.example/x"),
        ("a:${var:port}", "a:8080"),
        ("a:${var:on}", "a:true"),
        ("a:${var:none}", "a:"),
        ("${env:REGION}", "europe-west1"),
        ("${env:REGION}.${var:port}", "europe-west1.8080"),
        ("$${var:site}", "${var:site}"),
        ("$$", "$$"),
        ("$x {y}", "$x {y}"),
    ],
)
def test_variables_are_filled_in(text: str, value: Any) -> None:
    assert filled(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${secret:env/KEY}", SecretValue("${secret:env/KEY}")),
        ("${secret:gcp/KEY@4}", SecretValue("${secret:gcp/KEY@4}")),
        ("a${secret:env/KEY}b", SecretValue("a${secret:env/KEY}b")),
        (
            "${var:site}?k=${secret:env/KEY}",
            SecretValue("https://shop.example?k=${secret:env/KEY}"),
        ),
        ("${ref:stripe.webhook_endpoint/a#id}", Deferred("${ref:stripe.webhook_endpoint/a#id}")),
        (
            "${ref:stripe.webhook_endpoint/a#secret}",
            SecretValue("${ref:stripe.webhook_endpoint/a#secret}"),
        ),
        ("$${x}${secret:env/KEY}", SecretValue("$${x}${secret:env/KEY}")),
    ],
)
def test_what_is_known_later_says_so(text: str, value: Any) -> None:
    assert filled(text) == value


def test_a_variable_never_smuggles_in_a_reference() -> None:
    scope = SCOPE._replace(variables={"evil": "${secret:env/OTHER}"})

    assert filled("${var:evil}${secret:env/KEY}", scope) == SecretValue(
        "$${secret:env/OTHER}${secret:env/KEY}"
    )


@pytest.mark.parametrize(
    ("text", "summary", "said"),
    [
        ("${var:sit}", "Unknown variable", "Did you mean site?"),
        ("${env:NOT_THERE}", "Environment variable not set", "${env:NOT_THERE}"),
        ("${vra:site}", "Not a reference", "unknown kind of reference"),
        ("${site}", "Not a reference", "unknown kind of reference"),
        ("${var:site", "Not a reference", "the closing brace is missing"),
        ("${var:a b}", "Not a reference", "letters, digits"),
        ("${secret:KEY}", "Not a reference", "expected ${secret:store/name@version}"),
        ("${ref:a/b}", "Not a reference", "expected ${ref:kind/name#field}"),
        ("${}", "Not a reference", "unknown kind"),
    ],
)
def test_a_reference_that_cannot_be_understood_is_placed(
    text: str, summary: str, said: str
) -> None:
    _, problems = interpolate({"a": ["x", f"ab{text}"]}, SCOPE, ("spec",))

    (problem,) = problems
    assert problem.pointer == ("spec", "a", 1)
    assert problem.summary == summary
    assert said in problem.detail
    assert problem.start == 2


def test_every_problem_is_told() -> None:
    _, problems = interpolate({"a": "${var:x} ${env:Y}", "b": "${z}"}, SCOPE)

    assert len(problems) == 3


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(one, change) for one in value]
    if isinstance(value, dict):
        return {key: _mapped(one, change) for key, one in value.items()}
    return value


def test_a_dollar_that_a_variable_puts_before_a_reference_is_refused() -> None:
    scope = Scope({"cur": "$"}, {}, lambda *_: False)

    _, problems = interpolate("${var:cur}${secret:env/PRICE}", scope)

    assert [problem.summary for problem in problems] == ["A $ right before a reference"]
