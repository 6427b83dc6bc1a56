# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment in which measured and killed processes run."""

from __future__ import annotations

import os
import pathlib

from tooling import linked, paths

# A setting of the caller must not decide where a measured process connects.
_DROPPED = ("GREPTIMEDB_", "PEGASUS_", "STARROCKS_", "PYTEST_", "AWS_")


ADVISED_POLLING = 0.01
"""Seconds: what the guide advises for long runs as Ansible's ``internal_poll_interval``."""
DEFAULT_POLLING = 0.001


def environment(home: pathlib.Path, polling: float = ADVISED_POLLING) -> dict[str, str]:
    """The environment of ansible-playbook and of module processes; `home` takes their temporary files."""
    home.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in linked.ansible_environment().items() if not name.startswith(_DROPPED)}
    settings = home / "ansible.cfg"
    settings.write_text(f"[defaults]\ninternal_poll_interval = {polling:g}\n", encoding="utf-8")
    env.update(
        ANSIBLE_CONFIG=str(settings),
        PYTHONPATH=os.pathsep.join([str(linked.collections_root()), str(paths.ROOT / "tests")]),
        LANG="C.UTF-8",
        LC_ALL="C.UTF-8",
        ANSIBLE_LOCAL_TEMP=str(home / "local"),
        ANSIBLE_REMOTE_TEMP=str(home / "remote"),
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_DEVEL_WARNING="False",
    )
    return env
