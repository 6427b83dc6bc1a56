# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Option values as AWX and templates deliver them (often text) turned into values, or one clear sentence."""

from __future__ import annotations

import ast
import json
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems

_BREAK = re.compile(r"[,\r\n]")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TRUE = frozenset(("true", "yes", "on", "y", "t", "1"))
_FALSE = frozenset(("false", "no", "off", "n", "f", "0"))


def as_list(value: t.Any, option: str) -> list[t.Any]:
    """A list, JSON text of one, text with commas or line breaks, or one thing; None and empty text are no item."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    if not isinstance(value, str):
        return [value]
    text = value.strip()
    if text[:1] in ("[", "{"):
        loaded = _load(text, option, "a list")
        return list(loaded) if isinstance(loaded, (list, tuple)) else [loaded]
    return [part.strip() for part in _BREAK.split(text) if part.strip()]


def as_mapping(value: t.Any, option: str) -> dict[str, t.Any]:
    """A mapping or JSON text of one, its keys as text; None and empty text are the empty mapping."""
    if isinstance(value, str):
        text = value.strip()
        value = _load(text, option, "a mapping") if text else None
    if value is None:
        return {}
    if not isinstance(value, t.Mapping):
        raise InvalidOption(
            option, f"{_show(value)} is not a mapping", 'Give keys and values, such as {"key": "value"}'
        )
    return {str(key): item for key, item in value.items()}


def as_mapping_list(value: t.Any, option: str) -> list[dict[str, t.Any]]:
    """A list of mappings, JSON text of one, or a single mapping. Every item that is none is told of at once."""
    if isinstance(value, t.Mapping):
        return [as_mapping(value, option)]
    items: list[dict[str, t.Any]] = []
    problems: list[InvalidOption] = []
    for index, item in enumerate(as_list(value, option)):
        if isinstance(item, t.Mapping) or (isinstance(item, str) and item.lstrip()[:1] == "{"):
            items.append(as_mapping(item, f"{option}[{index}]"))
        else:
            problems.append(
                InvalidOption(
                    f"{option}[{index}]",
                    f"{_show(item)} is not a mapping",
                    "Give a list of mappings, as YAML or as JSON text",
                )
            )
    raise_problems(problems)
    return items


def as_int(value: t.Any, option: str, minimum: int | None = None, maximum: int | None = None) -> int:
    """A whole number, or text of one, within the bounds (both included)."""
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float) and value.is_integer() and abs(value) <= 2.0**53:
        # Beyond 2**53 a float may already be another number than the one that was written.
        number = int(value)
    elif isinstance(value, str) and _INTEGER.fullmatch(value.strip()) and len(value) < 64:
        number = int(value.strip())
    if number is None:
        raise InvalidOption(option, f"{_show(value)} is not a whole number", _bounds(minimum, maximum))
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        raise InvalidOption(option, f"{number} is out of range", _bounds(minimum, maximum))
    return number


def as_bool(value: t.Any, option: str) -> bool:
    """A boolean, 0, 1, or one of the words that Ansible takes for one."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidOption(option, f"{_show(value)} is neither true nor false", "Give true or false")


def _load(text: str, option: str, wanted: str) -> t.Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        try:
            # A template that was turned into text shows Python's quotes instead of JSON's.
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            raise InvalidOption(
                option, f"{_show(text)} is not JSON text of {wanted} ({exc})", "Give YAML or valid JSON"
            ) from None


def _bounds(minimum: int | None, maximum: int | None) -> str:
    if minimum is not None and maximum is not None:
        return f"Give a whole number from {minimum} to {maximum}"
    if minimum is not None:
        return f"Give a whole number of at least {minimum}"
    if maximum is not None:
        return f"Give a whole number of at most {maximum}"
    return "Give a whole number"


def _show(value: t.Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
