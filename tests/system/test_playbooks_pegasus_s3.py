# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Pegasus migration whose journal lies in S3, phase by phase on runners that keep nothing of each other."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import boto3
import pytest
from moto.server import ThreadedMotoServer

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

pytestmark = [pytest.mark.cost(90), pytest.mark.thorough]

# So that looks one second apart do not meet the servers' own ten seconds at the same point of their cycle.
FACTOR = 7
SECRET = "canary-of-the-bucket"
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
        assert SECRET not in done.output
        return done

    def kill(self, name: str, enough: t.Callable[[str], bool], **more: t.Any) -> str:
        """Kill a playbook when ``enough`` says so of what it has shown; returns that."""
        runner = self.new()
        log = runner / "killed.log"
        p.play_until(name, {**self._given, **more}, runner, lambda: enough(log.read_text()), TMPDIR=str(runner / "tmp"))
        return log.read_text()


@pytest.fixture(name="bucket")
def _bucket() -> t.Iterator[tuple[str, t.Callable[[], str]]]:
    """The endpoint of a store with the bucket ``migrations``, and a function that reads all that lies in it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket="migrations")

    def stored() -> str:
        listed = client.list_objects_v2(Bucket="migrations").get("Contents", [])
        bodies = [client.get_object(Bucket="migrations", Key=one["Key"])["Body"].read() for one in listed]
        return b"".join(bodies).decode()

    yield endpoint, stored
    server.stop()


def options(lab: LabClient, folder: pathlib.Path, endpoint: str) -> dict[str, t.Any]:
    """The role's variables with a journal in S3. All stores of one process hold the same, so each test has a prefix."""
    return variables(
        lab,
        folder,
        pegasus_journal=f"s3://migrations/{folder.name}",
        pegasus_s3_endpoint_url=endpoint,
        pegasus_s3_region="us-east-1",
        pegasus_s3_access_key="AKIAEXAMPLE",
        pegasus_s3_secret_key=SECRET,
    )


def soak_left(output: str) -> int:
    """Seconds that a run said it would still soak for."""
    found = LEFT.search(output)
    assert found, output
    return 60 * int(found.group(1) or 0) + int(found.group(2) or 0)


def test_every_phase_on_a_runner_of_its_own(bucket: tuple[str, t.Callable[[], str]], tmp_path: pathlib.Path) -> None:
    endpoint, stored = bucket
    with process.start(profile="2.6", factor=FACTOR, **{**SMALL, "partitions": 4}) as lab:
        runners = Runners(tmp_path, options(lab, tmp_path, endpoint))

        before = stored()
        runners.play("pegasus", "--check").succeed()
        assert mutating(lab) == []
        assert stored() == before

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
        assert '"kind":"cutover.committed"' in stored()
        assert SECRET not in stored()


def test_a_runner_that_vanishes_behind_the_fence(
    bucket: tuple[str, t.Callable[[], str]], tmp_path: pathlib.Path
) -> None:
    """Its guard is gone with it, and the guard's record; the next runner has the journal and the clusters."""
    endpoint, _stored = bucket
    with process.start(profile="2.6", factor=FACTOR, **{**SMALL, "partitions": 4}) as lab:
        runners = Runners(tmp_path, options(lab, tmp_path, endpoint))
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
