"""The server's key, and what is derived from it: sealed secrets, lookups that a stolen database does not reveal.

OpenSubsonic's token is ``md5(secret + salt)`` (Subsonic API, authentication), so an app's secret must be readable by the server: it is
kept encrypted (AES-256-GCM), the key in a file of its own, readable by its owner alone.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from segue.errors import ConfigError

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Seals, opens and looks up secrets with the key in ``key_file``, made on first use.

    Raises :class:`~segue.errors.ConfigError` when the file is there and is no key.
    """

    def __init__(self, key_file: Path) -> None:
        key = _read_or_make(key_file)
        self._cipher = AESGCM(hashlib.blake2b(key, person=b"segue-seal", digest_size=32).digest())
        self._lookup_key = hashlib.blake2b(key, person=b"segue-lookup", digest_size=32).digest()

    def seal(self, text: str, owner: str) -> bytes:
        """Encrypt ``text``; only :meth:`open` with the same ``owner`` gives it back."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> str | None:
        """The text, or None when it was sealed with another key or for another owner."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode()).decode()
        except InvalidTag:
            return None

    def lookup(self, secret: str) -> bytes:
        """A keyed hash to find a secret by, without keeping it."""
        return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._lookup_key, digest_size=32).digest()


def new_secret(prefix: str) -> str:
    """``prefix`` and 190 random bits in base62: safe in a query string, short enough to type."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return prefix + "".join(secrets.choice(alphabet) for _ in range(32))


def _read_or_make(path: Path) -> bytes:
    if not path.exists():
        _make(path)
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:  # copied here by hand, or out of an archive
            with contextlib.suppress(OSError):
                os.fchmod(file.fileno(), 0o600)
        key = file.read(_KEY_BYTES + 1)
    if len(key) != _KEY_BYTES:
        raise ConfigError(
            f"{path} is not a key of {_KEY_BYTES} bytes. Restore it from a backup; or move it away and make new app passwords."
        )
    return key


def _make(path: Path) -> None:
    """Whole or not at all, whenever the power fails; the first of two makers wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_bytes(_KEY_BYTES))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
