# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Unpacking, replacing and removing the folder of the sync tool, so that a kill at any moment leaves nothing that the
next call does not bring to its end.

All of it happens in one folder beside the tool's own, which only its owner can read. What becomes of the tool's folder
is decided by one rename; what is in the folder beside it tells how far a killed call had come.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import (
    LOG_FOLDERS,
    Home,
    not_accessible,
)


class Beside:
    """The folder beside one folder of the tool. ``Home.beside`` names it, and nobody else gives a folder that name."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = home.beside()
        self._fresh = os.path.join(self._folder, "tool")
        self._former = os.path.join(self._folder, "former")
        self._gone = os.path.join(self._folder, "gone")

    @contextlib.contextmanager
    def opened(self) -> t.Iterator[str]:
        """An empty folder to unpack into, for as long as it is needed.

        :raises MigrationError: ``starrocks.tool_not_accessible``
        """
        try:
            os.mkdir(self._folder, 0o700)
            os.mkdir(self._fresh, 0o700)
        except OSError as error:
            raise not_accessible(self._folder, error) from error
        try:
            yield self._fresh
        finally:
            self.put_right()

    def replace(self) -> None:
        """Put what was unpacked in the place of the tool's folder, which keeps its logs. The tool must not run.

        There is a moment without a folder: whoever is killed in it leaves the former one, which is put back.
        """
        home = self._home
        for name in LOG_FOLDERS:
            shipped = os.path.join(self._fresh, name)
            if os.path.isdir(home.path(name)) and os.path.isdir(shipped):
                shutil.rmtree(shipped)
        if os.path.isdir(home.directory):
            os.rename(home.directory, self._former)
        os.rename(self._fresh, home.directory)
        self._finish()

    def remove(self) -> None:
        """Remove the tool's folder. It goes away as a whole before anything in it does."""
        os.mkdir(self._folder, 0o700)
        os.rename(self._home.directory, self._gone)
        self._finish()

    def put_right(self) -> None:
        """Bring to its end, or take back, what a call that was killed has left. Nobody else may be at work here.

        :raises MigrationError: ``starrocks.tool_not_accessible``; secrets may be left, so that this is no small matter
        """
        try:
            if os.path.isdir(self._folder):
                self._finish()
            self._home.clear_up()
        except OSError as error:
            raise not_accessible(error.filename or self._folder, error) from error

    def standing(self) -> Home:
        """The folder as it would be after ``put_right``, wherever that is now."""
        return Home(self._former) if self._lost() else self._home

    def _lost(self) -> bool:
        """Whether the tool's folder was moved away, and nothing has taken its place."""
        return os.path.isdir(self._former) and not self._home.exists()

    def _finish(self) -> None:
        if self._lost():
            os.rename(self._former, self._home.directory)
        for name in LOG_FOLDERS:
            logs = os.path.join(self._former, name)
            if os.path.isdir(logs):
                os.rename(logs, _free(self._home.path(name)))
        shutil.rmtree(self._folder)


def _free(path: str) -> str:
    """The path, or the first of ``path.1``, ``path.2``, ... that is not taken: somebody has started the new tool."""
    found, number = path, 0
    while os.path.lexists(found):
        number += 1
        found = f"{path}.{number}"
    return found
