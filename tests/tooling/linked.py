# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The working tree where ansible-playbook finds it, and an environment that nothing on the machine leaks into."""

from __future__ import annotations

import os
import pathlib

from tooling import paths


def collections_root() -> pathlib.Path:
    """Return a folder for ANSIBLE_COLLECTIONS_PATH in which the collection is a link to the working tree."""
    root = paths.BUILD / "collections"
    link = root / "ansible_collections" / paths.NAMESPACE / paths.NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        link.symlink_to(paths.ROOT, target_is_directory=True)
    except FileExistsError:
        pass
    return root


def ansible_environment() -> dict[str, str]:
    """Return an environment for ansible-playbook: the tree of this checkout, no configuration of user or machine."""
    home = paths.HOMES / "ansible"
    home.mkdir(parents=True, exist_ok=True)
    config = home / "ansible.cfg"
    config.touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    # The programs of .venv come first, whatever environment the caller has activated.
    environment["PATH"] = f"{paths.ROOT / '.venv' / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    environment.update(
        ANSIBLE_COLLECTIONS_PATH=str(collections_root()),
        ANSIBLE_CONFIG=str(config),
        ANSIBLE_HOME=str(home),
        ANSIBLE_INVENTORY_UNPARSED_WARNING="False",
        ANSIBLE_LOCALHOST_WARNING="False",
        ANSIBLE_RETRY_FILES_ENABLED="False",
        ANSIBLE_NOCOWS="1",
    )
    return environment
