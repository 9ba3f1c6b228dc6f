"""What bad files get: every mistake at its place, at once, quickly, and never a traceback or a delete."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Ran, Shop

ELEVEN = """\
resources:
  - kind: stripe.webhook_endpiont
    name: one
    spec: {}
  - kind: stripe.webhook_endpoint
    name: two words
    spec: {url: "https://a.example", enabled_events: ["*"]}
  - kind: stripe.webhook_endpoint
    name: three
    critcality: P0
    spec: {url: "https://b.example", enabled_events: ["*"]}
  - kind: stripe.webhook_endpoint
    name: four
    spec: {url: "ftp://c.example", enabled_events: ["*"]}
  - kind: stripe.webhook_endpoint
    name: five
    spec: {url: "https://d.example", enabled_events: []}
  - kind: stripe.webhook_endpoint
    name: six
    spec: {enabled_events: ["*"]}
  - kind: stripe.webhook_endpoint
    name: seven
    spec: {url: "https://e.example", enabled_events: ["*"], status: enabeld}
  - kind: stripe.webhook_endpoint
    name: eight
    spec: {url: "${vra:site}/x", enabled_events: ["*"]}
  - kind: stripe.webhook_endpoint
    name: nine
    spec: {url: "${var:sit}/y", enabled_events: ["*"]}
  - kind: vercel.env_var
    name: ten
    spec: {key: TEN, target: [production], value: FAKE-literal}
  - kind: vercel.env_var
    name: eleven
    depends_on: [vercel.env_var/smtp-ulr]
    spec: {key: ELEVEN, target: [production], type: plain, value: x}
"""
LINES = [2, 6, 10, 14, 17, 20, 23, 26, 29, 32, 33]


def diagnosed(shop: Shop, text: str) -> Ran:
    shop.write(text)
    begun = time.monotonic()
    ran = shop.run("plan", "sandbox", "--format", "json")
    assert time.monotonic() - begun < 10
    assert ran.code == 1, ran.all
    assert shop.world.asked() == ()
    return ran


def test_eleven_mistakes_get_eleven_diagnostics_with_places(shop: Shop) -> None:
    found = diagnosed(shop, ELEVEN).json["error"]["diagnostics"]

    assert [one["place"]["line"] for one in found] == LINES, found
    assert {one["place"]["file"] for one in found} == {"desired_state/sandbox/more.yaml"}
    assert all(one["place"]["column"] > 1 for one in found)


def test_mistakes_of_all_files_are_told_at_once(shop: Shop) -> None:
    shop.write("resources: [", "a.yaml")
    shop.write("resorces: []\n", "b.yaml")
    shop.edit("environment.yaml", "policy:", "polcy:")

    ran = shop.run("validate")

    assert all(name in ran.err for name in ("a.yaml:1:", "b.yaml:1:", "environment.yaml:"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("resources:\n  - knd: vercel.env_var\n    name: a\n", "kind"),
        ("resources:\n  - kind: vercel.env_vra\n    name: a\n", "vercel.env_var"),
        (
            (
                "resources:\n  - kind: vercel.env_var\n    name: a\n"
                "    spec: {key: A, targt: [preview], type: plain, value: x}\n"
            ),
            "target",
        ),
        (
            (
                "resources:\n  - kind: vercel.env_var\n    name: a\n"
                "    spec: {key: A, target: [preview], type: plain, value: '${var:ste}'}\n"
            ),
            "site",
        ),
        (
            (
                "resources:\n  - kind: vercel.env_var\n    name: a\n"
                "    spec: {key: A, target: [preview], value: '${ref:stripe.webhook_endpoint/paymnts#secret}'}\n"
            ),
            "stripe.webhook_endpoint/payments",
        ),
        (
            (
                "resources:\n  - kind: vercel.env_var\n    name: a\n"
                "    spec: {key: A, target: [preview], value: '${ref:stripe.webhook_endpoint/payments#secrt}'}\n"
            ),
            "secret",
        ),
    ],
)
def test_an_unknown_word_is_answered_with_the_one_that_was_meant(
    shop: Shop, text: str, meant: str
) -> None:
    assert f"Did you mean {meant}?" in diagnosed(shop, text).words


@pytest.mark.parametrize(
    "content",
    ["", "# nothing\n", "resources:\n", "resources: []\n", "resources: null\n"],
)
def test_an_empty_desired_state_deletes_nothing(good: Shop, content: str) -> None:
    (good.folder / "payments.yaml").unlink()
    (good.folder / "web.yaml").unlink()
    good.write(content)

    ran = good.run("apply", "sandbox", "--yes", "--format", "json")

    assert ran.code == 0, ran.all
    assert ran.json["changes"] == []
    assert good.world.writes() == ()


def test_pruning_to_an_empty_desired_state_is_refused(good: Shop) -> None:
    (good.folder / "payments.yaml").unlink()
    (good.folder / "web.yaml").unlink()

    ran = good.run("apply", "sandbox", "--prune", "--yes")

    assert ran.code == 5
    assert good.world.writes() == ()


@pytest.mark.parametrize(
    "content",
    [b"resources: [", b"\xff\xfe", b"resources:\n  - kind: a\n\tname: b\n", b"- 1\n", b"42\n"],
)
def test_a_file_that_cannot_be_read_plans_nothing(good: Shop, content: bytes) -> None:
    (good.folder / "web.yaml").write_bytes(content)

    ran = good.run("apply", "sandbox", "--yes", "--prune")

    assert ran.code == 1
    assert "web.yaml" in ran.err
    assert good.world.asked() == ()


def test_a_folder_instead_of_a_file_plans_nothing(good: Shop) -> None:
    (good.folder / "web.yaml").unlink()
    (good.folder / "environment.yaml").unlink()
    (good.folder / "environment.yaml").mkdir()

    ran = good.run("plan", "sandbox")

    assert ran.code == 1
    assert "environment.yaml" in ran.err


def test_a_link_to_nowhere_is_an_error_and_not_an_empty_file(good: Shop) -> None:
    (good.folder / "web.yaml").unlink()
    (good.folder / "web.yaml").symlink_to("nowhere.yaml")

    ran = good.run("plan", "sandbox")

    assert ran.code == 1
    assert "web.yaml" in ran.err


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "resources: &r\n  - *r\n",
        "resources: " + "[" * 100_000,
        "resources: " + "{a: " * 10_000,
        "resources:\n" + "  - 1\n" * 200_000,
        "? " * 50_000,
        "%YAML 1.2\n---\nresources: []\n---\nresources: []\n",
        "resources: !!python/object/apply:os.system ['true']\n",
    ],
    ids=["billion laughs", "a loop", "[[[", "{{{", "many", "???", "documents", "python"],
)
def test_a_hostile_file_is_refused_quickly(shop: Shop, text: str) -> None:
    ran = diagnosed(shop, text)

    assert len(ran.err) < 200_000


def test_a_value_of_fifty_megabytes_is_refused_quickly(shop: Shop) -> None:
    ran = diagnosed(shop, "resources:\n  - kind: " + "x" * 50_000_000 + "\n")

    assert len(ran.all) < 20_000


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\x7f"])
def test_a_character_that_cannot_be_seen_is_refused_and_not_printed(
    shop: Shop, character: str
) -> None:
    ran = diagnosed(
        shop,
        f"resources:\n  - kind: vercel.env_var\n    name: a{character}[31mb\n    spec: {{}}\n",
    )

    assert character not in ran.err
    assert "more.yaml:3:" in ran.err


@pytest.mark.parametrize("name", ["a\x1b[31mb.yaml", "a\u202eb.yaml", "a\nb.yaml"])
def test_a_hostile_file_name_is_not_printed_raw(shop: Shop, name: str) -> None:
    shop.write("resources: [", name)

    ran = shop.run("plan", "sandbox")

    assert ran.code == 1
    assert name not in ran.all


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_in_a_file_is_refused_and_not_shown(shop: Shop, form: str) -> None:
    shop.write(
        "resources:\n  - kind: vercel.env_var\n    name: a\n"
        "    spec: {key: A, target: [production], type: sensitive, value: FAKE-literal-secret}\n"
    )

    ran = shop.run("plan", "sandbox", "--format", form)

    assert ran.code == 1
    assert "A secret stands in the file" in ran.all
    assert "${secret:env/NAME}" in ran.all
    assert "FAKE-literal-secret" not in ran.all


def test_a_redaction_marker_is_no_value(shop: Shop) -> None:
    shop.write(
        "resources:\n  - kind: vercel.env_var\n    name: a\n    spec:\n"
        "      {key: A, target: [production], value: {secret: null, fingerprint: 'hmac-sha256:ab'}}\n"
    )

    ran = shop.run("plan", "sandbox")

    assert ran.code == 1
    assert "A redaction marker is no value" in ran.err


def test_a_secret_where_everybody_can_read_it_is_refused(shop: Shop) -> None:
    shop.write(
        "resources:\n  - kind: vercel.env_var\n    name: a\n"
        "    spec: {key: A, target: [preview], type: plain, value: '${secret:env/SHOP_SMTP_URL}'}\n"
    )

    ran = shop.run("plan", "sandbox")

    assert ran.code == 1
    assert "A secret in a field that anyone can read" in ran.err


@pytest.mark.parametrize(
    ("value", "mend"),
    [("yes", '"yes"'), ("010", '"010"'), ("2024-06-20", '"2024-06-20"'), ("1.10", '"1.10"')],
)
def test_text_that_would_silently_become_something_else_is_refused(
    shop: Shop, value: str, mend: str
) -> None:
    ran = diagnosed(
        shop,
        "resources:\n  - kind: vercel.env_var\n    name: a\n"
        f"    spec: {{key: A, target: [preview], type: plain, value: {value}}}\n",
    )

    assert mend in ran.err


def test_a_ring_of_references_is_refused_by_name(shop: Shop) -> None:
    items = "".join(
        f"  - kind: vercel.env_var\n    name: {one}\n    depends_on: [vercel.env_var/{other}]\n"
        f"    spec: {{key: {one}, target: [preview], type: plain, value: x}}\n"
        for one, other in (("a", "b"), ("b", "c"), ("c", "a"))
    )

    ran = diagnosed(shop, f"resources:\n{items}")

    assert "vercel.env_var/a" in ran.err


def test_a_folder_that_is_not_there_is_named(shop: Shop) -> None:
    ran = shop._run("-C", shop.root / "nowhere", "plan", "sandbox")  # noqa: SLF001 - another folder

    assert ran.code == 1
    assert "There is no folder" in ran.err


def test_a_folder_without_environments_says_what_one_is(shop: Shop) -> None:
    ran = shop._run("-C", shop.root / "desired_state", "validate")  # noqa: SLF001 - another folder

    assert ran.code == 1
    assert "There is no environment" in ran.err


@pytest.mark.parametrize("name", ["../sandbox", "sandbox/", ".", "", "/etc", "sand\x1b[31mbox"])
def test_a_name_that_is_no_environment_is_refused(good: Shop, name: str) -> None:
    ran = good.run("plan", name)

    assert ran.code == 1
    assert "\x1b" not in ran.all
    assert good.world.asked() == ()


def test_hostile_live_values_reach_no_terminal(good: Shop) -> None:
    hostile = "\x1b]0;owned\x07\u202e\r\n::error::x"
    good.click(description=hostile)
    good.click("we_analytics", description=hostile, url="https://x.example/\x1b[2J")

    for command in (
        ("plan", "sandbox"),
        ("drift", "sandbox"),
        ("diff", "sandbox", "good", "live"),
        ("snapshot", "sandbox", "--label", "bad"),
        ("show", "bad"),
        ("import", "sandbox"),
        ("rollback", "sandbox", "--yes"),
        ("history", "sandbox"),
    ):
        ran = good.run(*command)

        assert ran.code in {0, 2}, ran.all
        assert not {"\x1b", "\x07", "\u202e"} & set(ran.all), command
        assert "\n::error" not in ran.all, command
