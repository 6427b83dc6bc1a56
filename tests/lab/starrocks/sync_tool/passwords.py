# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TO_BASE64(AES_ENCRYPT(password, key)) undone: AES-128 in ECB mode, with MySQL's folding of the key."""

from __future__ import annotations

import base64


def _multiply(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product & 0xFF


def _substitution() -> list[int]:
    box = [0] * 256
    for value in range(256):
        inverse = next((x for x in range(256) if _multiply(value, x) == 1), 0) if value else 0
        result = 0x63
        for shift in range(5):
            result ^= ((inverse << shift) | (inverse >> (8 - shift))) & 0xFF
        box[value] = result
    return box


def fold(key: bytes) -> bytes:
    """A key of any length as MySQL makes 16 bytes of it."""
    folded = bytearray(16)
    for at, value in enumerate(key):
        folded[at % 16] ^= value
    return bytes(folded)


def _round_keys(key: bytes, box: list[int]) -> list[bytes]:
    words = [list(key[at : at + 4]) for at in range(0, 16, 4)]
    constant = 1
    for number in range(4, 44):
        word = list(words[-1])
        if number % 4 == 0:
            word = [box[value] for value in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _multiply(constant, 2)
        words.append([a ^ b for a, b in zip(words[-4], word)])
    return [bytes(value for word in words[at : at + 4] for value in word) for at in range(0, 44, 4)]


def _decrypt_block(block: bytes, keys: list[bytes], inverse: list[int]) -> bytes:
    state = [a ^ b for a, b in zip(block, keys[10])]
    for number in range(9, -1, -1):
        # Rows are shifted back, bytes substituted back, the key added, columns mixed back.
        state = [state[(at - 4 * (at % 4)) % 16] for at in range(16)]
        state = [inverse[value] ^ key for value, key in zip(state, keys[number])]
        if number:
            mixed: list[int] = []
            for column in range(0, 16, 4):
                a = state[column : column + 4]
                for row in range(4):
                    factors = (14, 11, 13, 9)
                    value = 0
                    for at in range(4):
                        value ^= _multiply(a[(row + at) % 4], factors[at])
                    mixed.append(value)
            state = mixed
    return bytes(state)


def decrypt(text: str, key: str) -> str:
    """The password; ValueError when the text is none that the key has made."""
    data = base64.b64decode(text, validate=True)
    if not data or len(data) % 16:
        raise ValueError("the encrypted password has %d bytes" % len(data))
    box = _substitution()
    inverse = [box.index(value) for value in range(256)]
    keys = _round_keys(fold(key.encode()), box)
    plain = b"".join(_decrypt_block(data[at : at + 16], keys, inverse) for at in range(0, len(data), 16))
    padding = plain[-1]
    if not 1 <= padding <= 16 or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("the secret key does not fit")
    return plain[:-padding].decode("utf-8", "replace")
