"""What is kept about people is sealed here: AES-GCM for words, a keyed hash for looking things up."""

import base64
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from handoff.errors import KeyMissing

KEY_BYTES = 32
NONCE_BYTES = 12
MARK_BYTES = 16
FORMAT = b"\x01"


class Seal:
    """Seals and opens words; the two keys it uses are derived from one (HKDF-SHA256, RFC 5869)."""

    __slots__ = ("_cipher", "_mac")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise KeyMissing(f"The key must be {KEY_BYTES} bytes; this one has {len(key)}.")
        self._cipher = AESGCM(_derived(key, b"words"))
        self._mac = HMAC(_derived(key, b"marks"), SHA256())

    def __repr__(self) -> str:
        return "Seal(…)"

    def seal_bytes(self, plain: bytes, about: str) -> bytes:
        """`about` binds the sealed bytes to their place: opened with another one they are refused."""
        nonce = os.urandom(NONCE_BYTES)
        return FORMAT + nonce + self._cipher.encrypt(nonce, plain, about.encode())

    def open_bytes(self, sealed: bytes, about: str) -> bytes:
        """Raises: KeyMissing when the key is another one, or the bytes were changed, cut or moved."""
        try:
            if not sealed.startswith(FORMAT) or len(sealed) <= 1 + NONCE_BYTES:
                raise InvalidTag
            return self._cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], about.encode())
        except InvalidTag:
            raise KeyMissing("These words cannot be opened with this key.") from None

    def seal(self, text: str, about: str) -> bytes:
        return self.seal_bytes(text.encode(), about)

    def open(self, sealed: bytes, about: str) -> str:
        return self.open_bytes(sealed, about).decode()

    def mark(self, text: str) -> bytes:
        """A keyed hash of 16 bytes: the same text gives the same mark, and nobody without the key can tell which."""
        mac = self._mac.copy()
        mac.update(text.encode())
        return mac.finalize()[:MARK_BYTES]


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"firstline " + purpose).derive(key)


def key_from_text(text: str) -> bytes:
    """The key as it is written in FIRSTLINE_KEY or the key file: 32 bytes in base64."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise KeyMissing("The key is not base64. Restore the key file from your backup.") from None


def key_in(path: Path, *, may_make: bool) -> bytes:
    """Reads the key file; makes one (mode 0600) when there is none and no database needs an older one.

    Raises: KeyMissing when it is absent and `may_make` is False.
    """
    try:
        return key_from_text(path.read_bytes().decode("ascii", "replace"))
    except FileNotFoundError:
        if not may_make:
            raise KeyMissing(
                f"The key file {path.name} is missing, and the database beside it is sealed with it. "
                "Restore the key from your backup, or set FIRSTLINE_KEY. Nothing was changed."
            ) from None
    key = secrets.token_bytes(KEY_BYTES)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(key).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key
