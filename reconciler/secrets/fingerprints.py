"""Keyed fingerprints: they say "same" or "different" of two values, and nothing to whoever lacks the key."""

from __future__ import annotations

import hmac
import os
import secrets as randomness
import threading
from hashlib import sha256
from typing import TYPE_CHECKING

from reconciler.core.errors import SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHORTEST_KEY = 16
"""Characters; a shorter key could be guessed from the fingerprints in a repository."""


class Fingerprints:
    """Makes fingerprints with one key, which is asked for when the first is made. Thread-safe."""

    def __init__(self, key: Callable[[], str]) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._known: tuple[bytes, str] | None = None

    def of(self, value: str) -> str:
        """Return ``hmac-sha256:<key id>:<hash>`` of ``value``. Raises SecretUnavailable without a key."""
        key, prefix = self._opened()
        text = value.encode("utf-8", "surrogatepass")
        made = hmac.new(key, b"reconciler fingerprint\0" + text, sha256)
        return f"{prefix}{made.hexdigest()[:32]}"

    def is_ours(self, fingerprint: str) -> bool:
        """Tell whether our key made ``fingerprint``. Raises SecretUnavailable without a key."""
        return fingerprint.startswith(self._opened()[1])

    def _opened(self) -> tuple[bytes, str]:
        with self._lock:
            if self._known is None:
                text = self._key()
                if len(text) < SHORTEST_KEY:
                    raise SecretUnavailable(
                        f"The fingerprint key is shorter than {SHORTEST_KEY} characters",
                        mend="openssl rand -hex 32   # store this as the key",
                    )
                key = text.encode()
                key_id = hmac.new(key, b"reconciler key id", sha256).hexdigest()[:8]
                self._known = key, f"hmac-sha256:{key_id}:"
            return self._known


def local_key(folder: Path) -> str:
    """Return the key of this working folder, made when it is first needed, in a file that Git ignores.

    Raises SecretUnavailable when it can neither be read nor made.
    """
    path = folder / ".reconciler" / "fingerprint.key"
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        ignored = path.parent / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        new = path.with_name(f"{path.name}.{os.getpid()}-{randomness.token_hex(4)}")
        if not path.exists():
            try:
                _write(new, randomness.token_hex(32))
                # The first of two processes wins, and its key is whole from the beginning.
                os.link(new, path)
            except FileExistsError:
                pass
            finally:
                new.unlink(missing_ok=True)
        return _whole(path)
    except OSError as error:
        raise SecretUnavailable(
            f"The fingerprint key {path.name} can neither be read nor made",
            detail=f"{path}: {error.strerror}.",
            mend="secrets: {fingerprint_key: ${secret:env/RECONCILER_FINGERPRINT_KEY}}",
        ) from None


def _whole(path: Path) -> str:
    """Return the key in the file at ``path``. Raises SecretUnavailable when it is none, OSError."""
    key = path.read_bytes().decode("ascii", "replace").strip()
    if len(key) < SHORTEST_KEY or not key.isprintable() or not key.isascii():
        raise SecretUnavailable(
            f"The file {path.name} holds no fingerprint key",
            detail=f"{path} is no longer as it was made: fingerprints made with its key match nothing now.",
            mend=f"put its old content back; or, to begin anew: rm {path}",
        )
    return key


def _write(path: Path, key: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
