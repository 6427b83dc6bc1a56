# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference tool's flow shows the defects that the real one has; all its runs of one lab go side by side."""

from __future__ import annotations

import asyncio
import typing as t
from dataclasses import dataclass

import pytest

from lab import process
from lab.client import LabClient
from lab.pegasus import reference_calls, zookeeper
from lab.pegasus.reference import DENY, Record, flags_of, migrate, run

pytestmark = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing())

PARTITIONS = 8
FACTOR = 25
HOSTS = "zk1:2181,zk2:2181"
FLAGS: dict[str, dict[str, t.Any]] = {
    "cold": {},
    "warm": {},
    "stalled": {},
    "hosts": {"zookeeper": HOSTS},
    "plain": {"root": ""},
    "elsewhere": {},
    "busy": {"threshold": -1.0},
}
"""One table per case, with the flags of its run."""
BY_HAND = ("warm", "stalled", "hosts", "plain", "elsewhere")
"""Tables whose duplication an operator has made before and watched until it shipped its log."""


@dataclass
class Outcome:
    """One run with what the lab says of its table afterwards."""

    record: Record
    ledger: dict[str, t.Any]
    source: dict[str, t.Any]
    target: dict[str, t.Any] | None

    @property
    def longest(self) -> float:
        """Lab seconds of the longest window in which a partition's writes were refused."""
        accounts = self.ledger["per_partition"].values()
        return max(float(end - start) for account in accounts for start, end in account["refused_windows"])


async def _all_runs(lab: LabClient) -> dict[str, Outcome]:
    """All side by side; each outcome is looked at when its run ends, before time heals anything."""
    now = float((await asyncio.to_thread(lab.state))["time"])

    async def one(table: str, given: dict[str, t.Any]) -> Outcome:
        flags = flags_of(lab.describe, table=table, **given)
        record = await migrate(lab.describe, flags, now, False, 150.0 if table == "busy" else 600.0)
        ledger = await asyncio.to_thread(lab.ledger)
        state = (await asyncio.to_thread(lab.state))["clusters"]
        apps = state["source"]["apps"][table], state["target"]["apps"].get(table)
        return Outcome(record, ledger["tables"][table], *apps)

    return dict(zip(FLAGS, await asyncio.gather(*(one(table, given) for table, given in FLAGS.items()))))


@pytest.fixture(scope="module")
def outcomes() -> t.Iterator[dict[str, Outcome]]:
    options = {"factor": FACTOR, "partitions": PARTITIONS, "clients": len(FLAGS), "rate": 5 * len(FLAGS)}
    with process.start("pegasus", profile="2.5", table=",".join(FLAGS), **options) as lab:
        for table in BY_HAND:
            lab.foreign(table=table, add_duplication={"remote": "onebox-b"})
        lab.wait_for(lambda state: all(_status(state, table) == "DS_LOG" for table in BY_HAND), 120)
        lab.fault("dup_stuck", table="stalled")
        lab.config(durations={"copy": [3000, 3000]})  # the checkpoint of "cold" is large
        lab.foreign(table="elsewhere", znode={"cluster": "target"})
        yield asyncio.run(_all_runs(lab))


def _status(state: dict[str, t.Any], table: str) -> str:
    (duplication,) = state["clusters"]["source"]["apps"][table]["duplications"].values()
    return str(duplication["status"])


def test_its_own_waits_bound_the_window_from_below(outcomes: dict[str, Outcome]) -> None:
    record = outcomes["warm"].record
    assert record.reported_success
    times = [record.added, record.below, record.blocked, record.drained, record.switched, record.released, record.done]
    assert all(at is not None for at in times)
    added, below, blocked, drained, switched, released, done = t.cast("list[float]", times)
    assert below - added >= 10
    assert blocked - below >= 10
    assert drained - blocked >= 10
    assert switched - drained >= 30
    assert added < below < blocked < drained < switched < released <= done
    assert outcomes["warm"].longest > 15


def test_the_last_mutation_of_a_partition_is_left_behind(outcomes: dict[str, Outcome]) -> None:
    """Defect 3."""
    warm = outcomes["warm"]
    assert warm.ledger["authority"] == "target"
    assert 1 <= warm.ledger["missing"] <= PARTITIONS


def test_clients_are_switched_to_a_table_without_data(outcomes: dict[str, Outcome]) -> None:
    """Defect 1."""
    cold = outcomes["cold"]
    assert cold.record.reported_success
    assert cold.record.switched is not None
    assert cold.ledger["authority"] == "target"
    assert cold.ledger["missing"] >= cold.ledger["acknowledged"] > 0
    (duplication,) = cold.source["duplications"].values()
    assert duplication["status"] in ("DS_PREPARE", "DS_APP")
    assert cold.source["envs"][DENY] == "reconfig*all"


def test_a_stalled_duplication_passes_for_a_drained_one(outcomes: dict[str, Outcome]) -> None:
    """Defect 2."""
    stalled = outcomes["stalled"]
    assert stalled.record.reported_success
    assert stalled.ledger["authority"] == "target"
    assert stalled.ledger["missing"] > 2 * PARTITIONS


def test_several_zookeeper_hosts_end_it_with_writes_blocked(outcomes: dict[str, Outcome]) -> None:
    """Defects 6 and 11: nothing is taken back."""
    hosts = outcomes["hosts"]
    assert hosts.record.error == "address %s: too many colons in address" % HOSTS
    assert hosts.record.switched is None
    assert hosts.source["envs"][DENY] == "timeout*write"
    assert len(hosts.source["duplications"]) == 1
    assert all(account["refused_now"] for account in hosts.ledger["per_partition"].values())


def test_without_a_root_success_means_blocked(outcomes: dict[str, Outcome]) -> None:
    plain = outcomes["plain"]
    assert plain.record.reported_success
    assert plain.record.switched is None
    assert plain.record.log[-1][1].startswith("can't switch cluster via metaproxy")
    assert plain.source["envs"][DENY] == "timeout*write"


def test_an_entry_that_names_another_cluster_is_seen_only_after_the_block(outcomes: dict[str, Outcome]) -> None:
    elsewhere = outcomes["elsewhere"]
    assert elsewhere.record.error == (
        "current remote table is not `current local cluster`, remote vs expect= onebox-b : onebox-a"
    )
    assert elsewhere.source["envs"][DENY] == "timeout*write"


def test_above_the_threshold_it_waits_for_ever(outcomes: dict[str, Outcome]) -> None:
    busy = outcomes["busy"]
    assert busy.record.error == "interrupted after 150 s"
    assert busy.record.blocked is None
    assert DENY not in busy.source["envs"]
    assert len([line for _at, line in busy.record.log if "has pending_mutations_count" in line]) >= 2


def test_on_newer_servers_it_starts_not_at_all_or_ends_after_the_duplication_was_made() -> None:
    """Defect 5."""
    with process.start("pegasus", profile="2.6", factor=FACTOR, partitions=PARTITIONS, clients=0) as lab:
        record = run(lab)
        assert record.error == "failed to list nodes [context deadline exceeded]"
        assert not lab.state()["clusters"]["source"]["apps"]["temp"]["duplications"]
        record = run(lab, reads_host_ports=True)
        assert record.error == "get pending_mutations_count perfcounter size must be 1, but now is 0"
        assert len(lab.state()["clusters"]["source"]["apps"]["temp"]["duplications"]) == 1


def test_the_end_of_a_request_holds_when_a_cancellation_is_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Swallows:
        closed = False
        swallowed = 0

        async def call(self, *_unused: t.Any) -> dict[str, t.Any]:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                if self.swallowed:  # the test's own end
                    raise
                self.swallowed += 1
            return {"err": "ERR_FORWARD_TO_OTHERS"}

    async def asked() -> str:
        monkeypatch.setattr(reference_calls, "LEAST_TIMEOUT", 0.2)
        calls = reference_calls.Calls(["127.0.0.1:1"], 100.0, 0.0, False)
        connection = Swallows()
        monkeypatch.setattr(calls, "_connection", lambda _address: asyncio.sleep(0, connection))
        with pytest.raises(reference_calls.Ended) as ended:
            await asyncio.wait_for(calls.nodes(), 5)
        return str(ended.value)

    assert asyncio.run(asked()) == "failed to list nodes [context deadline exceeded]"


def test_a_server_without_a_replica_of_the_table_ends_it() -> None:
    """Defect 7; and what it says of a table that is not there."""
    with process.start("pegasus", profile="2.4", factor=FACTOR, partitions=1, clients=0, no_metaproxy=True) as lab:
        error = run(lab).error
        assert error.startswith('failed to call "http://127.0.0.1:')
        assert error.endswith('": code=404')
        assert run(lab, flags_of(lab.describe, table="nowhere")).error == "table(nowhere) doesn't exist"
        assert lab.requests(mutating=True) == []
