# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether configs can be set at all, and to which text, by what the servers say of them; before anything is sent."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical, to_send


class Known(t.Protocol):
    """What a server says of one config."""

    @property
    def key(self) -> str:
        """Its own name."""

    @property
    def value(self) -> str:
        """As it prints it."""

    @property
    def kind(self) -> str:
        """The type."""

    @property
    def mutable(self) -> bool:
        """Whether it can be changed while the server runs."""


Row = t.TypeVar("Row", bound=Known)


class Checker(t.Generic[Row]):
    """Collects what is wrong with all settings, so that it is told at once."""

    def __init__(self, since: t.Callable[[str], str], versions: t.Mapping[str, str], file: str) -> None:
        """``since``: the first releases that know a key; ``versions`` by address; ``file``: where immutable ones go."""
        self._since = since
        self._versions = versions
        self._file = file
        self._problems: t.List[t.Tuple[str, str]] = []
        self._seen: t.Dict[str, Wanted] = {}

    def wanted(self, setting: Wanted, rows: t.Mapping[str, t.Optional[Row]]) -> t.Optional[t.Dict[str, str]]:
        """The text to send, by address; None when the setting is left out, or wrong.

        :param rows: by address; None where the server does not know the key
        """
        missing = [address for address, row in rows.items() if row is None]
        if missing:
            if not (setting.optional and len(missing) == len(rows)):
                self._unknown(setting, missing)
            return None
        known = {address: row for address, row in rows.items() if row is not None}
        for name in {row.key for row in known.values()}:
            other = self._seen.setdefault(name, setting)
            if other is not setting:
                text = f"{setting.option}.key: {setting.key} is another name of {other.key}. Give every key once."
                self._problems.append(("option.invalid", text))
                return None
        try:
            texts = {
                address: to_send(setting.value, row.kind, row.key, f"{setting.option}.value")
                for address, row in known.items()
            }
        except InvalidOption as problem:
            kinds = ", ".join(sorted({row.kind for row in known.values()}))
            self._problems.append(("option.invalid", f"{problem.message} {setting.key} is of type {kinds} there."))
            return None
        fixed = [
            address
            for address, row in known.items()
            if not row.mutable and canonical(row.value, row.kind) != canonical(texts[address], row.kind)
        ]
        if fixed:
            self._immutable(setting, fixed, known[fixed[0]])
            return None
        return texts

    def raise_problems(self) -> None:
        """Raise nothing, or everything that is wrong."""
        if self._problems:
            codes = [code for code, _text in self._problems]
            texts = [text for _code, text in self._problems]
            raise MigrationError(codes[0], " ".join(texts), details={"problems": texts, "codes": codes})

    def _unknown(self, setting: Wanted, missing: t.Sequence[str]) -> None:
        places = ", ".join(f"{address} ({self._versions.get(address) or 'unknown version'})" for address in missing)
        first = self._since(setting.key)
        came = f"It came with {first}" if first else "Check its spelling (upper and lower case differ)"
        self._problems.append(
            (
                "starrocks.config_unknown",
                f"{setting.option}.key: {setting.key} is not known to {places}. {came}; leave it out, or set optional: "
                "true for it.",
            )
        )

    def _immutable(self, setting: Wanted, fixed: t.Sequence[str], row: Row) -> None:
        self._problems.append(
            (
                "starrocks.config_immutable",
                f"{setting.option}.key: {setting.key} cannot be changed while {', '.join(fixed)} runs (it is "
                f"{row.value!r} there). Set it in {self._file}, and restart.",
            )
        )
