# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Java's .properties files, read as ``java.util.Properties.load`` reads them and written so that it reads the same.

What is not changed stays as it was, to the byte: comments, order, blank lines, and the spaces around a separator (the
shipped ``sync.properties`` has ``ddl_job_allow_drop_inconsistent_time_partition = true``).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

ENCODING = "iso-8859-1"
"""What Java takes a file's bytes for. What is written is plain ASCII, which every reader takes for the same."""

_BLANK = " \t\f"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_NAMED = {value: "\\" + name for name, value in _ESCAPES.items()}
_HEX4 = re.compile(r"[0-9A-Fa-f]{4}")


@dataclasses.dataclass(frozen=True)
class Piece:
    """One logical line: its text with line ends, and what it says. ``key`` None: a comment or a blank line.

    ``head``: the text up to where the value begins (key and separator).
    """

    text: str
    key: t.Optional[str] = None
    value: str = ""
    head: str = ""


class Properties:
    """A file's content. Never changed: ``merged`` makes another one."""

    def __init__(self, pieces: t.Sequence[Piece]) -> None:
        self._pieces = tuple(pieces)

    @classmethod
    def parse(cls, text: str) -> Properties:
        """``text`` is the file decoded with ``ENCODING``. MigrationError ``starrocks.properties_malformed``."""
        pieces: t.List[Piece] = []
        number = 0
        for lines in _logical_lines(text):
            number += 1
            pieces.append(_read(lines, number))
            number += len(lines) - 1
        return cls(pieces)

    def as_dict(self) -> t.Dict[str, str]:
        """Each property in the order of the file; of one that is there twice the last counts, as in Java."""
        return {piece.key: piece.value for piece in self._pieces if piece.key is not None}

    def text(self) -> str:
        """The file's content, for ``ENCODING``."""
        return "".join(piece.text for piece in self._pieces)

    def merged(self, values: t.Mapping[str, str]) -> Properties:
        """With ``values`` put in: where the property already is, otherwise at the end."""
        pieces = [_replaced(piece, values) for piece in self._pieces]
        known = {piece.key for piece in self._pieces}
        added = [(key, value) for key, value in values.items() if key not in known]
        if added and pieces:
            pieces[-1] = dataclasses.replace(pieces[-1], text=_closed(pieces[-1].text))
        pieces.extend(_line(key, value) for key, value in added)
        return Properties(pieces)


def readable(text: str) -> t.Dict[str, str]:
    """The properties of a file that somebody may have spoilt; none when Java could not read it either."""
    try:
        return Properties.parse(text).as_dict()
    except MigrationError:
        return {}


def render(values: t.Mapping[str, str]) -> str:
    """A file of these properties alone."""
    return Properties(()).merged(values).text()


def escape_key(key: str) -> str:
    """A key as it stands in a file."""
    return "".join("\\" + char if char in " =:#!" else _escaped(char) for char in key)


def escape_value(value: str) -> str:
    """A value as it stands behind a separator. Only a space at its beginning would be taken for the separator's."""
    text = "".join(_escaped(char) for char in value)
    return "\\" + text if text.startswith(" ") else text


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char in _NAMED:
        return _NAMED[char]
    if " " <= char <= "~":
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2))


def _line(key: str, value: str, end: str = "\n") -> Piece:
    head = escape_key(key) + "="
    return Piece(head + escape_value(value) + end, key, value, head)


def _replaced(piece: Piece, values: t.Mapping[str, str]) -> Piece:
    if piece.key is None or piece.key not in values or values[piece.key] == piece.value:
        return piece
    value = values[piece.key]
    end = piece.text[len(piece.text.rstrip("\r\n")) :]
    if "=" not in _unescaped_separators(piece.head):
        # A space, or nothing, is a separator too, but not one in front of every value.
        return _line(piece.key, value, end)
    return dataclasses.replace(piece, text=piece.head + escape_value(value) + end, value=value)


def _unescaped_separators(head: str) -> str:
    """``=`` if the separator is one that may stand before any value (``=`` or ``:``)."""
    stripped = head.rstrip(_BLANK)
    if not stripped.endswith(("=", ":")):
        return ""
    backslashes = len(stripped) - 1 - len(stripped[:-1].rstrip("\\"))
    return "" if backslashes % 2 else "="


def _closed(text: str) -> str:
    """The last line with an end, of which no backslash makes a part of the line that is put behind it."""
    content = text.rstrip("\r\n")
    backslashes = len(content) - len(content.rstrip("\\"))
    goes_on = backslashes % 2 and not text.lstrip(_BLANK).startswith(("#", "!"))
    if content == text:
        return (text[:-1] if goes_on else text) + "\n"
    # It is joined to an empty line then.
    return text + ("\r\n" if text.endswith("\r") else "\n") if goes_on else text


def _logical_lines(text: str) -> t.Iterator[t.List[str]]:
    """Natural lines, joined where one ends in an odd number of backslashes; comments are never joined."""
    current: t.List[str] = []
    for match in _LINE.finditer(text):
        line = match.group()
        if not line:
            continue
        current.append(line)
        content = line.rstrip("\r\n")
        goes_on = (len(content) - len(content.rstrip("\\"))) % 2 == 1 and content != line
        if not goes_on or (len(current) == 1 and _says_nothing(line)):
            yield current
            current = []
    if current:
        yield current


def _says_nothing(line: str) -> bool:
    """A comment, a blank line, or nothing but a backslash that joins the next line to nothing."""
    plain = line.rstrip("\r\n").lstrip(_BLANK)
    return plain in ("", "\\") or plain[0] in "#!"


def _read(lines: t.Sequence[str], number: int) -> Piece:
    text = "".join(lines)
    if len(lines) == 1 and _says_nothing(text):
        return Piece(text)
    joined, places = _joined(lines)
    stripped = joined.lstrip(_BLANK)
    start = len(joined) - len(stripped)
    key_end = start
    while key_end < len(joined) and joined[key_end] not in "=:" + _BLANK:
        key_end += 2 if joined[key_end] == "\\" else 1
    key_end = min(key_end, len(joined))
    at = key_end
    seen = False
    while at < len(joined) and (joined[at] in _BLANK or (not seen and joined[at] in "=:")):
        seen = seen or joined[at] in "=:"
        at += 1
    head = text[: places[at - 1] + 1] if at else ""
    try:
        return Piece(text, _unescape(joined[start:key_end]), _unescape(joined[at:]), head)
    except ValueError as error:
        raise MigrationError(
            "starrocks.properties_malformed",
            f"Line {number} of the .properties file cannot be read by Java ({error}); correct it.",
            details={"line": number},
        ) from None


def _joined(lines: t.Sequence[str]) -> t.Tuple[str, t.List[int]]:
    """The logical line without its line ends, and for each of its characters the place in the text."""
    chars: t.List[str] = []
    places: t.List[int] = []
    offset = 0
    for index, line in enumerate(lines):
        content = line.rstrip("\r\n")
        begin = len(content) - len(content.lstrip(_BLANK)) if index else 0
        end = len(content)
        if (end - len(content.rstrip("\\"))) % 2:
            end -= 1
        chars.append(content[begin:end])
        places.extend(range(offset + begin, offset + end))
        offset += len(line)
    return "".join(chars), places


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out: t.List[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char != "\\" or at >= len(text):
            out.append(char)
            continue
        char = text[at]
        at += 1
        if char == "u":
            if not _HEX4.match(text, at):
                raise ValueError("a \\u without four hexadecimal digits")
            out.append(chr(int(text[at : at + 4], 16)))
            at += 4
        else:
            out.append(_ESCAPES.get(char, char))
    # Java writes a character beyond U+FFFF as two units.
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
