# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options that say where MetaProxies keep their tables, checked before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import parse_address

HOSTS = "zookeeper_hosts"
ROOT = "zookeeper_root"
TIMEOUT = "zookeeper_timeout"
_FIX = "Give host:port,host:port,... and after the last one, if the ensemble is used below a chroot, /chroot"
_PATH_FIX = "Give the path that the MetaProxies have as zookeeper.root, such as /pegasus-metaproxy"


@dataclasses.dataclass(frozen=True)
class ZooKeeperPlace:
    """An ensemble and the znode below which MetaProxies keep one znode per table. ``chroot`` "" means none.

    ``root`` is below the chroot, as ``zookeeper.root`` of a MetaProxy that was given the same hosts. Seconds.
    """

    hosts: t.Tuple[str, ...]
    chroot: str
    root: str
    timeout: float

    @property
    def connect_string(self) -> str:
        """As kazoo takes it."""
        return ",".join(self.hosts) + self.chroot

    def path(self, table: str) -> str:
        """The znode of a table."""
        return f"{self.root}/{table}"

    def resource(self, table: str) -> str:
        """The name of a table's znode in changes and in the journal."""
        return f"zookeeper:{self.chroot}{self.path(table)}"


def zookeeper_argument_spec() -> ArgumentSpec:
    """The options; both modules that use them document them."""
    return ArgumentSpec(
        {
            HOSTS: {"type": "raw", "fallback": (env_fallback, ["PEGASUS_ZOOKEEPER_HOSTS"])},
            ROOT: {"type": "str", "fallback": (env_fallback, ["PEGASUS_ZOOKEEPER_ROOT"])},
            TIMEOUT: {"type": "str", "default": "10s"},
        }
    )


def read_place(params: t.Mapping[str, t.Any]) -> ZooKeeperPlace:
    """The place that the options name.

    :raises InvalidOption: one option is wrong
    :raises InvalidInput: several are; all are told at once
    """
    problems: t.List[InvalidOption] = []
    hosts, chroot = _hosts(params.get(HOSTS), problems)
    root = _root(params.get(ROOT), problems)
    timeout = 10.0
    try:
        timeout = parse_duration(params[TIMEOUT], TIMEOUT, maximum=300)
    except InvalidOption as problem:
        problems.append(problem)
    raise_problems(problems)
    return ZooKeeperPlace(hosts, chroot, root, timeout)


def _hosts(value: t.Any, problems: t.List[InvalidOption]) -> t.Tuple[t.Tuple[str, ...], str]:
    text = ",".join(str(part).strip() for part in value) if isinstance(value, (list, tuple)) else str(value or "")
    text = text.strip()
    if text[:1] == "[" and text[-1:] == "]":
        # JSON or YAML text of a list, as templates deliver it: host names and paths hold none of these characters.
        text = "".join(character for character in text if character not in "[]\"' ")
    if not text:
        problems.append(InvalidOption(HOSTS, "it is not given", f"{_FIX} (or set PEGASUS_ZOOKEEPER_HOSTS)"))
        return (), ""
    servers, slash, chroot = text.partition("/")
    chroot = (slash + chroot).rstrip("/")
    found: t.List[str] = []
    for part in servers.split(","):
        try:
            address = parse_address(part, HOSTS)
        except InvalidOption as problem:
            problems.append(InvalidOption(HOSTS, problem.message.split(": ", 1)[1].split(". Give")[0], _FIX))
            continue
        if address in found:
            problems.append(InvalidOption(HOSTS, f"{address} is given twice", "Name every server once"))
        found.append(address)
    if chroot:
        _check_path(chroot, HOSTS, "the chroot", _FIX, problems)
    return tuple(found), chroot


def _root(value: t.Any, problems: t.List[InvalidOption]) -> str:
    text = str(value or "").strip()
    if not text:
        problems.append(InvalidOption(ROOT, "it is not given", f"{_PATH_FIX} (or set PEGASUS_ZOOKEEPER_ROOT)"))
        return ""
    root = text.rstrip("/")
    if root:
        _check_path(root, ROOT, "it", _PATH_FIX, problems)
    return root


def _check_path(path: str, option: str, what: str, fix: str, problems: t.List[InvalidOption]) -> None:
    parts = path.split("/")
    if parts[0] or any(part in ("", ".", "..") or any(not c.isprintable() or c.isspace() for c in part)
                       for part in parts[1:]):  # fmt: skip
        problems.append(InvalidOption(option, f"{what} {path!r} is not a path of ZooKeeper", fix))
