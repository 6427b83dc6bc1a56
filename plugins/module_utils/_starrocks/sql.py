# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""SQL text out of values. The server splits a text at semicolons, so nothing enters a statement without these."""

from __future__ import annotations

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def quote_string(text: str) -> str:
    """A string literal in double quotes, as the vendor's manual writes keys and values; backslash escapes."""
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in text) + '"'


def quote_identifier(name: str) -> str:
    """An identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def like_literal(text: str) -> str:
    r"""The literal of a LIKE pattern that matches ``text`` itself: ``%``, ``_`` and ``\`` are escaped.

    The server turns the pattern into a regular expression and matches aliases too, so the rows that come back must
    still be compared with ``text`` (qe/ShowExecutor.java).
    """
    escaped = []
    for letter in text:
        if letter in "%_":
            escaped.append("\\" + letter)
        elif letter == "\\":
            escaped.append("\\\\\\\\")
        else:
            escaped.append(_ESCAPES.get(letter, letter))
    return '"' + "".join(escaped) + '"'
