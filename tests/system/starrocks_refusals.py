# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of StarRocks modules that must be refused: in one clear sentence or with a blocker, and nothing is touched.

A plugin of pytest: a test file names it in ``pytest_plugins``, and has the fixtures below.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_forks import Forks
from system.starrocks_modules import SMALL, connection

Options = t.Dict[str, t.Any]
Result = t.Dict[str, t.Any]

CANARIES = {
    "password": "canary-Pa55word",
    "token": "canary-T0ken",
    "secret": "canary-S3cret",
    "access": "canary-Acc3ss",
}
USER = "operator"
LAKE: Options = {**SMALL, "mode": "shared_data", "tables": 4, "frontends": 3, "clients": 0}
PLAIN: Options = {**SMALL, "tables": 2, "clients": 0}

TWO_CLUSTERS: dict[str, Options] = {
    "preflight": {"inventory": False, "probe_ports": False},
    "comparison_info": {},
    "cutover": {"tool_is_stopped": True},
    "storage_volume_mirror": {"check_buckets": False},
    "sync_wait": {"wait": False, "directory": "/nowhere"},
    "migration_info": {},
}
ONE_CLUSTER: dict[str, Options] = {
    "info": {},
    "frontend_config": {"settings": [{"key": "disable_load_job", "value": True}]},
    "backend_config": {"settings": [{"key": "replication_max_speed_limit_kbps", "value": 1000}]},
    "global_variable": {"variables": {"enable_filter_unused_columns_in_scan_stage": False}},
    "sync_user": {"user": "cluster_sync", "user_password": CANARIES["password"]},
    "write_freeze": {},
    "storage_volume": {"volumes": [{"name": "extra", "type": "S3", "locations": ["s3://lab-target/extra"]}]},
}
EVERY = {**TWO_CLUSTERS, **ONE_CLUSTER}
NO_JOURNAL = ("info", "comparison_info", "migration_info")
DROPS = {
    "ddl_job_allow_drop_%s" % name: True
    for name in (
        "schema_change_table",
        "inconsistent_partition",
        "inconsistent_time_partition",
        "partition_target_only",
    )
}


def first(values: t.Iterable[t.Any]) -> list[t.Any]:
    """The others only in the long run."""
    chosen, *others = values
    return [chosen, *(pytest.param(*one, marks=pytest.mark.thorough) for one in map(_tuple, others))]


def _tuple(value: t.Any) -> tuple[t.Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@pytest.fixture(scope="module")
def forks() -> t.Iterator[Forks]:
    with contextlib.closing(Forks([*EVERY, "sync_tool", "sync_progress_info"])) as running:
        yield running


@pytest.fixture(scope="module")
def labs() -> t.Iterator[EmbeddedLabs]:
    with contextlib.closing(EmbeddedLabs()) as embedded:
        yield embedded


@pytest.fixture(scope="module")
def plain(labs: EmbeddedLabs) -> LabClient:
    """Between shared-nothing clusters."""
    return labs.start(**{**PLAIN, "profile": "4.1"})


@pytest.fixture(scope="module")
def lake(labs: EmbeddedLabs) -> LabClient:
    """Between shared-data clusters, with an S3 server."""
    return labs.start(**{**LAKE, "profile": "4.1"})


class Refusals:
    """``refused``: one run that must fail, with nothing sent that changes anything."""

    def __init__(self, forks: Forks, folder: pathlib.Path) -> None:
        self._forks = forks
        self._folder = folder

    def given(self, lab: LabClient, module: str, **more: t.Any) -> Options:
        """Good options of a module, and others in their place; None takes one away."""
        users = {"username": USER, "password": lab.describe["users"][USER]}
        found = {**connection(lab), **users, **EVERY[module]}
        if module in TWO_CLUSTERS:
            found.update(connection(lab, "target", "target_"))
            found.update({f"target_{name}": value for name, value in users.items()})
        if module not in NO_JOURNAL:
            found["journal"] = str(self._folder / "journal.jsonl")
        return {**found, **more}

    def run(self, lab: LabClient | None, module: str, options: Options) -> Result:
        """One run. No secret that a test knows is in its output, nor in its journal."""
        output = self._forks.run(module, options)
        written = "".join(
            path.read_text(encoding="utf-8") for path in self._folder.glob("*.jsonl*") if path.suffix != ".lock"
        )
        secrets = [*CANARIES.values()]
        if lab is not None:
            keys = lab.describe["s3"]["users"].values() if lab.describe["s3"] else ()
            secrets += [key["secret_key"] for key in keys]
            secrets += [password for password in lab.describe["users"].values() if password]
        assert [secret for secret in secrets if secret in output + written] == []
        assert "{" in output, output
        result: Result = json.loads(output[output.index("{") :])
        assert result.get("code") != "internal.error", result
        assert "Traceback" not in output
        return result

    def refused(self, lab: LabClient, module: str, *words: str, contact: bool = True, **more: t.Any) -> Result:
        """Its message holds all the words. Without ``contact`` the lab saw nothing at all."""
        lab.clear_requests()
        result = self.run(lab, module, self.given(lab, module, **more))
        said_clearly(result, *words)
        seen = lab.requests(mutating=True) if contact else lab.requests()
        assert [one["request"] for one in seen] == []
        return result

    def blocked(self, lab: LabClient, finding: str, *words: str, **more: t.Any) -> None:
        """That preflight tells of it with a blocker, whose evidence and remedy hold the words."""
        result = self.refused(lab, "preflight", **more)
        assert result["code"] == "preflight.blocked", result["msg"]
        found = [one for one in result["findings"] if one["id"] == finding and one["severity"] == "blocker"]
        assert found, [one["id"] for one in result["findings"]]
        told = json.dumps(found)
        assert [word for word in words if word not in told] == [], told

    def tool(self, *words: str, **options: t.Any) -> Result:
        """A run of the sync tool's module that must fail and leave its folder alone."""
        directory = self._folder / "tool"
        before = sorted(directory.rglob("*"))
        given = {"directory": str(directory), "supervisor": "session", **options}
        result = self.run(None, "sync_tool", given)
        said_clearly(result, *words)
        assert sorted(directory.rglob("*")) == before
        assert sorted(path.name for path in self._folder.iterdir() if path.name.startswith(".")) == []
        return result


def said_clearly(result: Result, *words: str) -> None:
    assert result.get("failed") is True, result
    said = result["msg"]
    assert [word for word in words if word not in said] == [], said
    assert "\n" not in said
    assert said.endswith((".", "]", ")")), said
    assert result.get("changed", False) is False


@pytest.fixture
def at(forks: Forks, tmp_path: pathlib.Path) -> Refusals:
    return Refusals(forks, tmp_path)
