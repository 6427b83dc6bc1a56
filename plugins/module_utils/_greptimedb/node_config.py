# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading a datanode's ``/config``: the part of TOML that GreptimeDB writes, without a library (Python 3.8).

Values that are not needed (dates, multi-line strings' escapes, inline tables) are kept as text and not judged.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import NodeConfig

Scalar = t.Union[str, int, float, bool]
Value = t.Union[Scalar, t.List[t.Any]]

_HEADER = re.compile(r"\[(\[?)\s*([^\[\]]+?)\s*\]?\]\s*(?:#.*)?")
_KEY = re.compile(r"""((?:[A-Za-z0-9_.-]|"[^"]*"|'[^']*')+)\s*=\s*""")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_BARE = re.compile(r"[^,\]\s#]+")


class _Text:
    """A cursor over the document."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self, characters: str) -> None:
        """Go over white space and comments."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in characters:
                self.at += 1
            else:
                return

    def take(self, pattern: t.Pattern[str]) -> t.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def line(self) -> str:
        """The rest of the line, which is skipped."""
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        rest, self.at = self.text[self.at : end], end
        return rest.strip()


def read_toml(text: str) -> dict[str, Value]:
    """A flat mapping of dotted names (``wal.provider``). Entries of arrays of tables are numbered by their order.

    :raises ValueError: the text is not TOML
    """
    cursor = _Text(text.replace("\r\n", "\n"))
    found: dict[str, Value] = {}
    prefix = ""
    counts: dict[str, int] = {}
    while True:
        cursor.skip(" \t\n")
        if cursor.at >= len(cursor.text):
            return found
        header = cursor.take(_HEADER)
        if header is not None:
            prefix = _plain_key(header.group(2)) + "."
            if header.group(1):
                counts[prefix] = counts.get(prefix, -1) + 1
                prefix += f"{counts[prefix]}."
            continue
        key = cursor.take(_KEY)
        if key is None:
            raise ValueError(f"not TOML: {cursor.line()[:60]!r}")
        found[prefix + _plain_key(key.group(1))] = _value(cursor)


def _plain_key(text: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in text.split("."))


def _value(cursor: _Text) -> Value:
    opening = cursor.text[cursor.at : cursor.at + 1]
    if opening == "[":
        return _array(cursor)
    if opening in ("'", '"'):
        return _string(cursor, opening)
    if opening == "{":
        return cursor.line()
    bare = cursor.take(_BARE)
    if bare is None:
        raise ValueError(f"a value is missing: {cursor.line()[:60]!r}")
    return _scalar(bare.group())


def _scalar(text: str) -> Scalar:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text.replace("_", ""))
        except ValueError:
            pass
    return text


def _array(cursor: _Text) -> list[t.Any]:
    items: list[t.Any] = []
    cursor.at += 1
    while True:
        cursor.skip(" \t\n,")
        if cursor.at >= len(cursor.text):
            raise ValueError("an array has no end")
        if cursor.text[cursor.at] == "]":
            cursor.at += 1
            return items
        items.append(_value(cursor))


def _string(cursor: _Text, quote: str) -> str:
    if cursor.text.startswith(quote * 3, cursor.at):
        return _between(cursor, quote * 3, quote == '"').lstrip("\n")
    return _between(cursor, quote, quote == '"')


def _between(cursor: _Text, mark: str, escapes: bool) -> str:
    start = cursor.at + len(mark)
    position = start
    while True:
        if escapes and cursor.text.startswith("\\", position):
            position += 2
            continue
        if cursor.text.startswith(mark, position):
            break
        position += 1
        if position >= len(cursor.text):
            raise ValueError("a string has no end")
    raw = cursor.text[start:position]
    cursor.at = position + len(mark)
    return _ESCAPE.sub(_unescape, raw) if escapes else raw


def _unescape(match: t.Match[str]) -> str:
    word = match.group(1)
    if len(word) > 1:
        return chr(int(word[1:], 16))
    return _ESCAPES.get(word, word)


def node_config(datanode_id: int, text: str) -> NodeConfig:
    """What a ``/config`` answer says of WAL and storage; ``problem`` if it says nothing that can be used."""
    try:
        config = read_toml(text)
    except ValueError as error:
        return NodeConfig(datanode_id, problem=f"/config cannot be read: {error}")
    provider, storage = _word(config, "wal.provider"), _word(config, "storage.type")
    if provider is None and storage is None:
        return NodeConfig(datanode_id, problem="/config names neither wal.provider nor storage.type")
    brokers = config.get("wal.broker_endpoints")
    node_id = config.get("node_id")
    return NodeConfig(
        datanode_id,
        wal_provider=provider,
        wal_brokers=tuple(sorted(str(broker) for broker in brokers)) if isinstance(brokers, list) else (),
        storage_type=storage,
        bucket=_word(config, "storage.bucket") or _word(config, "storage.container"),
        root=_word(config, "storage.root"),
        endpoint=_word(config, "storage.endpoint"),
        data_home=_word(config, "storage.data_home"),
        node_id=node_id if isinstance(node_id, int) else None,
    )


def _word(config: t.Mapping[str, Value], name: str) -> str | None:
    value = config.get(name)
    return str(value) if value not in (None, "") else None
