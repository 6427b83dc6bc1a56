# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Values of configs by the type that the server gives them: checked before they are sent, compared by what they mean.

The server parses without mercy: ``yes`` and ``1`` are false to Java's parseBoolean, and no range is checked at all
(common/ConfigBase.java). What it prints can differ from what it was sent: ``1.50`` is printed ``1.5``, ``a,b`` is
printed ``[a, b]``.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool, as_int, as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

_BITS = {"short": 16, "int16": 16, "int": 32, "int32": 32, "integer": 32, "long": 64, "int64": 64}
_REAL = ("double", "float")
_BOOLEAN = ("boolean", "bool")
_BOUNDS: t.Mapping[str, t.Tuple[int, int]] = {
    # now - minutes * 60 becomes negative with more, and everything is vacuumed (lake/vacuum/AutovacuumDaemon.java).
    "lake_autovacuum_grace_period_minutes": (0, 20_000_000),
}


def to_send(value: t.Any, kind: str, key: str, option: str) -> str:
    """The text to send for a value of an option; InvalidOption where the server would misread it.

    :param kind: the type as the server names it: ``int``, ``boolean``, ``String``, ``String[]``, ``double``, ...
    """
    base = kind.strip().lower()
    if base.endswith("[]"):
        return ",".join(to_send(item, base[:-2], key, option) for item in as_list(value, option))
    if base in _BOOLEAN:
        return "true" if as_bool(value, option) else "false"
    if base in _BITS:
        half = 2 ** (_BITS[base] - 1)
        low, high = _BOUNDS.get(key, (-half, half - 1))
        return str(as_int(value, option, low, high))
    if base in _REAL:
        return _real(value, option)
    return _text(value, option)


def canonical(text: str, kind: str) -> str:
    """What a printed or sent value means, so that two texts of one value become the same text."""
    base, text = kind.strip().lower(), text.strip()
    if base.endswith("[]"):
        inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        return ",".join(canonical(part, base[:-2]) for part in inner.split(",") if part.strip())
    if base in _BOOLEAN:
        return "true" if text.lower() in ("true", "1") else "false"
    try:
        if base in _BITS:
            return str(int(text))
        if base in _REAL:
            return repr(float(text))
    except ValueError:
        pass
    return text


def _real(value: t.Any, option: str) -> str:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidOption(option, f"{value!r} is not a number", "Give a number, such as 1.5")
    return str(value).strip()


def _text(value: t.Any, option: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple)):
        raise InvalidOption(option, f"{value!r} is not one value", "Give text")
    return str(value).strip()
