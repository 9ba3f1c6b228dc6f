"""Values are found in every form, wherever lines break and however values overlap; nothing else is touched."""

from __future__ import annotations

import base64
import json
import shlex
import sys
import textwrap
import threading
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.encodings import encodings, parts, reads_as_words
from reconciler.core.masking import MASK, SHORTEST, Masker

KEY = "-----BEGIN KEY-----\nMIIEvQ1b2c3d4e5f/6g7h+8i9j\nA1B2C3D4E5F6+/aZ==\n-----END KEY-----"
TOKEN = "tok_9f8e7d6c5b4a39281706"
values = st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST, max_size=60)


@given(value=values, around=st.text(st.sampled_from("ab =&\n\"'\\"), max_size=4))
def test_every_encoding_of_every_value_is_masked(value: str, around: str) -> None:
    masker = Masker([value])

    for form in encodings(value):
        if len(form) >= SHORTEST:
            assert masker.hides(f"{around}{form}{around}")
            assert MASK in masker.mask(f"{around}{form}{around}")


@given(value=values)
def test_what_pyyaml_and_the_shell_write_is_masked(value: str) -> None:
    masker = Masker([value])

    for text in (
        yaml.safe_dump(value, default_style='"', width=10**6),
        yaml.safe_dump(value, default_style='"', width=10**6, allow_unicode=True),
        yaml.safe_dump(value, default_style="'", width=10**6, allow_unicode=True),
        shlex.quote(value),
        json.dumps({"a": json.dumps({"b": value})}),
    ):
        assert MASK in masker.mask(text)


@given(text=st.text(max_size=200))
def test_a_text_without_a_value_is_left_as_it_is(text: str) -> None:
    assert Masker([TOKEN, KEY]).mask(text) == text


@given(
    value=st.text(st.sampled_from("aZ09/+é&"), min_size=16, max_size=60),
    before=st.binary(max_size=90),
    after=st.binary(max_size=90),
    width=st.sampled_from([64, 76]),
    end=st.sampled_from(["\n", "\r\n", "\n    ", "\\n"]),
)
def test_base64_is_masked_wherever_it_starts_and_its_lines_break(
    value: str, before: bytes, after: bytes, width: int, end: str
) -> None:
    encoded = base64.b64encode(before + value.encode() + after).decode()
    text = end.join(textwrap.wrap(encoded, width))

    assert MASK in Masker([value]).mask(text)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.replace("\n", "\r\n"),
        textwrap.indent(KEY, "      "),
        json.dumps(KEY),
        json.dumps(KEY.replace("\n", "\r\n")),
        KEY.replace("\n", ""),
        "\n".join(f"+ {line}" for line in KEY.splitlines()),
        " | ".join(reversed(KEY.splitlines())),
    ],
    ids=["raw", "CRLF", "indented", "JSON", "JSON with CRLF", "one line", "a diff", "apart"],
)
def test_a_value_of_several_lines_is_masked(text: str) -> None:
    masked = Masker([KEY]).mask(text)

    assert "MIIEvQ1b2c3d" not in masked
    assert "A1B2C3D4" not in masked


def test_a_value_that_was_wrapped_to_fit_the_terminal_is_masked() -> None:
    value = "correct horse 1battery staple2 " * 3

    assert Masker([value]).mask("\n    ".join(textwrap.wrap(value, 20))) == MASK


def test_values_that_overlap_leave_nothing_behind() -> None:
    masker = Masker(["abcdef123456", "123456uvwxyz"])

    assert masker.mask("<abcdef123456uvwxyz>") == f"<{MASK}>"
    assert Masker(["xyxyxy1"]).mask("xyxyxy1xyxyxy1") == MASK * 2
    assert Masker(["1ab1ab1"]).mask("1ab1ab1ab1") == MASK


@pytest.mark.parametrize("text", [MASK, f"a {MASK} b", f"{MASK}{MASK}"])
def test_masking_twice_is_masking_once(text: str) -> None:
    masker = Masker(["secret", "[secret"])

    assert masker.mask(text) == text
    assert not masker.hides(text)


def test_blanks_are_no_secret() -> None:
    assert Masker([" " * 10, "\n" * 10]).mask(f"a{' ' * 20}b") == f"a{' ' * 20}b"


def test_a_short_value_is_known_as_a_whole_alone() -> None:
    masker = Masker(["1"])

    assert masker.mask("11 changes") == "11 changes"
    assert masker.is_secret("1")
    assert not masker.is_secret("11")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("production", True),
        ("eu-west-1", True),
        ("https://shop.example/api", True),
        ("123456789012", True),
        ('"type": "service_account",', True),
        ("sk_live_a1b2c3", False),
        ("postgres://shop:pw@db/shop", False),
        ("hunter2x", False),
        ("", True),
    ],
)
def test_what_may_stand_anywhere_by_chance(value: str, expected: bool) -> None:
    assert reads_as_words(value) is expected


def test_words_are_masked_but_betray_nothing() -> None:
    masker = Masker(["production", TOKEN])

    assert masker.mask("plan production") == f"plan {MASK}"
    assert list(masker.betrayals("plan production")) == []
    assert [one.start for one in masker.betrayals(f"plan {TOKEN}")] == [5]


def test_what_is_secret_inside_a_value_is_a_secret_by_itself() -> None:
    document = json.dumps(
        {"client_secret": "cs-1a2b3c4d", "client_email": "a1@b2.example"}, indent=1
    )

    assert "cs-1a2b3c4d" in set(parts(document))
    assert "a1@b2.example" not in set(parts(document))
    assert "p4ssw0rd" in set(parts("postgres://shop:p4ssw0rd@db/x"))
    assert "ghp1234567" in set(parts("https://ghp1234567@git.example/x"))


@given(value=values, cut=st.integers(1, 59))
def test_the_beginning_of_a_value_at_the_end_of_a_text_is_seen(value: str, cut: int) -> None:
    masker = Masker([value])
    begun = value[: min(cut, len(value) - 1)]
    expected = len(begun) >= SHORTEST

    assert (masker.unfinished(f"--{begun}") >= len(begun)) is expected or begun.endswith("\n")


def test_values_may_be_added_by_many_threads_at_once() -> None:
    masker = Masker()
    told = [f"{number}x{TOKEN}{number}y" for number in range(200)]

    def add(part: list[str]) -> None:
        for one in part:
            masker.add(one)

    threads = [threading.Thread(target=add, args=[told[at::8]]) for at in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)

    assert all(masker.hides(one) for one in told)


def test_a_large_plan_is_masked_about_as_fast_as_it_is_written() -> None:
    line = '  {{"address": "vercel.env_var/name-{0}", "digest": "sha256:{0:064x}", "kind": "x"}},\n'
    text = "".join(line.format(number**9) for number in range(20_000))
    masker = Masker(
        [f"postgres://shop:pw{number}x7y8z9@db.internal.example/shop" for number in range(100)]
    )
    began = time.perf_counter()
    json.dumps(text)
    written = time.perf_counter() - began

    began = time.perf_counter()
    masked = masker.mask(text)
    took = time.perf_counter() - began

    assert masked == text
    assert took < 50 * written + 1


@pytest.mark.parametrize("value", ["production", "a" * 40, "ab" * 20, " " * 10, "\n" * 10])
def test_a_strange_value_does_not_hang(value: str) -> None:
    text = f"{value * 20_000} production a a " + "production\n" * 20_000

    masked = Masker([value]).mask(text)

    assert not value.strip() or value not in masked.replace(MASK, "")
