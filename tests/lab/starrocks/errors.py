# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the simulated StarRocks servers: number, SQLSTATE and text (facts 1.5)."""

from __future__ import annotations

import typing as t

from lab.gate import AnswerError
from lab.starrocks.profiles import Profile


class SqlError(AnswerError):
    """An error packet. Without a number of its own it is 1064 / HY000."""

    def __init__(self, text: str, errno: int = 1064, sqlstate: str = "HY000") -> None:
        super().__init__(text)
        self.errno = errno
        self.sqlstate = sqlstate


def syntax_error(line: int, column: int, detail: str) -> SqlError:
    """The parser's refusal."""
    return SqlError("Getting syntax error at line %d, column %d. Detail message: %s." % (line, column, detail))


def analyzing_error(detail: str) -> SqlError:
    """The analyzer's refusal."""
    return SqlError("Getting analyzing error. Detail message: %s." % detail)


def unknown_database(profile: Profile, name: str) -> SqlError:
    """A database that is not there."""
    errno, sqlstate = profile.unknown_database
    return SqlError("Unknown database '%s'" % name, errno, sqlstate)


def unknown_table(profile: Profile, name: str) -> SqlError:
    """A table that is not there."""
    errno, sqlstate = profile.unknown_table
    return SqlError("Unknown table '%s'" % name, errno, sqlstate)


def access_denied(
    profile: Profile, privilege: str, thing: str, active: t.Iterable[str] = (), inactive: t.Iterable[str] = ()
) -> SqlError:
    """A missing privilege; ``thing`` is "SYSTEM" or "TABLE t" and its like."""
    errno, sqlstate = profile.access_denied
    text = "Access denied; you need (at least one of) the %s privilege(s) on %s for this operation." % (
        privilege,
        thing,
    )
    if not profile.since("3.1"):
        text = "Access denied; you need (at least one of) the %s privilege(s) for this operation" % privilege
    elif profile.role_hint:
        text += (
            " Please ask the admin to grant permission(s) or try activating existing roles using <set [default] role>."
        )
        text += " Current role(s): %s." % _names(active)
        text += " Inactivated role(s): %s." % _names(inactive)
    return SqlError(text, errno, sqlstate)


def _names(roles: t.Iterable[str]) -> str:
    names = sorted(roles)
    return "[%s]" % ", ".join(names) if names else "NONE"
