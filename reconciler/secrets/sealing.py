"""Seal values for the operator's age key, and open them again with the identity given at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import CorruptFile, InvalidInput, SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Seal:
    """Encrypts with age to ``recipients`` (``age1…`` or ``ssh-…``); any of them can open it."""

    def __init__(self, recipients: Sequence[str]) -> None:
        self._recipients = tuple(recipients)

    def close(self, value: str) -> str:
        """Return ``value`` encrypted, as the armoured text that ``age -d`` reads. Raises InvalidInput."""
        import pyrage

        recipients = [_recipient(text) for text in self._recipients]
        plain = value.encode("utf-8", "surrogatepass")
        sealed: bytes = pyrage.encrypt(plain, recipients, armored=True)
        return sealed.decode()


class Identity:
    """The key that opens sealed values: the file that ``age-keygen`` writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, sealed: str, what: str) -> str:
        """Return the value of ``sealed``; ``what`` names it. Raises SecretUnavailable, CorruptFile."""
        import pyrage

        try:
            value: bytes = pyrage.decrypt(sealed.encode(), self._identities())
            return value.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise CorruptFile(f"{what}: what was sealed is no text") from None
        except UnicodeEncodeError:
            raise altered(what) from None
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error):
                raise SecretUnavailable(
                    f"{what}: this identity does not open it",
                    detail=f"{self._path} is no recipient of what was sealed.",
                    mend="give the identity of one of its recipients with --identity FILE",
                ) from None
            raise altered(what) from None

    def _identities(self) -> list[object]:
        import pyrage

        try:
            text = self._path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "It is no text, so it may be encrypted itself"
            raise SecretUnavailable(
                f"The identity file {self._path} cannot be read",
                detail=f"{why}.",
                mend="give the file that age-keygen wrote, or an SSH key, with --identity FILE",
            ) from None
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        try:
            if keys and keys[0].startswith("-----BEGIN"):
                return [pyrage.ssh.Identity.from_buffer("\n".join([*keys, ""]).encode())]
            found: list[object] = [pyrage.x25519.Identity.from_str(key) for key in keys]
        except pyrage.IdentityError:
            found = []
        if not found:
            raise self._no_identity(text)
        return found

    def _no_identity(self, text: str) -> SecretUnavailable:
        """Return the error for a file with ``text`` that holds nothing which opens a sealed value."""
        summary = f"The file {self._path} holds no age identity"
        detail = "An identity is a line that begins with AGE-SECRET-KEY-1."
        mend = "give the file that age-keygen wrote, or an SSH key, with --identity FILE"
        if "BEGIN AGE ENCRYPTED FILE" in text or text.startswith("age-encryption.org/"):
            detail = "It is encrypted itself."
            mend = f"age --decrypt -o identity.txt {self._path}"
        elif "PRIVATE KEY-----" in text:
            detail = (
                "The SSH key in it is of another kind than ed25519 or RSA, or has a passphrase."
            )
            mend = "ssh-keygen -p -N '' -f COPY   # takes the passphrase off a copy of it"
        elif "AGE-PLUGIN-" in text:
            detail = "What needs a plugin of age (a hardware key) cannot be used here."
            mend = "reconciler show SNAPSHOT --sealed ADDRESS#FIELD | age --decrypt -i IDENTITY"
        return SecretUnavailable(summary, detail=detail, mend=mend)


def altered(what: str) -> CorruptFile:
    """Return the error for a sealed value that is not what was sealed."""
    return CorruptFile(
        f"{what}: the sealed value was altered",
        detail="It does not open to what was sealed, so it is not used.",
        mend="restore the snapshot from Git, or use another: reconciler history ENV",
    )


def _recipient(text: str) -> object:
    import pyrage

    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise InvalidInput(
            [
                Diagnostic(
                    summary="Not an age recipient",
                    detail=f"{text} is none: seal.recipients in environment.yaml lists public keys.",
                    mend="age-keygen -y identity.txt",
                )
            ]
        ) from None
