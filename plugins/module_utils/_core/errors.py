# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Errors that carry a stable code, for people and for playbooks that branch on it."""

from __future__ import annotations

import typing as t


class MigrationError(Exception):
    """A failure with a stable dotted code and one clear sentence.

    ``server_text`` is what a server said, word for word; ``details`` holds JSON-able facts for the result.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        server_text: str | None = None,
        details: t.Mapping[str, t.Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.server_text = server_text
        self.details: dict[str, t.Any] = dict(details or {})

    def as_result(self) -> dict[str, t.Any]:
        """The part of a module's result that tells of this failure; absent facts are left out."""
        result: dict[str, t.Any] = {"code": self.code, "msg": self.message}
        if self.server_text is not None:
            result["server_text"] = self.server_text
        if self.details:
            result["details"] = dict(self.details)
        return result


class InvalidOption(MigrationError):
    """One option has a value that cannot work. ``problem`` and ``fix`` are sentences without their full stop."""

    def __init__(self, option: str, problem: str, fix: str) -> None:
        super().__init__(
            "option.invalid",
            "{}: {}. {}.".format(option, problem.rstrip("."), fix.rstrip(".")),
            details={"option": option},
        )
        self.option = option


class InvalidInput(MigrationError):
    """Everything that is wrong with an input at once, so that a person corrects it once."""

    def __init__(self, problems: t.Sequence[InvalidOption | str], code: str = "input.invalid") -> None:
        texts = [problem if isinstance(problem, str) else problem.message for problem in problems]
        super().__init__(code, " ".join(texts), details={"problems": texts})
        self.problems = texts


def raise_problems(problems: t.Sequence[InvalidOption]) -> None:
    """Raise nothing, the only problem itself, or all of them together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise InvalidInput(problems)


def with_reason(error: MigrationError, reason: BaseException, more: str = "") -> MigrationError:
    """What to raise when something failed for ``reason``, and then ``error`` came as well, which is the worse one.

    Both are told, in the order in which they came, and then ``more``; ``details.reason`` is the first one's code.
    """
    told = reason.message if isinstance(reason, MigrationError) else f"{type(reason).__name__}: {reason}"
    return MigrationError(
        error.code,
        " ".join(part for part in (told, error.message, more) if part),
        server_text=error.server_text,
        details={**error.details, "reason": reason.code if isinstance(reason, MigrationError) else "internal.error"},
    )
