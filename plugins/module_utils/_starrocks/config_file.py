# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A block of settings in the configuration file of a frontend or node, on the host where it is."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import Wanted, read_settings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import to_send
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.fe_conf import (
    find_block,
    put_block,
    remove_block,
    settings_of,
    valid_name,
)

CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


def run_config_file(module: AnsibleModule) -> t.Dict[str, t.Any]:
    """The module's result.

    :raises MigrationError: ``option.invalid``, ``starrocks.in_container``, ``starrocks.block_broken``, ...
    """
    params = module.params
    present = params["state"] == "present"
    name = str(params["block"])
    if not valid_name(name):
        raise InvalidOption("block", f"{name!r} is no name", "Give letters, digits, dots, dashes and underscores")
    settings = settings_texts(read_settings(params.get("settings"), not present))
    if present and not settings:
        raise InvalidOption("settings", "there is none", "Give a list of mappings with key and value")
    if present and not params["in_container"]:
        _refuse_container()
    path = str(params["path"])
    text = _read(path)
    found = find_block(text, name)
    kept = found is not None and not found.ours and not present and not params["force"]
    wanted = put_block(text, name, settings) if present else text if kept else remove_block(text, name)
    around = text if found is None else found.before + found.after
    before = None if found is None else dict(found.settings)
    result: t.Dict[str, t.Any] = {
        "changed": wanted != text,
        "path": path,
        "former": before,
        "edited": found is not None and not found.ours,
        "kept": kept,
        "overridden": {key: value for key, value in settings_of(around).items() if present and key in settings},
        # Not the file itself, which may hold secrets.
        "diff": {"before": {path: before}, "after": {path: dict(settings) if present else before if kept else None}},
    }
    if kept:
        result["warnings"] = [
            f"{path}: somebody has edited the block {name}, so it stays. Look at it, and take it out by hand or with "
            "force: true."
        ]
    if wanted != text:
        _require_writable(path)
    if wanted != text and not module.check_mode:
        _write(module, path, wanted)
    return result


def settings_texts(settings: t.Sequence[Wanted]) -> t.Dict[str, str]:
    """Settings as they stand in the file. InvalidOption for one that cannot."""
    found: t.Dict[str, str] = {}
    for one in settings:
        value = to_send(one.value, "String", one.key, f"{one.option}.value")
        if any(letter in value for letter in "\r\n\\\0") or value.startswith("#"):
            raise InvalidOption(
                f"{one.option}.value", f"{value!r} cannot stand in a line of the file", "Give a value in one line"
            )
        found[one.key] = value
    return found


def _refuse_container() -> None:
    if any(os.path.exists(mark) for mark in CONTAINER_MARKS) or os.environ.get("KUBERNETES_SERVICE_HOST"):
        raise MigrationError(
            "starrocks.in_container",
            "This is a container, whose files do not outlive it. Put the settings into the ConfigMap or the image, or "
            "leave them in memory and run starrocks_frontend_config again after a restart.",
        )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return stream.read()
    except OSError as error:
        raise InvalidOption(
            "path", f"{path!r} cannot be read ({error.strerror})", "Give the configuration file on this host"
        ) from error


def _require_writable(path: str) -> None:
    """Check mode tells of it, too. A file that is replaced as a whole needs a folder that can be written."""
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidOption("path", f"{path!r} cannot be replaced", "Become the user that the file belongs to")


def _write(module: AnsibleModule, path: str, text: str) -> None:
    """As a whole or not at all, with the owner, mode and context that the file had."""
    handle, new = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        stream.write(text)
    module.atomic_move(new, path)
