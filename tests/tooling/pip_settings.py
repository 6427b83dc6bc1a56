# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the user's pip settings to tools that run with another HOME and a filtered environment.

ansible-test passes nothing but HOME and PATH to pip, so PIP_* variables reach it as a pip.conf in that HOME only.
"""

from __future__ import annotations

import configparser
import os
import pathlib

# These say where pip reads or writes for the caller, not how it reaches an index.
_NOT_SETTINGS = {"config_file", "cache_dir", "target", "user", "prefix", "root", "require_virtualenv"}


def cache_dir() -> pathlib.Path:
    """The folder where the user's own pip keeps what it downloaded."""
    default = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "pip"
    return pathlib.Path(os.environ.get("PIP_CACHE_DIR", default))


def write(home: pathlib.Path) -> None:
    """Write the settings of the user's pip files and PIP_* variables to `home`/.config/pip/pip.conf (mode 0600)."""
    merged = configparser.RawConfigParser()
    user = pathlib.Path.home()
    candidates = [
        user / ".pip" / "pip.conf",
        pathlib.Path(os.environ.get("XDG_CONFIG_HOME", user / ".config")) / "pip" / "pip.conf",
    ]
    if os.environ.get("PIP_CONFIG_FILE"):
        candidates.append(pathlib.Path(os.environ["PIP_CONFIG_FILE"]))
    merged.read([path for path in candidates if path.is_file()], encoding="utf-8")
    if not merged.has_section("global"):
        merged.add_section("global")
    for name, value in sorted(os.environ.items()):
        option = name[4:].lower()
        if name.startswith("PIP_") and value and option not in _NOT_SETTINGS:
            merged.set("global", option.replace("_", "-"), value)
    target = home / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as sink:
        merged.write(sink)
    temporary.replace(target)
