# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Putting a file of metrics in place. A reader never sees half of one, and node_exporter reads ``*.prom`` alone."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

OPTION = "metrics_file"
SUFFIX = ".prom"
_MODE = 0o644
"""The journal is its owner's alone; this is for the user that node_exporter runs as."""


def path_of(params: t.Mapping[str, t.Any]) -> str:
    """The path that the options give, "" for none."""
    given = params.get(OPTION)
    return os.path.abspath(os.path.expanduser(str(given))) if given else ""


def name_problem(path: str) -> t.Optional[InvalidOption]:
    """What is wrong with the name, which no time and no machine changes."""
    if not path.endswith(SUFFIX) or os.path.basename(path) == SUFFIX:
        return InvalidOption(
            OPTION,
            f"{path} does not end with a name such as orders{SUFFIX}",
            f"Give a name that ends with {SUFFIX}: the textfile collector of node_exporter reads no other file",
        )
    return None


def folder_problem(path: str) -> t.Optional[InvalidOption]:
    """Why the file cannot be written now, by the look of its folder."""
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        return InvalidOption(OPTION, f"{path} is a folder", f"Give the path of a file that ends with {SUFFIX}")
    if not os.path.isdir(folder):
        return InvalidOption(
            OPTION,
            f"the folder {folder} does not exist",
            "Make it, or give a path in the folder that --collector.textfile.directory of node_exporter names",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        return InvalidOption(
            OPTION,
            f"the user of this task may not write into the folder {folder}",
            "Let that user write there, or give a path in another folder",
        )
    return None


def read(path: str) -> t.Optional[str]:
    """What is there now, None when there is no file. OSError when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def write(path: str, text: str) -> None:
    """Put the text in place at once, readable by everybody. OSError when that cannot be done; nothing is left then."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            os.fchmod(stream.fileno(), _MODE)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
