# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sync.properties and hosts.properties say."""

from __future__ import annotations

import typing as t

from . import properties
from .passwords import decrypt


class SettingsError(Exception):
    """The program cannot begin with these properties."""


class Settings:
    """sync.properties with the defaults of the manual; booleans and numbers as Java reads them."""

    def __init__(self, values: t.Mapping[str, str]) -> None:
        self._values = {key: value.strip() if "password" not in key else value for key, value in values.items()}

    def text(self, key: str, default: str = "") -> str:
        """A value; the default when it is empty."""
        return self._values.get(key, "") or default

    def number(self, key: str, default: int) -> int:
        """A whole number; SettingsError for anything else."""
        value = self.text(key, str(default))
        try:
            return int(value)
        except ValueError:
            raise SettingsError('%s: java.lang.NumberFormatException: For input string: "%s"' % (key, value)) from None

    def flag(self, key: str, default: bool) -> bool:
        """Java's parseBoolean."""
        return self.text(key, "true" if default else "false").lower() == "true"

    def names(self, key: str) -> list[str]:
        """A list with commas."""
        return [name.strip() for name in self.text(key).split(",") if name.strip()]

    def password(self, side: str) -> str:
        """The password of "source" or "target", decrypted when there is a secret key."""
        found = self.text("%s_cluster_password" % side)
        key = self.text("%s_cluster_password_secret_key" % side)
        if not key:
            return found
        try:
            return decrypt(found, key)
        except ValueError as problem:
            raise SettingsError("%s_cluster_password: %s" % (side, problem)) from None

    def selects(self, database: str, table: str = "") -> bool:
        """Whether include_data_list and then exclude_data_list let a table (or a database) through."""
        included, excluded = self.names("include_data_list"), self.names("exclude_data_list")
        full = "%s.%s" % (database, table)
        if not table:
            inside = not included or any(name.partition(".")[0] == database for name in included)
            return inside and database not in excluded
        return (not included or database in included or full in included) and not (
            database in excluded or full in excluded
        )


class Hosts:
    """hosts.properties of both generations: <SOURCE/TARGET>_<host>=<mapped>[;<port>:<port>,...]."""

    def __init__(self, values: t.Mapping[str, str]) -> None:
        self._map: dict[str, tuple[str, dict[int, int]]] = {}
        for key, value in values.items():
            host, _semicolon, ports = value.strip().partition(";")
            pairs = [pair.split(":") for pair in ports.split(",") if pair.strip()]
            self._map[key] = host.strip(), {int(a): int(b) for a, b in pairs}

    def address(self, side: str, host: str, port: int) -> tuple[str, int]:
        """Where a node is really reached."""
        mapped, ports = self._map.get("%s_%s" % (side.upper(), host), (host, {}))
        return mapped, ports.get(port, port)


def load(directory: str) -> tuple[Settings, Hosts]:
    """Both files of conf/; SettingsError when one is missing or says nonsense."""
    try:
        return (
            Settings(properties.load(directory + "/sync.properties")),
            Hosts(properties.load(directory + "/hosts.properties")),
        )
    except (OSError, ValueError) as problem:
        raise SettingsError(str(problem)) from None
