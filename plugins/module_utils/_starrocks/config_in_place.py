# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is as wanted although this migration has not set it: configs of frontends and nodes, global variables. Pure.

No change is made of it, so no restore of this migration touches it; but that of another one may, whose it is.
"""

from __future__ import annotations

import dataclasses
import typing as t

WARNING, INFO = "warning", "info"
END_THAT_FIRST = "its restore will take it away while this one copies: end that one first."


@dataclasses.dataclass(frozen=True)
class InPlace:
    """One of them. ``severity``: a warning where the value is not the default, an info where nobody knows the default.

    ``where``: addresses of frontends or nodes as ``kind`` says ("frontends", "nodes"); a global variable has neither.
    """

    key: str
    value: str
    severity: str
    where: t.Tuple[str, ...] = ()
    kind: str = ""

    @property
    def text(self) -> str:
        """For people."""
        place = f" on {', '.join(self.where)}" if self.where else ""
        found = f"{self.key} is {self.value} already{place}, and this migration has not set it"
        if self.severity == WARNING:
            return f"{found}. Somebody else has; if that is another migration, {END_THAT_FIRST}"
        return f"{found}. If that is no default of the server but the doing of another migration, {END_THAT_FIRST}"

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results."""
        places = {self.kind: list(self.where)} if self.kind else {}
        return {"key": self.key, "value": self.value, **places, "severity": self.severity, "text": self.text}

    def as_note(self) -> t.Dict[str, t.Any]:
        """For the journal."""
        return {"about": "in_place", **self.as_result()}


def severity(defaults: t.Iterable[t.Optional[bool]]) -> t.Optional[str]:
    """What a value that we have not set is, by whether it is the default, place by place (None: nobody knows).

    :returns: None where it is the default everywhere, as nobody need have set it
    """
    said = list(defaults)
    if all(said):
        return None
    return WARNING if any(one is False for one in said) else INFO
