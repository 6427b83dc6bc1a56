# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random states of a cluster and what is wanted there: settings of frontends and nodes, variables, users.

Each function disturbs the cluster as another operator would (in no request record) and returns a module's options.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import random
import typing as t

from bench import starrocks_labs as labs
from lab.client import LabClient, LabError

Options = t.Dict[str, t.Any]
NEW_JOURNAL = 0.2
"""How often a state begins a new journal: what there was before is then not ours."""
FRONTEND_KEYS: t.Mapping[str, t.Sequence[t.Any]] = {
    "catalog_trash_expire_second": (86400, 172800, " 604800 "),
    "history_job_keep_max_second": (604800, 86400),
    "label_keep_max_num": (1000, "2000", 500),
    "max_running_txn_num_per_db": (1000, 900, "4000"),
    "statistic_auto_collect_ratio": (0.8, "0.50", 1),
    "tablet_sched_disable_balance": (True, False, "yes", "off"),
    "tablet_stat_update_interval_second": (300, 60, 600),
    "thrift_rpc_timeout_ms": (10000, 20000),
}
LAKE_KEYS: t.Mapping[str, t.Sequence[t.Any]] = {
    "lake_autovacuum_grace_period_minutes": (30, 10000000),
    "lake_compaction_max_tasks": (-1, 0, 16),
    "enable_legacy_compatibility_for_replication": (True, False),
}
ALIASES = {"tablet_sched_disable_balance": "disable_balance"}
NODE_KEYS: t.Mapping[str, t.Sequence[t.Any]] = {
    "report_tablet_interval_seconds": (60, 55, "30"),
    "replication_threads": (0, 16, 32),
    "clear_expired_replication_snapshots_interval_seconds": (3600, 600),
}
VARIABLES: t.Mapping[str, t.Sequence[t.Any]] = {
    "enable_filter_unused_columns_in_scan_stage": (True, False, "FALSE"),
    "interactive_timeout": (3600, 7200),
    "query_timeout": (300, "600", 900),
    "wait_timeout": (28800, 100),
}
USERS = ("sync_a", "sync_b", "sync_c")
PASSWORD = "bench-password"
SINCE_LAKE = ("3.1", "3.2", "3.3", "3.4", "3.5", "4.1")


@dataclasses.dataclass
class Scene:
    """One lab with the dice of its states. `number`: of the next journal."""

    lab: LabClient
    rng: random.Random
    home: pathlib.Path
    number: int = 0
    journals: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def profile(self) -> str:
        """The version of the source."""
        return str(self.lab.describe["profile"])

    def journal(self, module: str) -> Options:
        """The journal that a module's states share, or a new one now and then."""
        if module not in self.journals or self.rng.random() < NEW_JOURNAL:
            self.number += 1
            self.journals[module] = str(self.home / f"{module}-{self.number}.jsonl")
        return {"journal": self.journals[module]}

    def other(self, **action: t.Any) -> None:
        """What another operator does, in no request record; LabError when it is refused."""
        answer = self.lab.foreign(**action)
        if "error" in answer:
            raise LabError(f"{action}: {answer['error']}")

    def some(self, known: t.Mapping[str, t.Sequence[t.Any]], most: int = 4) -> dict[str, t.Any]:
        """Some keys in a random order, each with one of its values."""
        names = self.rng.sample(sorted(known), self.rng.randint(1, min(most, len(known))))
        return {name: self.rng.choice(known[name]) for name in names}


def frontend_config(scene: Scene) -> Options:
    """Some configs set, or put back; single frontends differ."""
    rng, lab = scene.rng, scene.lab
    lake = LAKE_KEYS if scene.profile in SINCE_LAKE else {}
    keys = {**FRONTEND_KEYS, **lake}
    for _number in range(rng.randrange(3)):
        [(key, value)] = scene.some(keys, 1).items()
        frontend = rng.choice(lab.describe["clusters"]["source"]["frontends"])
        where = {"frontend": f"{frontend['host']}:{frontend['query_port']}"} if rng.random() < 0.7 else {}
        scene.other(config={**where, key: str(value).strip().lower()})
    given = {**labs.connection(lab), **scene.journal("frontend_config")}
    if rng.random() < 0.3:
        return {**given, "state": "restored"}
    if lake and rng.random() < 0.1:
        return {**given, "state": "default", "settings": rng.sample(sorted(lake), 2)}
    wanted = [
        {"key": ALIASES.get(key, key) if rng.random() < 0.3 else key, "value": value}
        for key, value in scene.some(keys).items()
    ]
    if rng.random() < 0.15:
        wanted.append({"key": "no_such_config", "value": 1, "optional": rng.random() < 0.7})
    return {**given, "settings": json.dumps(wanted), "persistent": rng.choice(("auto", "auto", "never"))}


def backend_config(scene: Scene) -> Options:
    """Some configs of nodes set, or put back; single nodes differ."""
    rng, lab = scene.rng, scene.lab
    nodes = lab.describe["clusters"]["source"]["nodes"]
    for _number in range(rng.randrange(3)):
        lab.call("POST", f"/nodes/source/{rng.choice(nodes)['id']}", {"config": _texts(scene.some(NODE_KEYS, 2))})
    given = {**labs.connection(lab), **scene.journal("backend_config")}
    if rng.random() < 0.3:
        return {**given, "state": "restored"}
    wanted = [{"key": key, "value": value, "optional": True} for key, value in scene.some(NODE_KEYS).items()]
    return {**given, "settings": json.dumps(wanted)}


def global_variable(scene: Scene) -> Options:
    """Some global variables set, or put back."""
    rng, lab = scene.rng, scene.lab
    if rng.random() < 0.5:
        for key, value in _texts(scene.some(VARIABLES, 2)).items():
            scene.other(sql=f"SET GLOBAL {key} = {value}")
    given = {**labs.connection(lab), **scene.journal("global_variable")}
    if rng.random() < 0.35:
        return {**given, "state": "restored"}
    return {**given, "variables": json.dumps(scene.some(VARIABLES))}


def sync_user(scene: Scene) -> Options:
    """A user made or dropped, where others make and drop users of the same names."""
    rng, lab = scene.rng, scene.lab
    name = rng.choice(USERS)
    if rng.random() < 0.4:
        there = name in lab.call("GET", "/state?tables=0")["clusters"]["source"]["users"]
        scene.other(sql=f"DROP USER '{name}'@'%'" if there else f"CREATE USER '{name}'@'%' IDENTIFIED BY 'x'")
    given = {**labs.connection(lab), **scene.journal("sync_user"), "user": name}
    if rng.random() < 0.45:
        return {**given, "state": "absent"}
    return {**given, "user_password": PASSWORD}


def _texts(values: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {name: str(value).strip().lower() for name, value in values.items()}
