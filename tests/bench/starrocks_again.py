# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P8: a finished migration run again. The collection's own playbook brings it to its end first, from preflight on."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

from bench import playbooks
from bench import starrocks_labs as labs
from bench.starrocks_labs import Shape
from bench.starrocks_sizes import PROPERTIES
from bench.starrocks_volume_states import KEYS
from bench.workshop import RunFailed, folder
from lab.client import LabClient
from tooling import paths

WHOLE = paths.ROOT / "playbooks" / "starrocks.yml"
STEPS = pathlib.Path(__file__).with_name("starrocks_again.yml")
FACTOR = 10.0
"""The lab's clock; what is measured here are the machine's seconds."""


@dataclasses.dataclass(frozen=True)
class Again:
    """One run on the finished migration. `calls`: what the lab received that changes something."""

    played: playbooks.Played
    calls: int


def finish(seed: int, tables: int) -> tuple[playbooks.Played, Again, Again]:
    """A migration, then the whole playbook again, then the modules that change something alone."""
    home = folder(f"p8-{seed}-{tables}")
    shape = Shape(seed, tables, 1, FACTOR, rate=10, mode="shared_data", databases=20)
    with labs.laboratory(shape) as lab:
        given = variables(lab, home)
        first = _play(WHOLE, given, home / "first")
        return first, _again(lab, WHOLE, given, home / "again"), _again(lab, STEPS, given, home / "steps")


def _play(playbook: pathlib.Path, given: t.Mapping[str, t.Any], home: pathlib.Path) -> playbooks.Played:
    played = playbooks.run(playbook, given, home)
    if played.code:
        raise RunFailed(f"{home}: ansible-playbook ended with {played.code}:\n{played.output[-3000:]}")
    return played


def _again(lab: LabClient, playbook: pathlib.Path, given: t.Mapping[str, t.Any], home: pathlib.Path) -> Again:
    lab.clear_requests()
    return Again(_play(playbook, given, home), len(lab.requests(mutating=True)))


def variables(lab: LabClient, home: pathlib.Path) -> dict[str, t.Any]:
    """The role's variables. Times are short, because the lab's clock is faster than ours."""
    described = lab.describe
    found: dict[str, t.Any] = {
        "starrocks_tool_directory": str(home / "sync"),
        "starrocks_tool_archive": described["tool"]["archive"],
        "starrocks_tool_archive_sha256": described["tool"]["sha256"],
        "starrocks_poll_interval": "1s",
        "starrocks_cutover_poll_interval": "0.5s",
        "starrocks_quiet_time": "2s",
        "starrocks_start_wait": "0.5s",
        "starrocks_meta_job_interval_seconds": 60,
        "starrocks_report_interval_seconds": 60,
        "starrocks_switch_tasks": str(_switch(lab, home)),
        "starrocks_journal": str(home / "journal.jsonl"),
        "starrocks_migration_id": "bench",
        "starrocks_volume_credentials": {"*": KEYS},
        "starrocks_check_buckets": False,
        **{f"starrocks_{name}": value for name, value in PROPERTIES.items()},
    }
    for side, prefix in (("source", ""), ("target", "target_")):
        for name, value in labs.connection(lab, side, prefix).items():
            found[f"starrocks_{name}"] = json.loads(value) if value[:1] in "[{" else value
        found[f"starrocks_{side}_cluster_user"] = "tool"
        found[f"starrocks_{side}_cluster_password"] = described["users"]["tool"]
    return found


def _switch(lab: LabClient, home: pathlib.Path) -> pathlib.Path:
    """A file with tasks that send the lab's clients to the target."""
    path = home / "switch.yml"
    call = {
        "url": lab.describe["control"] + "/writers",
        "method": "POST",
        "body_format": "json",
        "body": {"to": "target"},
    }
    path.write_text(json.dumps([{"name": "Send the clients to the target", "ansible.builtin.uri": call}]))
    return path
