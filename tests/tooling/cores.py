# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported ansible-core releases: which Python runs them, and which of them this machine can test."""

from __future__ import annotations

import dataclasses

from tooling import pythons


@dataclasses.dataclass(frozen=True)
class Core:
    """One release line, the Pythons of its controller (oldest, newest) and the Python it is tested with by choice."""

    name: str
    oldest: pythons.Version
    newest: pythons.Version
    preferred: pythons.Version

    def python(self) -> pythons.Version | None:
        """The Python of this machine to run it with, or None."""
        if self.preferred in pythons.found():
            return self.preferred
        usable = [version for version in pythons.found() if self.oldest <= version <= self.newest]
        return max(usable, default=None)

    @property
    def venv(self) -> str:
        """Name of the requirements file."""
        return f"core-{self.name}"


# The oldest Python is not always the release's own floor (3.10 for 2.17): ours is 3.11.
ALL = (
    Core("2.17", (3, 11), (3, 12), (3, 11)),
    Core("2.18", (3, 11), (3, 13), (3, 11)),
    Core("2.19", (3, 11), (3, 13), (3, 11)),
    Core("2.20", (3, 12), (3, 14), (3, 13)),
    Core("2.21", (3, 12), (3, 14), (3, 13)),
)
# What `make test` runs; `make test-all` runs them all.
EVERY_TIME = ("2.19", "2.21")


def newest_for(version: pythons.Version) -> Core:
    """The newest release that this Python can run."""
    return [core for core in ALL if core.oldest <= version <= core.newest][-1]


def missing(core: Core) -> str | None:
    """Why this machine leaves the release out, in one sentence; None when it is tested.

    With several Pythons every release gets its preferred one or another it accepts. With one Python only, just the
    newest release that it can run is tested: two releases on one Python would double the time and tell little.
    """
    controllers = [version for version in pythons.found() if version >= (3, 11)]
    known = ", ".join(pythons.text(version) for version in controllers) or "none"
    if core.python() is None:
        wanted = f"{pythons.text(core.oldest)} to {pythons.text(core.newest)}"
        return f"ansible-core {core.name} is left out: it needs Python {wanted}, and this machine has {known}."
    if len(controllers) == 1 and core is not newest_for(controllers[0]):
        best = newest_for(controllers[0]).name
        return f"ansible-core {core.name} is left out: with Python {known} alone only core {best} is tested."
    return None
