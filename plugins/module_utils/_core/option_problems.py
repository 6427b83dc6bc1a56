# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is wrong with options, collected while reading goes on."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
)

Value = t.TypeVar("Value")


class OptionProblems:
    """Every problem of one call's options, in the order found. ``found`` holds texts where several were told as one."""

    def __init__(self) -> None:
        self.found: list[InvalidOption | str] = []

    def add(self, option: str, problem: str, fix: str) -> None:
        """Remember that an option is wrong; ``problem`` and ``fix`` as InvalidOption takes them."""
        self.found.append(InvalidOption(option, problem, fix))

    @t.overload
    def attempt(self, call: t.Callable[[], Value]) -> Value | None:
        """Without a fallback: None where the option is wrong."""

    @t.overload
    def attempt(self, call: t.Callable[[], Value], fallback: Value) -> Value:
        """With one: what to read on with where the option is wrong."""

    def attempt(self, call: t.Callable[[], t.Any], fallback: t.Any = None) -> t.Any:
        """What the call returns; ``fallback`` if it raises InvalidOption or InvalidInput, which is then remembered.

        Other errors are raised as they come.
        """
        try:
            return call()
        except InvalidOption as problem:
            self.found.append(problem)
        except InvalidInput as several:
            self.found.extend(several.problems)
        return fallback

    def error(self) -> MigrationError:
        """What to raise when something was found: the only problem itself, or an InvalidInput of all of them."""
        only = self.found[0] if len(self.found) == 1 else None
        return only if isinstance(only, InvalidOption) else InvalidInput(self.found)

    def raise_all(self) -> None:
        """Nothing, when nothing was found.

        :raises InvalidOption: one option is wrong
        :raises InvalidInput: several are; all are told at once
        """
        if self.found:
            raise self.error()
