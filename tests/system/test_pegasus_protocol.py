# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every question and every change that the Pegasus clients know, against the lab in all versions.

Lab and clients were written apart from each other, from the same facts, so that what agrees here agrees with them.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Duplication, TableConfig
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.proxy_client import ask_proxies
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from lab.client import LabClient
from lab.embedded import EmbeddedLabs

PROFILES = ("2.4", "2.5", "2.6")
FACTOR = 100
PARTITIONS = 6
SETTINGS = ConnectionSettings(2.0, 4.0)


class Place:
    """One lab and clients of it."""

    def __init__(self, lab: LabClient) -> None:
        self.lab = lab
        self.source = self._side("source")
        self.target = self._side("target")
        self.replicas = ReplicaClient(SETTINGS)
        self.nodes: list[str] = lab.describe["clusters"]["source"]["replicas"]

    def _side(self, key: str) -> MetaClient:
        return MetaClient(self.lab.describe["clusters"][key]["metas"], SETTINGS)

    @property
    def generation(self) -> str:
        return self.source.profile.generation

    @property
    def newest(self) -> bool:
        return self.generation == "2.6"

    def state(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.lab.state()["clusters"]["source"])

    def config(self, name: str = "temp") -> TableConfig:
        found = self.source.query_config(name)
        assert found is not None
        return found

    def changes(self) -> list[str]:
        """The requests since the record was emptied that changed something."""
        return [one["request"] for one in self.lab.requests(mutating=True)]

    def table(self, name: str) -> int:
        """One more table of the source; its id."""
        return int(
            self.lab.call("POST", "/foreign", {"create_table": {"name": name, "partitions": PARTITIONS}})[
                "create_table"
            ]
        )

    def close(self) -> None:
        self.source.close()
        self.target.close()
        self.replicas.close()


@pytest.fixture(scope="module")
def labs() -> t.Iterator[EmbeddedLabs]:
    running = EmbeddedLabs()
    yield running
    running.close()


@pytest.fixture(scope="module", params=PROFILES)
def place(request: pytest.FixtureRequest, labs: EmbeddedLabs) -> t.Iterator[Place]:
    options = {"factor": FACTOR, "partitions": PARTITIONS, "clients": 0, "no_metaproxy": True}
    with contextlib.closing(Place(labs.start("pegasus", request.param, **options))) as one:
        yield one


def wait(seconds: float, true: t.Callable[[], bool]) -> None:
    """Until it is true, for that many lab seconds at most (and five seconds for a busy machine)."""
    end = time.monotonic() + seconds / FACTOR + 5.0
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def refused(call: t.Callable[[], object]) -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        call()
    return caught.value


# Questions.


def test_the_cluster(place: Place) -> None:
    described = place.lab.describe["clusters"]["source"]
    info = place.source.cluster_info()
    assert (info.cluster_name, info.meta_servers) == (described["name"], tuple(described["metas"]))
    assert info.primary_meta == place.source.primary == place.state()["meta"]["leader"]
    assert info.meta_level == place.source.control_meta() == "steady"
    assert str(place.source.version()) == described["version"]
    nodes = place.source.list_nodes()
    assert {node.address for node in nodes} == set(place.nodes)
    assert all(node.alive for node in nodes)
    assert all(bool(node.host_port) is place.newest for node in nodes)


def test_a_table(place: Place) -> None:
    app = place.source.app("temp")
    assert app is not None
    told = place.state()["apps"]["temp"]
    assert (app.app_id, app.partition_count, app.envs) == (told["id"], told["partition_count"], told["envs"])
    assert app.available
    assert (app.atomic_idempotent is None) is not place.newest
    config = place.config()
    assert config.app_id == app.app_id
    assert config.healthy()
    for index, partition in told["partitions"].items():
        found = config.partitions[int(index)]
        assert (found.primary, found.secondaries, found.ballot) == (
            partition["primary"],
            tuple(partition["secondaries"]),
            partition["ballot"],
        )


def test_what_does_not_exist(place: Place) -> None:
    assert place.source.app("nothing") is None
    assert place.source.query_config("nothing") is None
    assert refused(lambda: place.source.query_duplications("nothing")).code == "pegasus.app_not_found"
    assert (
        refused(lambda: place.source.modify_duplication("temp", 5, status="DS_PAUSE")).code
        == "pegasus.object_not_found"
    )
    assert (
        refused(lambda: place.source.update_app_env("nothing", "set", [DENY_KEY], [DENY_WRITE])).code
        == "pegasus.app_not_found"
    )
    assert str(refused(lambda: place.source.add_duplication("temp", "nowhere")).server_text).startswith(
        "ERR_INVALID_PARAMETERS"
    )


def test_split_and_bulk_load(place: Place) -> None:
    place.table("busy")
    assert place.source.split_status("busy") is None
    assert place.source.bulk_load_status("busy").running is False


def test_replica_servers(place: Place) -> None:
    config = place.config()
    infos = place.replicas.replica_infos(place.nodes, config.app_id)
    assert infos.complete
    primaries = {(info.node, info.index): info for infos_ in infos.good.values() for info in infos_ if info.primary}
    assert sorted(primaries) == sorted((node, index) for node, held in config.primaries.items() for index in held)
    told = place.state()["apps"]["temp"]["partitions"]
    for (_node, index), info in primaries.items():
        assert (info.ballot, info.last_committed_decree) == (told[str(index)]["ballot"], told[str(index)]["decree"])
    asked = place.replicas.data_versions({config.app_id: place.nodes, 999: place.nodes})
    versions = asked[config.app_id]
    assert versions.complete
    assert {index for held in versions.good.values() for index in held} == set(range(PARTITIONS))
    assert {value for held in versions.good.values() for value in held.values()} == {1}
    assert asked[999].good == {node: {} for node in place.nodes}
    assert set(place.replicas.versions(place.nodes).good.values()) == {place.source.version()}
    assert place.replicas.progress(place.nodes, config.app_id).good == dict.fromkeys(place.nodes, ())


def test_remote_commands(place: Place) -> None:
    text = place.replicas.command(place.nodes[0], "server-info")
    assert str(place.source.version()) in text


def test_questions_change_nothing(place: Place) -> None:
    place.lab.clear_requests()
    test_the_cluster(place)
    test_a_table(place)
    test_replica_servers(place)
    assert place.changes() == []


# Changes.


def test_envs(place: Place) -> None:
    name = "envs"
    place.table(name)

    def envs() -> t.Mapping[str, str]:
        app = place.source.app(name)
        assert app is not None
        return app.envs

    place.lab.clear_requests()
    place.source.update_app_env(name, "set", ["rocksdb.usage_scenario", "default_ttl"], ["normal", "60"])
    assert envs() == {"rocksdb.usage_scenario": "normal", "default_ttl": "60"}
    assert "default_ttl" in place.source.update_app_env(name, "del", ["default_ttl"])
    assert place.source.update_app_env(name, "del", ["default_ttl"]) == "no key need to delete"
    place.source.update_app_env(name, "clear", prefix="other")
    assert envs() == {"rocksdb.usage_scenario": "normal"}
    place.source.update_app_env(name, "clear")
    assert envs() == {}
    assert len(place.changes()) == 5
    error = refused(lambda: place.source.update_app_env(name, "set", ["no.such.env"], ["1"]))
    assert error.code == "pegasus.invalid_parameters"
    assert "no.such.env" in str(error.server_text)
    error = refused(lambda: place.source.update_app_env(name, "set", [DENY_KEY], ["never"]))
    assert "Invalid deny client args" in str(error.server_text)


def test_meta_level(place: Place) -> None:
    place.lab.clear_requests()
    assert place.target.control_meta("lively") == "steady"
    assert place.target.control_meta() == "lively"
    assert place.target.control_meta("steady") == "lively"
    assert len(place.changes()) == 2


def test_tables_come_and_go(place: Place) -> None:
    app_id = place.target.create_app("made", partition_count=4, replica_count=3, envs={"default_ttl": "60"})
    wait(30, lambda: (app := place.target.app("made")) is not None and app.available)
    made = place.target.app("made")
    assert made is not None
    assert (made.app_id, made.partition_count, made.envs) == (app_id, 4, {"default_ttl": "60"})
    error = refused(lambda: place.target.create_app("made", partition_count=4, replica_count=3))
    assert error.code == "pegasus.app_exists"
    if place.target.profile.has_rename_app:
        place.target.rename_app("made", "renamed")
        assert place.target.app("made") is None
        place.target.rename_app("renamed", "made")
    else:
        assert refused(lambda: place.target.rename_app("made", "x")).code == "pegasus.handler_not_found"
    place.target.drop_app("made", 600)
    wait(30, lambda: place.target.app("made") is None)
    assert [app.status for app in place.target.list_apps() if app.app_id == app_id] == ["DROPPED"]
    assert place.target.query_config("made") is None
    assert place.target.recall_app(app_id).name == "made"
    wait(30, lambda: (app := place.target.app("made")) is not None and app.available)
    place.target.drop_app("made")


def test_settings_of_running_servers(place: Place) -> None:
    name, node = "config_sync_interval_ms", place.nodes[0]
    answers = place.replicas.get_config(place.nodes, name)
    if not place.source.profile.config_sync_interval_mutable:
        assert {error.code for error in answers.failed.values()} == {"pegasus.config_unknown"}
        assert refused(lambda: place.replicas.update_config(node, name, "1000")).code == "pegasus.config_refused"
        return
    assert {(value.value, value.mutable) for value in answers.good.values()} == {("30000", True)}
    place.replicas.update_config(node, name, "1000")
    assert place.replicas.get_config([node], name).good[node].value == "1000"
    place.replicas.update_config(node, name, "30000")
    assert (
        refused(lambda: place.replicas.update_config(node, "group_check_interval_ms", "1")).code
        == "pegasus.config_refused"
    )


# Duplication, and the fence.


def duplication(place: Place, table: str) -> Duplication:
    (found,) = place.source.query_duplications(table)
    return found


def test_a_duplication_from_beginning_to_end(place: Place) -> None:
    table, remote = "moving", place.lab.describe["clusters"]["target"]["name"]
    app_id = place.table(table)
    before = place.replicas.probe_writes(place.config(table))
    assert set(before.values()) == {"applied"}, "a table that does not duplicate carries the probe out"

    added = place.source.add_duplication(table, remote)
    assert added.app_id == app_id
    assert added.dupid > 0
    assert (added.remote_app_name == table) is place.newest
    assert duplication(place, table).status == "DS_PREPARE"
    wait(180, lambda: duplication(place, table).status == "DS_LOG")
    told = duplication(place, table)
    assert (told.dupid, told.remote, told.fail_mode) == (added.dupid, remote, "FAIL_SLOW")
    assert (told.remote_app_name == table) is place.newest
    assert (set(told.partition_states) == set(range(PARTITIONS))) is place.newest

    # The target's copy is a table of its own.
    copy = place.target.app(table)
    assert copy is not None
    assert set(place.source.profile.duplication_envs) <= set(copy.envs)

    def progress() -> dict[int, bool]:
        answers = place.replicas.progress(place.nodes, app_id)
        assert answers.complete
        return {one.index: one.duplicating for held in answers.good.values() for one in held}

    wait(30, lambda: progress() == dict.fromkeys(range(PARTITIONS), True))

    # Adding it once more: the answer differs, and nothing else happens.
    if place.newest:
        code = refused(lambda: place.source.add_duplication(table, remote)).code
        assert code in ("pegasus.dup_exists", "pegasus.invalid_parameters")
    else:
        assert place.source.add_duplication(table, remote).dupid == 0
    assert duplication(place, table).dupid == added.dupid

    # The fence comes and goes with the servers' next look at the meta server.
    def words() -> set[str]:
        return set(place.replicas.probe_writes(place.config(table), timeout=0.5).values())

    assert words() == {"open"}
    place.source.update_app_env(table, "set", [DENY_KEY], [DENY_WRITE])
    wait(40, lambda: words() == {"denied"})
    assert {part["deny"] for part in place.state()["apps"][table]["partitions"].values()} == {DENY_WRITE}
    place.source.update_app_env(table, "set", [DENY_KEY], ["timeout*write"])
    wait(40, lambda: words() == {"silent"})
    place.source.update_app_env(table, "del", [DENY_KEY])
    wait(40, lambda: words() == {"open"})

    # A primary that has moved is not taken for a fenced one, although it gives the same answer.
    place.source.update_app_env(table, "set", [DENY_KEY], [DENY_WRITE])
    wait(40, lambda: words() == {"denied"})
    old = place.config(table)
    place.lab.call("POST", "/foreign", {"table": table, "move_primary": {"partition": 0}})
    wait(10, lambda: place.config(table).partitions[0].primary not in ("", old.partitions[0].primary))
    after = place.replicas.probe_writes(old)
    assert after.pop(0) == "moved"
    assert set(after.values()) == {"denied"}

    place.source.modify_duplication(table, added.dupid, status="DS_PAUSE")
    place.source.modify_duplication(table, added.dupid, fail_mode="FAIL_SKIP")
    assert (duplication(place, table).status, duplication(place, table).fail_mode) == ("DS_PAUSE", "FAIL_SKIP")
    wait(30, lambda: not any(progress().values()))
    error = refused(lambda: place.source.modify_duplication(table, added.dupid, status="DS_APP"))
    assert error.code == "pegasus.invalid_parameters"
    place.source.modify_duplication(table, added.dupid, status="DS_REMOVED")
    assert place.source.query_duplications(table) == ()
    wait(30, lambda: not progress())


@pytest.mark.parametrize(("asked", "remote", "words"), [
    ("source", "onebox-a", "adding duplication to itself"),
    ("source", "unheard-of", "get_duplication_cluster_id"),
])  # fmt: skip
def test_what_the_servers_know_of_each_other_can_be_asked(place: Place, asked: str, remote: str, words: str) -> None:
    """Facts 5.1: for a table that does not exist, nothing can happen."""
    client = place.source if asked == "source" else place.target
    error = refused(lambda: client.add_duplication("no-such-table", remote))
    assert words in str(error.server_text)


def test_a_known_remote_is_asked_for_without_a_table(place: Place) -> None:
    remote = place.lab.describe["clusters"]["target"]["name"]
    assert refused(lambda: place.source.add_duplication("no-such-table", remote)).code == "pegasus.app_not_found"


def test_disabled_duplication(place: Place) -> None:
    place.lab.call("POST", "/config", {"cluster": "target", "duplication_enabled": False})
    try:
        assert refused(lambda: place.target.query_duplications("stat")).code == "pegasus.duplication_disabled"
    finally:
        place.lab.call("POST", "/config", {"cluster": "target", "duplication_enabled": True})


# Trouble.


def test_a_primary_meta_that_moves_is_followed(place: Place) -> None:
    place.source.list_apps()
    first = place.source.primary
    place.lab.call("POST", "/meta/source/failover", {})
    place.lab.clear_requests()
    place.source.control_meta("steady")
    assert place.source.primary not in ("", first)
    assert place.source.primary == place.state()["meta"]["leader"]


def test_an_election_is_waited_out_by_a_question(place: Place) -> None:
    place.lab.fault("meta_failover", cluster="source")
    assert place.source.app("temp") is not None
    wait(20, lambda: place.state()["meta"]["state"] == "active")


def test_a_lost_answer_is_ambiguous_and_was_carried_out_once(place: Place) -> None:
    place.table("lossy")
    place.lab.clear_requests()
    place.lab.fault("reply_lost", match="UPDATE_APP_ENV")
    error = refused(lambda: place.source.update_app_env("lossy", "set", ["default_ttl"], ["5"]))
    assert error.code == "pegasus.ambiguous"
    assert len(place.changes()) == 1
    app = place.source.app("lossy")
    assert app is not None
    assert app.envs == {"default_ttl": "5"}


def test_a_lost_answer_to_a_question_is_asked_for_again(place: Place) -> None:
    place.lab.fault("reply_lost", match="LIST_APPS")
    assert place.source.app("temp") is not None


def test_a_dead_server_is_unknown_and_not_empty(place: Place) -> None:
    node = place.nodes[-1]
    place.lab.call("POST", f"/nodes/source/{node}", {"alive": False})
    try:
        config = place.config()
        for answers in (
            place.replicas.replica_infos(place.nodes, config.app_id),
            place.replicas.progress(place.nodes, config.app_id),
            place.replicas.data_versions({config.app_id: place.nodes})[config.app_id],
            place.replicas.get_config(place.nodes, "max_allowed_write_size"),
        ):
            assert set(answers.failed) == {node}
            assert answers.failed[node].code in ("pegasus.unreachable", "pegasus.timeout")
            assert set(answers.good) == set(place.nodes) - {node}
        words = place.replicas.probe_writes(config, timeout=1.0)
        held = config.primaries.get(node, [])
        assert {words[index] for index in held} <= {"unreachable", "silent"}
    finally:
        place.lab.call("POST", f"/nodes/source/{node}", {"alive": True})
    wait(60, lambda: place.replicas.replica_infos(place.nodes).complete)


# Other kinds of server.


def test_a_replica_server_among_the_meta_servers_is_named(place: Place) -> None:
    with MetaClient([place.nodes[0]], SETTINGS) as client:
        error = refused(client.list_apps)
    assert error.code == "pegasus.handler_not_found"
    assert place.nodes[0] in error.message
    with MetaClient([place.nodes[0], *place.lab.describe["clusters"]["source"]["metas"]], SETTINGS) as client:
        assert client.app("temp") is not None


def test_the_labs_control_port_is_no_pegasus(place: Place) -> None:
    address = place.lab.describe["control"].split("//")[1]
    with MetaClient([address], ConnectionSettings(1.0, 2.0)) as client:
        error = refused(lambda: client.control_meta("steady"))
    assert error.code in ("pegasus.not_pegasus", "pegasus.ambiguous", "pegasus.timeout")


def test_metaproxies_tell_what_clients_are_told(labs: EmbeddedLabs) -> None:
    lab = labs.start("pegasus", "2.5", factor=FACTOR, partitions=PARTITIONS, clients=0)
    proxies = lab.describe["metaproxies"]
    with contextlib.closing(Place(lab)) as here:
        own = here.config()
        answers = ask_proxies(proxies, "temp", SETTINGS)
        assert answers.complete
        for told in answers.good.values():
            assert told is not None
            assert told.same_primaries(own)
        assert set(ask_proxies(proxies, "nothing", SETTINGS).good.values()) == {None}
        with MetaClient(proxies[:1], ConnectionSettings(1.0, 1.0)) as client:
            error = refused(client.list_apps)
        assert error.code == "pegasus.timeout"
        assert "MetaProxy" in error.message


def test_host_names_of_the_servers_need_not_resolve_here(place: Place) -> None:
    """2.6 tells a name beside every address; which of them a cluster uses for itself is its own affair."""
    place.lab.call("POST", "/config", {"cluster": "source", "host": "no-such-host.invalid"})
    try:
        assert all(("invalid" in node.host_port) is place.newest for node in place.source.list_nodes())
        config = place.config()
        assert place.replicas.replica_infos(config.members).complete
        told = place.state()["meta"]
        others = [address for address in told["addresses"] if address != told["leader"]]
        with MetaClient(others[:1], SETTINGS) as client:
            assert client.app("temp") is not None
            assert client.primary == told["leader"]
    finally:
        place.lab.call("POST", "/config", {"cluster": "source", "host": "127.0.0.1"})
