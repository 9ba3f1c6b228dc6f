"""The reference grammar, secrets as values, and their masking."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.masking import MASK, SHORTEST, Masker
from reconciler.core.reference import BadReference, Reference, Scheme, escape, parse, references
from reconciler.core.secret import Deferred, SecretValue, decode, encode, is_settled

texts = st.text(st.sampled_from(list("ab${}: /#@.é\n\"'")), max_size=12)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
bodies = (
    st.builds(lambda name: (Scheme.VAR, name), names)
    | st.builds(lambda name: (Scheme.ENV, name), names)
    | st.builds(lambda name: (Scheme.SECRET, f"env/{name}@3"), names)
    | st.builds(lambda name: (Scheme.REF, f"stripe.webhook_endpoint/{name[0]}x#id"), names)
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.builds(SecretValue, st.none() | st.text(max_size=5), st.none() | st.just("hmac-sha256:1"))
    | st.builds(Deferred, st.text(max_size=5)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "secret", "fingerprint", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(text=texts)
def test_an_escaped_text_is_one_literal(text: str) -> None:
    assert parse(escape(text)) == ((text,) if text else ())


@given(parts=st.lists(texts.filter(lambda text: "$" not in text[-1:]) | bodies, max_size=5))
def test_what_is_written_is_what_is_parsed(parts: list[Any]) -> None:
    """A literal dollar right before a reference cannot be written: ``$${`` is a literal already."""
    written = "".join(
        escape(part) if isinstance(part, str) else str(Reference(*part)) for part in parts
    )

    found = parse(written)

    assert [(one.scheme, one.body) for one in found if not isinstance(one, str)] == [
        part for part in parts if not isinstance(part, str)
    ]
    assert "".join(part for part in parts if isinstance(part, str)) == "".join(
        one for one in found if isinstance(one, str)
    )
    assert all(written[one.start : one.end] == str(one) for one in references(written))


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("${vra:site}", 0),
        ("x${var:a b}", 1),
        ("ab${secret:NAME}", 2),
        ("${secret:gcp/}", 0),
        ("${ref:payments#secret}", 0),
        ("${ref:stripe.webhook_endpoint/payments}", 0),
        ("a ${var:site", 2),
        ("${}", 0),
        ("${site}", 0),
    ],
)
def test_anything_else_that_looks_like_a_reference_is_refused_with_its_place(
    text: str, offset: int
) -> None:
    with pytest.raises(BadReference) as caught:
        parse(text)

    assert caught.value.offset == offset
    assert caught.value.reason


def test_a_secret_reference_has_a_store_a_name_and_perhaps_a_version() -> None:
    (found,) = references("${secret:gcp/projects/x/STRIPE-KEY@4}")

    assert found.secret == ("gcp", "projects/x/STRIPE-KEY", "4")
    assert str(found.secret) == "gcp/projects/x/STRIPE-KEY@4"


@given(value=json_values)
def test_a_stored_value_comes_back_as_it_was(value: Any) -> None:
    looks_like_a_secret = any(
        isinstance(one, dict) and set(one) in ({"secret", "fingerprint"}, {"known_after_apply"})
        for one in _within(value)
    )

    text = json.dumps(encode(value))

    if not looks_like_a_secret:
        assert decode(json.loads(text)) == value
    assert is_settled(value) == (
        not any(isinstance(one, SecretValue | Deferred) for one in _within(value))
    )


secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST, max_size=30)


@given(secret=secrets, around=st.text(st.sampled_from("ab =&"), max_size=4))
def test_a_masked_text_holds_no_secret_in_any_encoding(secret: str, around: str) -> None:
    masker = Masker([secret])
    forms = [
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    ]

    for form in forms:
        masked = masker.mask(f"{around}{form}{around}")

        assert MASK in masked
        assert form not in masked or form in MASK


@given(
    secret=st.text(st.sampled_from("aZ09/+é&"), min_size=12, max_size=30),
    before=st.binary(max_size=4),
    after=st.binary(max_size=4),
)
def test_a_secret_inside_base64_is_masked_wherever_it_starts(
    secret: str, before: bytes, after: bytes
) -> None:
    text = base64.b64encode(before + secret.encode() + after).decode()

    assert MASK in Masker([secret]).mask(text)


def test_a_longer_secret_is_masked_before_a_shorter_one_inside_it() -> None:
    masker = Masker(["password"])
    masker.add("password-of-the-shop")

    assert masker.mask("x password-of-the-shop y password z") == f"x {MASK} y {MASK} z"


def test_a_value_too_short_to_be_a_secret_does_not_blank_out_the_plan() -> None:
    assert Masker(["1"]).mask("11 changes") == "11 changes"


def _within(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(found for one in value.values() for found in _within(one))]
    if isinstance(value, list):
        return [value, *(found for one in value for found in _within(one))]
    return [value]
