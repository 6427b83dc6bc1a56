# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Pegasus migration whose journal lies in S3, phase by phase on runners that keep nothing of each other."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from bench import guards
from lab import process
from lab.client import LabClient
from system import playbooks as p
from system.pegasus_playbooks import (
    DENY,
    SMALL,
    apps,
    as_before,
    behind_the_fence,
    levels,
    mutating,
    variables,
    writing_to,
)
from system.s3_bucket import ACCESS_KEY, BUCKET, SECRET_KEY, Bucket

pytestmark = [pytest.mark.cost(90), pytest.mark.thorough]

# So that looks one second apart do not meet the servers' own ten seconds at the same point of their cycle.
FACTOR = 7
LEFT = re.compile(r"temp on onebox-b: soaking for (?:(\d+)m ?)?(?:(\d+)s)? more")


class Runners:
    """Runs playbooks, each in a folder and with a temporary folder that nobody else ever sees."""

    def __init__(self, folder: pathlib.Path, given: t.Mapping[str, t.Any]) -> None:
        self._folder = folder
        self._given = given
        self._count = 0

    def new(self) -> pathlib.Path:
        """Another runner; in its folder it has its own temporary one."""
        self._count += 1
        runner = self._folder / f"runner-{self._count}"
        (runner / "tmp").mkdir(parents=True)
        return runner

    def play(self, name: str, *arguments: str, **more: t.Any) -> p.Outcome:
        """Run a playbook to its end."""
        runner = self.new()
        done = p.play(name, {**self._given, **more}, runner, *arguments, TMPDIR=str(runner / "tmp"))
        assert SECRET_KEY not in done.output
        return done

    def kill(self, name: str, enough: t.Callable[[str], bool], **more: t.Any) -> str:
        """Kill a playbook when ``enough`` says so of what it has shown; returns that."""
        runner = self.new()
        log = runner / "killed.log"
        p.play_until(name, {**self._given, **more}, runner, lambda: enough(log.read_text()), TMPDIR=str(runner / "tmp"))
        return log.read_text()


def options(lab: LabClient, folder: pathlib.Path, bucket: Bucket) -> dict[str, t.Any]:
    """The role's variables with a journal in S3."""
    return variables(
        lab,
        folder,
        pegasus_journal=f"s3://{BUCKET}/{folder.name}",
        pegasus_s3_endpoint_url=bucket.endpoint,
        pegasus_s3_region="us-east-1",
        pegasus_s3_access_key=ACCESS_KEY,
        pegasus_s3_secret_key=SECRET_KEY,
    )


def soak_left(output: str) -> int:
    """Seconds that a run said it would still soak for."""
    found = LEFT.search(output)
    assert found, output
    return 60 * int(found.group(1) or 0) + int(found.group(2) or 0)


def test_every_phase_on_a_runner_of_its_own(bucket: Bucket, tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=FACTOR, **{**SMALL, "partitions": 4}) as lab:
        runners = Runners(tmp_path, options(lab, tmp_path, bucket))

        before = bucket.text
        runners.play("pegasus", "--check").succeed()
        assert mutating(lab) == []
        assert bucket.text == before

        # Given up on another runner than it was begun on: only the journal knows what there is to be put back.
        runners.play("pegasus_migrate").succeed()
        runners.play("pegasus_rollback").succeed()
        as_before(lab)

        runners.play("pegasus_migrate").succeed()
        cut = runners.play("pegasus_cutover").succeed()
        # Its guard writes to the temporary folder of its runner, as there is no folder of the journal.
        assert f"{tmp_path}/runner-5/tmp/" in cut.output
        records = list((tmp_path / "runner-5" / "tmp").rglob("*.guard.jsonl"))
        assert [json.loads(line)["event"] for line in records[0].read_text().splitlines()][-1] == "ended"
        writing_to(lab, "target")

        lab.clear_requests()
        first = runners.kill("pegasus_restore", lambda shown: "of the soak left" in shown, pegasus_soak_time="1m")
        assert mutating(lab) == []
        second = runners.play("pegasus_restore", pegasus_soak_time="1m").succeed()
        assert 0 < soak_left(second.output) < soak_left(first) < 60
        assert levels(lab) == ["lively", "lively"]
        assert apps(lab, "source")["temp"]["duplications"] == {}
        assert apps(lab, "source")["temp"]["envs"] == {DENY: "reconfig*all"}

        lab.clear_requests()
        again = runners.play("pegasus").succeed()
        assert mutating(lab) == []
        assert again.recap["changed"] == 0
        writing_to(lab, "target")
        assert '"kind":"cutover.committed"' in bucket.text
        assert SECRET_KEY not in bucket.text


def test_a_runner_that_vanishes_behind_the_fence(bucket: Bucket, tmp_path: pathlib.Path) -> None:
    """Its guard is gone with it, and the guard's record; the next runner has the journal and the clusters."""
    with process.start(profile="2.6", factor=FACTOR, **{**SMALL, "partitions": 4}) as lab:
        runners = Runners(tmp_path, options(lab, tmp_path, bucket))
        runners.play("pegasus_migrate").succeed()

        runners.kill("pegasus_cutover", lambda _shown: behind_the_fence(lab, tmp_path))
        guards.kill_below(tmp_path)
        lab.clear_requests()
        runners.play("pegasus").succeed()
        assert [text.rpartition(" temp ")[2] for text in mutating(lab) if DENY in text] == [
            f"del {DENY}",
            f"set {DENY}=reconfig*write",
            f"set {DENY}=reconfig*all",
        ]
        writing_to(lab, "target")
        assert levels(lab) == ["lively", "lively"]
        lab.clear_requests()
        runners.play("pegasus").succeed()
        assert mutating(lab) == []
