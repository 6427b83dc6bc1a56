# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images, ports and addresses of the scenarios with real servers, against what the collection knows of the engines."""

from __future__ import annotations

import ipaddress
import pathlib
import re
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import options as greptimedb_options
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import options as pegasus_options
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile as PegasusProfile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import known_bugs as starrocks_bugs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import options as starrocks_options
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile as StarRocksProfile
from lab.greptimedb import profiles as greptimedb_profiles
from lab.pegasus import profiles as pegasus_profiles
from lab.starrocks import profiles as starrocks_profiles
from tooling import commands, compose, content, real_clusters, scenarios
from tooling.documents import SHELL, blocks

Variables = t.Callable[[str], t.Dict[str, t.Any]]
IMAGES = {
    "greptimedb": {"greptime/greptimedb"},
    "pegasus": {"pegasus"},
    "starrocks": {"starrocks/fe-ubuntu", "starrocks/cn-ubuntu"},
}
"""The images of the engine itself; all others serve it."""
of_each_engine = pytest.mark.parametrize("engine", real_clusters.ENGINES)


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Variables:
    """What Ansible makes of a scenario's connection file."""
    known: dict[str, dict[str, t.Any]] = {}

    def of(engine: str) -> dict[str, t.Any]:
        if engine not in known:
            known[engine] = scenarios.variables(engine, tmp_path_factory.mktemp(engine))
        return known[engine]

    return of


def _targets(service: compose.Compose) -> set[int]:
    return {one["target"] for one in service.get("ports", ())}


@of_each_engine
def test_the_images_are_of_versions_that_the_profiles_know(engine: str) -> None:
    services = scenarios.services(engine).values()
    tags = {tag for repository, tag in map(compose.image, services) if repository in IMAGES[engine]}
    assert {repository for repository, _tag in map(compose.image, services)} >= IMAGES[engine]
    (tag,) = tags
    version = Version.parse(tag.removeprefix("v"))
    if engine == "greptimedb":
        assert Dialect.choose(version, version).followers_listed
        assert str(version) == greptimedb_profiles.PROFILES["1.1"]
    elif engine == "pegasus":
        assert str(version) == pegasus_profiles.PROFILES["2.5"]
        PegasusProfile.choose(version)
    else:
        # Between clusters with shared data the sync tool migrates from 4.1 on.
        assert Version.parse("4.1.0") <= version
        StarRocksProfile.choose(version, "shared_data")
        starrocks_profiles.Profile.choose(str(version), "shared_data")


# Bugs of the pinned StarRocks on the way that the scenario goes, and the line of it that keeps each from biting.
KEPT_AWAY = {
    "starrocks.bug.bundled_metadata": ("starrocks_docker/fe.conf", "enable_file_bundling = false"),
    # Vacuum keeps files for 30 minutes unless somebody says otherwise, and the copy may take no longer than this.
    "starrocks.bug.reused_files": ("shared/starrocks/converge.yml", "starrocks_timeout: 20m"),
}


def test_a_known_bug_of_the_pinned_starrocks_is_kept_away() -> None:
    """When it fails: pin a release without the bug, or do something about it and name that in KEPT_AWAY."""
    _repository, tag = compose.image(scenarios.services("starrocks")["source-fe"])
    biting = {
        bug.id
        for bug in starrocks_bugs.BUGS
        if bug.feature in ("", starrocks_bugs.DATA_TO_DATA)
        and bug.severity != "info"
        and Version.parse(tag) in bug.versions
    }
    assert biting == set(KEPT_AWAY)
    for name, line in KEPT_AWAY.values():
        assert line in [one.strip() for one in (scenarios.MOLECULE / name).read_text().splitlines()]
    assert "lake_autovacuum_grace_period_minutes" not in (scenarios.folder("starrocks") / "fe.conf").read_text()


@pytest.mark.parametrize("engine", ["pegasus", "starrocks"])
def test_other_addresses_are_taken_as_the_guide_says(engine: str, tmp_path: pathlib.Path) -> None:
    copied = tmp_path / "extensions" / "molecule" / real_clusters.scenario(engine)
    shutil.copytree(scenarios.folder(engine), copied)
    guide = blocks("docs/docsite/rst/guide_real_clusters.rst")
    told = [one for block in guide if block.language in SHELL for one in commands.split(block.text)]
    (given,) = [one for one in told if one.startswith("sed ") and copied.name in one]
    subprocess.run(["bash", "-c", given], cwd=tmp_path, check=True)
    assert [path for path in copied.rglob("*") if path.is_file() and "172.30." in path.read_text()] == []
    moved = compose.load(copied / "compose.yml")
    assert compose.problems(moved, copied) == []
    (ours,) = moved["networks"]["cluster"]["ipam"]["config"]
    assert ipaddress.ip_network(ours["subnet"]).is_private


def test_the_ports_of_greptimedb_are_the_defaults(variables: Variables) -> None:
    services = scenarios.services("greptimedb")
    http = greptimedb_options.DEFAULT_PORTS["http"]
    assert _targets(services["frontend"]) == set(greptimedb_options.DEFAULT_PORTS.values())
    assert _targets(services["metasrv"]) == {greptimedb_options.METASRV_PORT, http}
    assert all(_targets(services[f"datanode-{number}"]) == {http} for number in range(3))
    found = variables("greptimedb")
    given = {name.removeprefix("greptimedb_"): value for name, value in found.items()}
    spec = greptimedb_options.connection_argument_spec().argument_spec
    given["frontend_port"] = int(given["frontend_port"])
    connection = greptimedb_options.Connection.from_params({**_defaults(spec), **given})
    assert connection.frontend is not None
    published = {one["published"] for service in services.values() for one in service.get("ports", ())}
    addresses = [connection.frontend, *connection.metasrv, *connection.metasrv_http, *connection.datanode_http.values()]
    reached = [address.port for address in addresses]
    reached.append(int(found["place"]["url"].rpartition(":")[2]))
    assert sorted(map(str, reached)) == sorted(published)
    assert sorted(connection.datanode_http) == [0, 1, 2]


def test_the_ports_of_starrocks_are_the_defaults_and_mapped(variables: Variables) -> None:
    services = scenarios.services("starrocks")
    found = variables("starrocks")
    given = {name.removeprefix("starrocks_"): value for name, value in found.items()}
    spec = starrocks_options.connection_argument_spec().argument_spec
    spec = {**spec, **starrocks_options.connection_argument_spec("target_").argument_spec}
    source, target = starrocks_options.source_and_target({**_defaults(spec), **given})
    for side, connection, place in (("source", source, "place"), ("target", target, "target_place")):
        assert _targets(services[f"{side}-fe"]) == {8030, 9020, starrocks_options.QUERY_PORT}
        assert connection.frontends == (connection.reach(f"{side}-fe", starrocks_options.QUERY_PORT),)
        assert found[place]["port"] == str(connection.frontends[0].port)
        for node in ("fe", "cn"):
            service = services[f"{side}-{node}"]
            assert service["hostname"] == f"{side}-{node}", "the cluster knows the node by another name"
            for port in service["ports"]:
                assert str(connection.reach(service["hostname"], port["target"])) == f"127.0.0.1:{port['published']}"
    assert "run_mode = shared_data" in (scenarios.folder("starrocks") / "fe.conf").read_text()
    assert [one[0] for one in found["docker_setup"]] == ["source-fe", "target-fe"]
    s3 = services["minio"]["networks"]["cluster"]["ipv4_address"]
    for side in ("source", "target"):
        text = (scenarios.folder("starrocks") / f"{side}.sql").read_text()
        assert f"LOCATIONS = ('s3://{side}/')" in text
        assert f"'aws.s3.endpoint' = 'http://{s3}:9000'" in text
        for key, name in (("access_key", "MINIO_ROOT_USER"), ("secret_key", "MINIO_ROOT_PASSWORD")):
            value = services["minio"]["environment"][name]
            assert f"'aws.s3.{key}' = '{value}'" in text
            assert found["starrocks_volume_credentials"]["*"][f"aws.s3.{key}"] == value


@pytest.mark.parametrize("side", ["source", "target"])
def test_the_addresses_of_pegasus_are_those_of_its_configuration(side: str, variables: Variables) -> None:
    services = scenarios.services("pegasus")
    found = variables("pegasus")
    text = (scenarios.folder("pegasus") / f"{side}.ini").read_text()
    both = pegasus_options.Connection.from_params(
        {**{n.removeprefix("pegasus_"): v for n, v in found.items()}, "connect_timeout": "3s", "rpc_timeout": "10s"}
    )
    metas = {"source": both.meta_servers, "target": both.target_meta_servers}
    names = [name for name in services if name.startswith(f"{side}-meta-")]
    assert [f"{services[name]['networks']['cluster']['ipv4_address']}:34601" for name in names] == list(metas[side])
    assert len([name for name in services if name.startswith(f"{side}-replica-")]) == 3
    assert _setting(text, "meta_server", "server_list") == ",".join(metas[side])
    assert {name: _setting(text, "pegasus.clusters", name) for name in metas} == {
        name: ",".join(addresses) for name, addresses in metas.items()
    }
    assert _setting(text, "replication", "cluster_name") == side
    assert {_setting(text, "duplication-group", name) for name in metas} == {"1", "2"}
    assert (_setting(text, "apps.meta", "ports"), _setting(text, "apps.replica", "ports")) == ("34601", "34801")
    zookeeper = services["zookeeper"]["networks"]["cluster"]["ipv4_address"]
    assert _setting(text, "zookeeper", "hosts_list") == f"{zookeeper}:2181"
    for name, service in services.items():
        if name.startswith(side):
            assert f"./{side}.ini:/pegasus/bin/config.ini:ro" in service["volumes"]
            assert service["command"] == [name.split("-")[1]]
    assert found["pegasus_switch"] == "hand_over"


def _setting(text: str, section: str, key: str) -> str:
    """One value of a Pegasus configuration; AssertionError unless it is there once."""
    (body,) = re.findall(rf"^\[{re.escape(section)}\]\n((?:(?!\[).*\n)*)", text, re.MULTILINE)
    (value,) = re.findall(rf"^ +{re.escape(key)} = (.*)$", body, re.MULTILINE)
    return str(value)


def _defaults(spec: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    return {name: option.get("default") for name, option in spec.items()}


@of_each_engine
def test_a_connection_file_connects_and_does_not_decide(engine: str, variables: Variables) -> None:
    (play,) = content.load_yaml("extensions", "molecule", "shared", engine, "converge.yml")
    assert not set(play["vars"]) & set(variables(engine)), "what the lab's run is given would be overridden"
