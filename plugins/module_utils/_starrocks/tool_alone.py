# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call at a time for one folder of the sync tool. Calls for other folders, beside it too, are not in the way."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import Home, not_accessible

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@contextlib.contextmanager
def alone(home: Home) -> t.Iterator[None]:
    """Hold the folder, and a file beside it. Both end with the process, however it ends.

    The file, since another folder takes the place of this one when an archive is unpacked. The folder, for a user who
    may not write beside it, and therefore cannot replace it either.

    :raises MigrationError: ``starrocks.tool_busy`` or ``starrocks.tool_not_accessible``
    """
    with contextlib.ExitStack() as held:
        try:
            os.makedirs(os.path.dirname(home.directory), exist_ok=True)
            # In this order: who finds the folder of a call that has just replaced it still meets that call's file.
            folder = _hold_folder(home.directory, held)
            _hold_file(home.beside(".lock"), held)
            if folder is not None and not _is_at(folder, home.directory):
                raise BlockingIOError
        except BlockingIOError as error:
            text = f"Another call works on the sync tool in {home.directory}; run this one again when it is over."
            raise MigrationError("starrocks.tool_busy", text) from error
        except OSError as error:
            raise not_accessible(error.filename or home.directory, error) from error
        yield


def _hold_folder(directory: str, held: contextlib.ExitStack) -> t.Optional[int]:
    if not os.path.isdir(directory):
        return None
    return _locked(os.open(directory, os.O_RDONLY), held)


def _hold_file(path: str, held: contextlib.ExitStack) -> None:
    """The file is there only while it is held, or when its holder was killed."""
    writable = os.access(os.path.dirname(path), os.W_OK | os.X_OK)
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY | _NO_LINK | (os.O_CREAT if writable else 0), 0o644)
        except FileNotFoundError:
            if writable:
                raise
            return
        _locked(descriptor, held)
        if _is_at(descriptor, path):
            break
        # Its last holder has removed it between the two; now there is a new one, or none.
    if os.fstat(descriptor).st_uid == os.geteuid():
        # Whatever the umask says: another user must be able to find it held.
        os.fchmod(descriptor, 0o644)
    if writable:
        held.callback(os.unlink, path)


def _locked(descriptor: int, held: contextlib.ExitStack) -> int:
    held.callback(os.close, descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
