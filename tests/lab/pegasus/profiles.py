# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between versions of Pegasus, as the facts about 2.4, 2.5 and 2.6 give it."""

from __future__ import annotations

import re
from dataclasses import dataclass

PROFILES = {"2.3": "2.3.0", "2.4": "2.4.0", "2.5": "2.5.0", "2.6": "2.6.0-SNAPSHOT"}
COMMITS = {"2.4": "9f4ba1f1e36fb0cbc5a1fdd9e1a3b3a5b0b1c2d4", "2.5": "45efd8e4b5d3a9f5f2b8a4d2e8f7c6b5a4d3c2b1"}
NEWEST_COMMIT = "db756dcdf0c1b2a3948576a5b4c3d2e1f0a9b8c7"


@dataclass(frozen=True)
class Profile:
    """One cluster's version and everything that follows from it."""

    version: str
    number: tuple[int, int]

    @classmethod
    def choose(cls, name: str) -> Profile:
        """The profile of a name or of an exact version; ValueError with one sentence for anything else."""
        version = PROFILES.get(name, name)
        found = re.match(r"(\d+)\.(\d+)\.\d+(-[\w.]+)?$", version)
        if not found:
            raise ValueError("not a Pegasus version: %r" % name)
        number = int(found[1]), int(found[2])
        if number < (2, 3):
            raise ValueError("%r: the lab knows 2.4 and later, and 2.3 only to be refused" % name)
        return cls(version, number)

    @property
    def commit(self) -> str:
        """What /version calls GitCommit."""
        return COMMITS.get("%d.%d" % self.number, NEWEST_COMMIT)

    @property
    def newest(self) -> bool:
        """2.6: host_port fields, list of duplications, metrics, remote table names, no held-back mutation."""
        return self.number >= (2, 6)

    @property
    def run_time_flags(self) -> bool:
        """2.5: flags such as config_sync_interval_ms are visible and can be changed over HTTP."""
        return self.number >= (2, 5)

    @property
    def renames(self) -> bool:
        """2.5: RPC_CM_RENAME_APP."""
        return self.number >= (2, 5)

    @property
    def holds_back(self) -> bool:
        """Until 2.5 the newest mutation of a partition is shipped only once another one has been written."""
        return self.number < (2, 6)

    @property
    def missing_handlers(self) -> frozenset[str]:
        """RPCs that only later versions have."""
        missing: set[str] = set()
        if not self.newest:
            missing |= {"RPC_CM_LIST_DUPLICATION", "RPC_CM_GET_ATOMIC_IDEMPOTENT", "RPC_CM_SET_ATOMIC_IDEMPOTENT"}
        if not self.renames:
            missing.add("RPC_CM_RENAME_APP")
        return frozenset(missing)

    def unsupported_env(self, key: str) -> str:
        """The hint for an app env that the version does not know."""
        return "app_env '%s' is not supported" % key if self.newest else 'app_env "%s" is not supported' % key

    def table_unknown(self) -> tuple[str, str]:
        """(error, hint) of an env update for a table that is not there."""
        if self.newest:
            return "ERR_APP_NOT_EXIST", "app cannot be found"
        return "ERR_INVALID_PARAMETERS", "invalid app name"

    def duplication_disabled(self) -> str:
        """The HTTP text when duplication is switched off."""
        flag = "FLAGS_duplication_enabled" if self.run_time_flags else "duplication_enabled"
        return "duplication is not enabled [%s=false]" % flag

    def unknown_command(self, command: str) -> str:
        """The answer to a remote command that does not exist."""
        return "unknown command '%s'" % command if self.newest else "unknown command: %s" % command
