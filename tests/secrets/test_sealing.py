"""Values sealed for an operator's key. Debian's `age` is the judge of both directions where it is on PATH."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import CorruptFile, InvalidInput, ReconcilerError, SecretUnavailable
from reconciler.core.masking import Masker
from reconciler.core.secret import SecretValue
from reconciler.secrets.fingerprints import Fingerprints
from reconciler.secrets.resolver import Resolver
from reconciler.secrets.sealing import Identity, Seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUE = 'FAKE "value"\n ü'
FILE = "age-secret.txt"
has_age = pytest.mark.skipif(shutil.which("age") is None, reason="NOT JUDGED: age is not on PATH")


class Keys(NamedTuple):
    """A recipient, and the content of the file that opens what is sealed for it."""

    recipient: str
    identity: str


def age_keys() -> Keys:
    made = pyrage.x25519.Identity.generate()
    return Keys(str(made.to_public()), f"# created: today\n# public key: x\n{made}\n")


def ssh_keys(kind: str) -> Keys:
    made = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    public = made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    private = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return Keys(f"{public.decode()} operator@shop", private.decode())


OURS = age_keys()
SSH = {"ed25519": ssh_keys("ed25519"), "rsa": ssh_keys("rsa")}


@pytest.fixture
def identity(tmp_path: Path) -> Callable[[str | bytes], Identity]:
    """Return a function that writes an identity file."""

    def write(content: str | bytes) -> Identity:
        path = tmp_path / FILE
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Identity(path)

    return write


# --- There and back


@given(value=st.text(max_size=40))
def test_what_is_sealed_is_opened(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    path = tmp_path_factory.mktemp("identity") / FILE
    path.write_text(OURS.identity, encoding="utf-8")

    sealed = Seal([OURS.recipient]).close(value)

    assert Identity(path).open(sealed, "x") == value
    assert sealed.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert len(value) < 3 or value not in sealed


def test_each_of_several_recipients_opens_it(identity: Callable[[str], Identity]) -> None:
    every = [OURS, age_keys(), *SSH.values()]

    sealed = Seal([one.recipient for one in every]).close(VALUE)

    assert [identity(one.identity).open(sealed, "x") for one in every] == [VALUE] * 4


@pytest.mark.parametrize(
    "content",
    [
        OURS.identity.replace("\n", "\r\n"),
        f"\ufeff{OURS.identity}",
        f"\n   # mine\n\t{OURS.identity.splitlines()[2]}  \n\n",
        f"{age_keys().identity}{OURS.identity}",
        SSH["ed25519"].identity,
        SSH["ed25519"].identity.replace("\n", "\r\n"),
        f"\n# from the safe\n{SSH['ed25519'].identity}",
        SSH["rsa"].identity,
    ],
    ids=["CRLF", "BOM", "blanks", "two", "SSH", "SSH, CRLF", "SSH below a comment", "SSH RSA"],
)
def test_an_identity_file_may_be_written_in_many_ways(
    identity: Callable[[str], Identity], content: str
) -> None:
    sealed = Seal([OURS.recipient, *(one.recipient for one in SSH.values())]).close(VALUE)

    assert identity(content).open(sealed, "x") == VALUE


def test_a_sealed_text_survives_other_line_ends(identity: Callable[[str], Identity]) -> None:
    sealed = Seal([OURS.recipient]).close(VALUE)

    assert identity(OURS.identity).open(sealed.replace("\n", "\r\n"), "x") == VALUE


# --- What is no identity, and what is no recipient


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "begins with AGE-SECRET-KEY-1"),
        ("# only a comment\n", "begins with AGE-SECRET-KEY-1"),
        (OURS.recipient, "begins with AGE-SECRET-KEY-1"),
        ("AGE-SECRET-KEY-1FAKE", "begins with AGE-SECRET-KEY-1"),
        (f"{OURS.identity}garbage\n", "begins with AGE-SECRET-KEY-1"),
        (SSH["ed25519"].identity[:80], "another kind"),
        ("AGE-PLUGIN-YUBIKEY-1FAKE\n", "plugin"),
        (Seal([OURS.recipient]).close("x"), "encrypted itself"),
        (b"age-encryption.org/v1\n-> scrypt FAKE\n", "encrypted itself"),
        (b"\xff\xfe\x00", "encrypted itself"),
    ],
    ids=[f"file {number}" for number in range(10)],
)
def test_a_file_that_is_no_identity_is_named_with_the_reason_and_the_mend(
    identity: Callable[[str | bytes], Identity], content: str | bytes, said: str
) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        identity(content).open(Seal([OURS.recipient]).close(VALUE), "x")

    assert FILE in caught.value.summary
    assert said in caught.value.detail
    assert caught.value.mend
    keys = content.splitlines() if isinstance(content, str) else []
    assert not [key for key in keys if len(key) > 20 and key in told(caught.value)]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not on PATH")
def test_a_key_with_a_passphrase_is_told_from_one_that_is_broken(tmp_path: Path) -> None:
    path = tmp_path / FILE
    subprocess.run(  # noqa: S603 - fixed program
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "FAKE-passphrase", "-f", str(path)],  # noqa: S607 - whichever there is
        check=True,
    )
    recipient = path.with_name(f"{FILE}.pub").read_text(encoding="utf-8").strip()

    with pytest.raises(SecretUnavailable) as caught:
        Identity(path).open(Seal([recipient]).close(VALUE), "x")

    assert "has a passphrase" in caught.value.detail
    assert "ssh-keygen -p" in caught.value.mend


def test_a_file_that_is_not_there_is_named_with_the_mend(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(SecretUnavailable) as caught:
            Identity(path).open(Seal([OURS.recipient]).close(VALUE), "x")

        assert str(path) in caught.value.summary
        assert "--identity FILE" in caught.value.mend


def test_the_identity_of_somebody_else_is_told_so(identity: Callable[[str], Identity]) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        identity(age_keys().identity).open(Seal([OURS.recipient]).close(VALUE), "a.b/c#d")

    assert caught.value.summary == "a.b/c#d: this identity does not open it"


@pytest.mark.parametrize(
    "recipient",
    ["age1fake", "ssh-ed25519 AAAA", "ssh-dss AAAA", f"{OURS.recipient} ", "", "age1yubikey1q"],
    ids=["short", "cut-ssh", "dss", "blank", "empty", "plugin"],
)
def test_what_is_no_recipient_is_refused_with_the_mend(recipient: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Seal([OURS.recipient, recipient]).close(VALUE)

    (one,) = caught.value.diagnostics
    assert one.mend
    assert "FAKE" not in told(caught.value)


# --- Altered


def garbage(_: str) -> str:
    return "garbage"


def cut_off(text: str) -> str:
    return text[:90]


def longer(text: str) -> str:
    return text.replace("\n-----END", "AAAA\n-----END")


def one_letter(text: str) -> str:
    return text[:120] + ("B" if text[120] == "A" else "A") + text[121:]


def no_valid_text(text: str) -> str:
    return f"\ud800{text}"


@pytest.mark.parametrize("alter", [garbage, cut_off, longer, one_letter, no_valid_text])
def test_an_altered_value_is_never_opened(
    identity: Callable[[str], Identity], alter: Callable[[str], str]
) -> None:
    sealed = Seal([OURS.recipient]).close(VALUE)

    with pytest.raises(CorruptFile) as caught:
        identity(OURS.identity).open(alter(sealed), "a.b/c#d")

    assert caught.value.summary == "a.b/c#d: the sealed value was altered"
    assert caught.value.mend


@pytest.mark.parametrize("fingerprint", ["another", None, "of another key"])
def test_an_exchanged_value_is_refused_by_its_fingerprint(
    tmp_path: Path, fingerprint: str | None
) -> None:
    (tmp_path / FILE).write_text(OURS.identity, encoding="utf-8")
    prints, theirs = Fingerprints(lambda: "a" * 16), Fingerprints(lambda: "b" * 16)
    source = Resolver({}, Masker(), prints, Seal([OURS.recipient]), Identity(tmp_path / FILE))
    hashes = {"another": prints.of("another"), "of another key": theirs.of(VALUE), None: None}
    good = SecretValue(None, prints.of(VALUE), sealed=source.seal(VALUE))

    with pytest.raises(ReconcilerError) as caught:
        source.unseal(good._replace(fingerprint=hashes[fingerprint]), "a.b/c#d")

    assert source.unseal(good, "a.b/c#d") == VALUE
    assert "FAKE" not in told(caught.value)


# --- Judged by age itself


@has_age
@pytest.mark.parametrize("keys", [OURS, *SSH.values()], ids=["age", *SSH])
def test_age_opens_what_is_sealed_and_seals_what_is_opened(
    tmp_path: Path, identity: Callable[[str], Identity], keys: Keys
) -> None:
    ours = identity(keys.identity)
    (tmp_path / FILE).chmod(0o600)

    opened = age("--decrypt", "-i", str(tmp_path / FILE), given=Seal([keys.recipient]).close(VALUE))
    sealed = age("--encrypt", "--armor", "-r", keys.recipient, given=VALUE)

    assert opened == VALUE
    assert ours.open(sealed, "x") == VALUE


def age(*arguments: str, given: str) -> str:
    ended = subprocess.run(  # noqa: S603 - fixed program
        ["age", *arguments],  # noqa: S607 - whichever age there is
        input=given.encode(),
        check=True,
        capture_output=True,
    )
    return ended.stdout.decode()


def told(error: ReconcilerError) -> str:
    return "\n".join(f"{one.summary}\n{one.detail}\n{one.mend}" for one in error.diagnostics)
