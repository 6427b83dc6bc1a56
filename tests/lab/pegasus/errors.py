# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the simulated servers."""

from __future__ import annotations

import typing as t

from lab.gate import AnswerError


class Refused(AnswerError):
    """An application error: field ``err`` of the response struct, with other fields (hint) if there are any."""

    def __init__(self, error: str, **fields: t.Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields


class HeaderError(AnswerError):
    """An error name in the response's header; there is no body."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class NoAnswer(AnswerError):
    """The server swallows the request: the client will time out."""

    def __init__(self) -> None:
        super().__init__("no answer")
