# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example alert rules, and the metrics that they are about, by the judgement of Prometheus's own tool."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

import pytest

from tooling import content, linked, paths, promtool

RULES = paths.ROOT / "extensions/monitoring/dbops_migration_alerts.yml"
SCENARIOS = paths.ROOT / "tests/conformance/monitoring/alerts_test.yml"

# Everything that a journal can tell, told by entries as the engines write them.
PROGRAM = """
import json, sys
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics import metrics_text
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing

standing = Standing()
for seq, (at, kind, data) in enumerate(json.load(sys.stdin)):
    standing.take(Entry(seq, at, kind, data, "", ""))
sys.stdout.write(metrics_text(standing))
"""
FENCED: list[tuple[str, str, dict[str, t.Any]]] = [
    ("2026-11-21T03:00:00.000Z", "journal.opened",
     {"migration_id": 'or"de\\rs\nü', "engine": "pegasus", "collection_version": "1.0.0"}),
    ("2026-11-21T03:00:01.000Z", "run.started", {"run_id": "one", "phase": "migrate"}),
    ("2026-11-21T03:00:01.000Z", "plan", {"plan_id": "p", "plan": {"forecast": {"seconds": 90.5}}}),
    ("2026-11-21T03:00:02.000Z", "findings",
     {"phase": "migrate", "findings": [{"severity": "warning", "accepted": False}]}),
    ("2026-11-21T03:01:00.000Z", "run.finished", {"run_id": "one", "phase": "migrate", "status": "ok"}),
    ("2026-11-21T04:00:00.000Z", "run.started", {"run_id": "two", "phase": "cutover"}),
    ("2026-11-21T04:00:01.000Z", "progress",
     {"done": 3, "total": 8, "running": 1, "failed": 0, "rate_per_minute": 2.5, "eta_seconds": 120.0,
      "lag": {"unit": "mutations", "total": 300, "largest": 200}, "waits": {"a.wait.b": "2026-11-21T04:00:00.000Z"}}),
    ("2026-11-21T04:00:02.000Z", "cutover.forecast",
     {"budget": 60.0, "windows": [{"subjects": ["orders"], "p50": 2.5, "p95": 4.5}]}),
    ("2026-11-21T04:00:03.000Z", "cutover.committed", {"table": "earlier"}),
    ("2026-11-21T04:00:04.000Z", "proof",
     {"kind": "guard", "items": [{"subject": "orders", "lifts_at": "2026-11-21T04:00:54.000Z"}]}),
    ("2026-11-21T04:00:05.000Z", "change.intent", {"id": "c8", "resource": "a", "action": "fence"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def metrics() -> str:
    """The file's content in the middle of a cutover."""
    env = {"PYTHONPATH": str(linked.collections_root()), "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(FENCED),
        env=env,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def test_prometheus_takes_every_metric_without_a_remark(metrics: str, tmp_path: pathlib.Path) -> None:
    code, said = promtool.run("check", "metrics", cwd=tmp_path, stdin=metrics)
    assert (code, said) == (0, "")


def test_promtool_would_object(tmp_path: pathlib.Path) -> None:
    code, said = promtool.run("check", "metrics", cwd=tmp_path, stdin="# TYPE a gauge\na 1\na 2\n")
    assert code != 0 and said


def test_the_example_rules_are_rules(tmp_path: pathlib.Path) -> None:
    code, said = promtool.run("check", "rules", str(RULES), cwd=tmp_path)
    assert code == 0, said
    assert f"{len(_rules())} rules found" in said


def test_each_example_alert_fires_when_it_should_and_not_before(tmp_path: pathlib.Path) -> None:
    for file in (RULES, SCENARIOS):
        shutil.copy(file, tmp_path)
    code, said = promtool.run("test", "rules", SCENARIOS.name, cwd=tmp_path)
    assert code == 0, said


def test_each_example_alert_is_tested_for_firing() -> None:
    fired = {
        one["alertname"]
        for case in content.load_yaml(str(SCENARIOS))["tests"]
        for one in case["alert_rule_test"]
        if one.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in _rules()}


def test_the_rules_and_the_documentation_name_metrics_that_there_are(metrics: str) -> None:
    written = set(re.findall(r"^# TYPE (\S+) gauge$", metrics, re.MULTILINE))
    module = (paths.ROOT / "plugins/modules/migration_metrics.py").read_text(encoding="utf-8")
    assert set(re.findall(r"C\((dbops_migration_\w+)\)", module)) == written
    used = {name for rule in _rules() for name in re.findall(r"\bdbops_migration_\w+", rule["expr"])}
    assert used <= written


def _rules() -> list[dict[str, str]]:
    rules: list[dict[str, str]] = content.load_yaml(str(RULES))["groups"][0]["rules"]
    return rules
