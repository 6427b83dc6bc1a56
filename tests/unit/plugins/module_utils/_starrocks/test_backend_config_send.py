# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a config of the nodes is written down when requests fail: what may have been taken is never told as refused."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_plan import (
    NodeStep,
    NodeTarget,
    plan_node_calls,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_send import (
    NodeSender,
    NodesSent,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.http_wire import HttpReply
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

KEY = "replication_threads"
NODES = tuple(Node("BE", one, f"n{one}", 9050, 9060, 8040, True, False, "", None, "") for one in ("1", "2"))
LOST = MigrationError("starrocks.no_reply", "lost")
REFUSED = MigrationError("starrocks.access_denied", "refused", server_text="no")
UNREAD = MigrationError("starrocks.unreachable", "not read")


@dataclasses.dataclass
class Reply:
    """How one request ends: the nodes that take it, and the error, if there is one."""

    takes: str = ""
    error: t.Optional[MigrationError] = None


class Nodes:
    """Two nodes with 4 threads. ``reads``: errors of the looks, in order; None and those behind it are answered."""

    version = Version.parse("3.5.1")
    profile = Profile.choose(version, "shared_nothing")

    def __init__(self, replies: t.Sequence[Reply], reads: t.Sequence[t.Optional[MigrationError]] = ()) -> None:
        self.values = {"1": "4", "2": "4"}
        self.sent: t.List[str] = []
        self._replies = list(replies)
        self._reads = list(reads)

    def query(self, _sql: str, _doing: str) -> Rows:
        error = self._reads.pop(0) if self._reads else None
        if error is not None:
            raise error
        rows = [(one, KEY, value, "int", "4", "1") for one, value in self.values.items()]
        return Rows(("BE_ID", "NAME", "VALUE", "TYPE", "DEFAULT", "MUTABLE"), tuple(rows))

    def execute(self, sql: str, _doing: str) -> None:
        only = re.search(r"BE_ID = (\d)", sql)
        self.sent.append(only.group(1) if only else "all")
        reply = self._replies.pop(0)
        self.values.update(dict.fromkeys(reply.takes, "7"))
        if reply.error is not None:
            raise reply.error


def sent(
    folder: pathlib.Path, replies: t.Sequence[Reply], reads: t.Sequence[t.Optional[MigrationError]] = ()
) -> t.Tuple[str, t.List[str], t.List[str]]:
    """The code that it ended with, the outcome of each node, and which requests were sent."""
    journal = Journal.open(
        str(folder / "j.jsonl"), migration_id="m", engine="starrocks", clock=FakeClock(), redactor=Redactor([])
    )
    world = Nodes(replies, reads)
    targets = tuple(NodeTarget(one, f"starrocks:1/node/{one.node_id}/config/{KEY}", "4", "7", "int") for one in NODES)
    step = NodeStep(KEY, targets, "set")
    code = ""
    try:
        NodeSender(t.cast(Cluster, world), journal, NodesSent(), True).send(plan_node_calls(step, True)[0], step)
    except MigrationError as error:
        code = error.code
    outcomes = [entry.data["status"] for entry in journal.entries if entry.kind == "change.outcome"]
    return code.replace("starrocks.", ""), outcomes, world.sent


def test_all_take_it(tmp_path: pathlib.Path) -> None:
    assert sent(tmp_path, [Reply("12")]) == ("", ["done", "done"], ["all"])


def test_what_none_has_taken_is_not_ours(tmp_path: pathlib.Path) -> None:
    assert sent(tmp_path, [Reply(error=REFUSED)]) == ("access_denied", ["failed", "failed"], ["all"])


def test_what_some_have_taken_may_come_to_the_others(tmp_path: pathlib.Path) -> None:
    assert sent(tmp_path, [Reply("1", REFUSED)]) == ("access_denied", ["done", "unknown"], ["all"])


def test_one_takes_it_when_told_again_and_the_other_refuses(tmp_path: pathlib.Path) -> None:
    replies = [Reply(error=LOST), Reply("1"), Reply(error=REFUSED)]
    assert sent(tmp_path, replies) == ("access_denied", ["done", "unknown"], ["all", "1", "2"])


def test_who_was_told_again_and_does_not_answer_is_not_known(tmp_path: pathlib.Path) -> None:
    replies = [Reply(error=LOST), Reply("1"), Reply(error=REFUSED)]
    assert sent(tmp_path, replies, [None, UNREAD]) == ("unreachable", ["unknown", "unknown"], ["all", "1", "2"])


def test_lost_replies_are_looked_into(tmp_path: pathlib.Path) -> None:
    replies = [Reply(error=LOST), Reply("1", LOST), Reply("2", LOST)]
    assert sent(tmp_path, replies) == ("", ["done", "done"], ["all", "1", "2"])


@pytest.mark.parametrize("error", [LOST, None])
def test_the_old_value_behind_lost_replies_may_still_change(
    tmp_path: pathlib.Path, error: t.Optional[MigrationError]
) -> None:
    replies = [Reply(error=error), Reply(error=LOST), Reply(error=LOST)]
    assert sent(tmp_path, replies) == ("no_reply", ["unknown", "unknown"], ["all", "1", "2"])


def test_what_was_taken_and_is_not_there_may_still_come(tmp_path: pathlib.Path) -> None:
    assert sent(tmp_path, [Reply(), Reply(), Reply()])[:2] == ("setting_not_kept", ["unknown", "unknown"])


@pytest.mark.parametrize(
    ("status", "text", "code", "outcome"),
    [
        (502, "<html>", "no_reply", "unknown"),
        (200, "", "no_reply", "unknown"),
        (200, "{}", "no_reply", "unknown"),
        (200, '{"status":"BAD_ARGUMENT"}', "config_unknown", "failed"),
        (404, "", "unexpected_answer", "failed"),
    ],
)
def test_answers_of_a_node_over_http(tmp_path: pathlib.Path, status: int, text: str, code: str, outcome: str) -> None:
    world = Nodes(())
    world.http = lambda *_args, **_more: HttpReply(status, text, "n1:8040")  # type: ignore[attr-defined]
    journal = Journal.open(
        str(tmp_path / "j.jsonl"), migration_id="m", engine="starrocks", clock=FakeClock(), redactor=Redactor([])
    )
    step = NodeStep(KEY, (NodeTarget(NODES[0], f"starrocks:1/node/1/config/{KEY}", "4", "7", "int"),), "set")
    with pytest.raises(MigrationError) as caught:
        NodeSender(t.cast(Cluster, world), journal, NodesSent(), False).send(plan_node_calls(step, False)[0], step)
    outcomes = [entry.data["status"] for entry in journal.entries if entry.kind == "change.outcome"]
    assert (caught.value.code, outcomes) == (f"starrocks.{code}", [outcome])
