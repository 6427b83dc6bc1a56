# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TO_BASE64 and AES_ENCRYPT, with which the manual has passwords made for the sync tool (facts 5.2)."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16


def aes_encrypt(text: str, key: str) -> bytes:
    """AES-128 in ECB mode, PKCS#7 padding, the key folded into 16 bytes as MySQL does it."""
    folded = bytearray(BLOCK)
    for at, value in enumerate(key.encode()):
        folded[at % BLOCK] ^= value
    padder = padding.PKCS7(8 * BLOCK).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(bytes(folded)), modes.ECB()).encryptor()  # noqa: S305 (the server's own default)
    return encryptor.update(padded) + encryptor.finalize()


def to_base64(value: object) -> str:
    """Base64 of bytes or of a text."""
    return base64.b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()
