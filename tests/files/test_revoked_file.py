"""The file of revoked secrets: read, and added to without touching what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import InvalidInput
from reconciler.files.revoked_file import read_revoked, with_revocation

if TYPE_CHECKING:
    from pathlib import Path

HASH = "hmac-sha256:0000000a:00000000000000000000000000000001"
ITEM = "fingerprint: hmac-sha256:0000000b:00000000000000000000000000000002"
REST = 'reason: "x"\n{0}date: "2026-01-01"\n'


def added(text: str, reason: str = "in a log") -> str:
    return with_revocation(text, "${secret:env/A}, version 3", HASH, reason, "2026-11-19")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("# nothing yet", 1),
        ("# nothing yet\n\n", 1),
        ("revoked: []\n", 1),
        ("revoked: [ ]  # none yet\n", 1),
        ("---\nrevoked: []\n", 1),
        (f"revoked:\n  - {ITEM}\n    {REST.format('    ')}", 2),
        (f"revoked:\n- {ITEM}\n  {REST.format('  ')}", 2),
        (f"revoked:\n      - {ITEM}\n        {REST.format('        ')}# the end\n", 2),
        (f"revoked:\n  - {ITEM}\n    {REST.format('    ')}".replace("\n", "\r\n"), 2),
    ],
)
def test_a_secret_is_added_at_the_end_and_the_rest_stays(
    tmp_path: Path, text: str, count: int
) -> None:
    path = tmp_path / "revoked.yaml"

    path.write_text(added(text), encoding="utf-8", newline="")

    found = read_revoked(path, "revoked.yaml")
    assert found.diagnostics == ()
    assert len(found.revoked) == count
    assert found.revoked[-1].fingerprint == HASH
    assert all(
        line in path.read_text(encoding="utf-8") for line in text.splitlines() if "#" in line[:1]
    )


@pytest.mark.parametrize(
    "text",
    [
        f"revoked: [{{{ITEM.replace(': ', ': ', 1)}, reason: x, date: '2026-01-01'}}]\n",
        "revoked: {}\n",
        "revoked: []\n...\n",
        "[]\n",
        "revoked: [\n",
    ],
)
def test_what_cannot_be_added_to_is_said_with_what_to_write(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        added(text)

    (one,) = caught.value.diagnostics
    assert one.summary == "revoked.yaml cannot be added to"
    assert HASH in one.mend


@pytest.mark.parametrize(
    "reason", ['in "a" log', "back\\slash", "a\nb", "# c: {x}", "\u2028 \u0085 \x7f \ufeff", "é 😀"]
)
def test_any_reason_comes_back_as_it_was(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "revoked.yaml"

    path.write_text(added("", reason), encoding="utf-8")

    assert [one.reason for one in read_revoked(path, "revoked.yaml").revoked] == [reason]


@pytest.mark.parametrize(
    "text",
    [
        "revoked:\n",
        "revoked: null\n",
        "revoke: []\n",
        "- x\n",
        "revoked: [{secret: gcp/A, reason: x, date: '2026-01-01'}]\n",
        "revoked: [{fingerprint: 5, reason: x, date: 2026-01-01}]\n",
    ],
)
def test_a_file_that_is_not_understood_revokes_nothing_in_silence(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "revoked.yaml"
    path.write_text(text, encoding="utf-8")

    found = read_revoked(path, "revoked.yaml")

    assert found.diagnostics
    assert all(one.summary for one in found.diagnostics)


def test_a_file_that_cannot_be_read_is_an_error_and_a_missing_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    assert read_revoked(tmp_path / "folder", "revoked.yaml").diagnostics
    assert read_revoked(tmp_path / "none", "revoked.yaml") == ((), ())
