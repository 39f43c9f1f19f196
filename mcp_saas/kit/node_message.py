"""Messages signed by a Lightning node's identity key, as `signmessage` of LND and Core Lightning signs them.

The digest is SHA-256 twice over "Lightning Signed Message:" and the message; the signature is a byte of 31 plus the
recovery id and the 64 bytes of r and s, in zbase32.
"""

import hashlib

from coincurve import PrivateKey, PublicKey

_PREFIX = b"Lightning Signed Message:"
_ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"  # zbase32, RFC 6189 section 5.1.6
_SIGNATURE_BYTES = 65
_SIGNATURE_CHARS = _SIGNATURE_BYTES * 8 // 5
SIGNATURE_HEADER = 31  # 27, and 4 for a compressed key
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}


def recover_signer(message: bytes, signature: str) -> str:
    """The public key (hex) of whoever signed the message. Raises ValueError for what is no signature of it."""
    raw = decode_signature(signature)
    recovery_id = raw[0] - SIGNATURE_HEADER
    if not 0 <= recovery_id <= 3:
        raise ValueError("the signature's first byte is no recovery id")
    try:
        key = PublicKey.from_signature_and_message(raw[1:] + bytes([recovery_id]), _digest(message), hasher=None)
    except Exception as error:
        raise ValueError("no key has made this signature") from error
    return str(key.format().hex())


def sign_message(secret: bytes, message: bytes) -> str:
    """What `signmessage` of a node with this identity key (32 bytes) answers."""
    raw = PrivateKey(secret).sign_recoverable(_digest(message), hasher=None)
    return _encode_zbase32(bytes([SIGNATURE_HEADER + raw[64]]) + raw[:64])


def derive_pubkey(secret: bytes) -> str:
    """The node id (hex) of an identity key."""
    return str(PrivateKey(secret).public_key.format().hex())


def _digest(message: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(_PREFIX + message).digest()).digest()


def decode_signature(text: str) -> bytes:
    """The signature's 65 bytes. Raises ValueError."""
    if len(text) != _SIGNATURE_CHARS or not set(text) <= _VALUES.keys():
        raise ValueError(f"the signature is not {_SIGNATURE_CHARS} characters of zbase32")
    number = 0
    for char in text:
        number = number << 5 | _VALUES[char]
    return number.to_bytes(_SIGNATURE_BYTES)


def _encode_zbase32(raw: bytes) -> str:
    number = int.from_bytes(raw)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(_SIGNATURE_CHARS * 5 - 5, -1, -5))
