"""The least rights as text and as a document: each right once, with all that need it."""

from __future__ import annotations

from reconciler.core.permission import AccountRights, Grant, Permissions, SecretRights
from reconciler.core.resource import Rights
from reconciler.render.permissions_text import permissions_json, permissions_text

DOCS = "https://docs.acme.example/keys"
PERMISSIONS = Permissions(
    "production",
    (
        AccountRights(
            "acme",
            ("${secret:env/ACME_KEY}",),
            Rights(("Account: Read",), ("Account: Read",), DOCS),
            (
                ("acme.flag", Rights(("Flags: Read",), ("Flags: Write",), DOCS)),
                ("acme.rule", Rights(("Flags: Read",), ("Rules: Write",), DOCS)),
                ("acme.thing", Rights()),
            ),
        ),
    ),
    (
        SecretRights(
            "${secret:gcp/NEW}",
            "gcp",
            ("acme.flag/new keeps its secret there",),
            (Grant("accessor", "secret NEW", "gcloud read"),),
            (Grant("adder", "secret NEW", "gcloud " + "x" * 120),),
        ),
        SecretRights("${secret:aws/X}", "aws", ("the acme account (key)",), trouble="no settings"),
    ),
)


def test_each_right_stands_once_with_all_that_need_it() -> None:
    assert permissions_text(PERMISSIONS).startswith(
        "production\n"
        "\n"
        "acme   ${secret:env/ACME_KEY}\n"
        "  for plan, drift, snapshot\n"
        "    Account: Read  the account\n"
        "    Flags: Read    acme.flag, acme.rule\n"
        "  for apply, rollback, undo\n"
        "    Account: Read  the account\n"
        "    Flags: Write   acme.flag\n"
        "    Rules: Write   acme.rule\n"
        "  not named by the kind:   acme.thing\n"
        f"  source: {DOCS}\n"
        "\n"
        "secrets\n"
        "  ${secret:gcp/NEW}   for acme.flag/new keeps its secret there\n"
        "    read: accessor on secret NEW\n"
        "        gcloud read\n"
    )


def test_what_grants_a_right_is_never_broken() -> None:
    text = permissions_text(PERMISSIONS, width=60)

    assert f"        gcloud {'x' * 120}\n" in text


def test_a_store_that_cannot_tell_says_why() -> None:
    assert "  ${secret:aws/X}   for the acme account (key)\n    no settings\n" in permissions_text(
        PERMISSIONS
    )


def test_hostile_words_do_not_act() -> None:
    hostile = SecretRights("${secret:x/\x1b[2J}", "x", ("\u202e",), (Grant("\x07", "\x1b]0;"),))

    text = permissions_text(Permissions("e", (), (hostile,)))

    assert not {"\x1b", "\u202e", "\x07"} & set(text)


def test_the_document_has_rights_by_kind_and_gathered() -> None:
    document = permissions_json(PERMISSIONS)

    (account,) = document["accounts"]
    assert account["plan"] == ["Account: Read", "Flags: Read"]
    assert account["apply"] == ["Account: Read", "Flags: Write", "Rules: Write"]
    assert account["kinds"]["acme.flag"] == {
        "read": ["Flags: Read"],
        "write": ["Flags: Write"],
        "source": DOCS,
    }
    assert document["secrets"][0]["read"] == [
        {"name": "accessor", "on": "secret NEW", "how": "gcloud read"}
    ]
    assert document["secrets"][1]["trouble"] == "no settings"
