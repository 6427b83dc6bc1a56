# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of the scenarios with real servers where there is no container engine; they are not run here."""

from __future__ import annotations

import copy
import os
import pathlib
import subprocess
import typing as t

import pytest

from tooling import compose, content, paths, process, real_clusters, scenarios, stages, tree

ENGINES = real_clusters.ENGINES
of_each_engine = pytest.mark.parametrize("engine", ENGINES)


# --- the compose files


def test_there_is_one_scenario_with_real_servers_for_each_engine() -> None:
    found = sorted(path.parent.name for path in scenarios.MOLECULE.glob("*/compose.yml"))
    assert found == [real_clusters.scenario(engine) for engine in ENGINES]
    assert not set(found) & set(content.molecule_scenarios()), "they would be run without a container engine"


@of_each_engine
def test_the_compose_file_is_sound(engine: str) -> None:
    assert compose.problems(compose.load(scenarios.folder(engine) / "compose.yml"), scenarios.folder(engine)) == []


@of_each_engine
def test_docker_reads_the_compose_file(engine: str) -> None:
    version = subprocess.run(["docker", "compose", "version"], capture_output=True) if _has_docker() else None
    if version is None or version.returncode:
        pytest.skip("Docker's compose plugin is not here; the other tests judge the file.")
    command = ["docker", "compose", "--file", str(scenarios.folder(engine) / "compose.yml"), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _has_docker() -> bool:
    return any((pathlib.Path(folder) / "docker").exists() for folder in os.environ.get("PATH", "").split(os.pathsep))


def _service(**more: t.Any) -> t.Callable[[dict[str, t.Any]], None]:
    return lambda found: found["services"]["frontend"].update(more)


def _without(key: str) -> t.Callable[[dict[str, t.Any]], None]:
    return lambda found: found["services"]["frontend"].pop(key)


BREAKS: list[tuple[t.Callable[[dict[str, t.Any]], t.Any], str]] = [
    (_service(image="greptime/greptimedb"), "frontend: the tag '' of greptime/greptimedb does not pin a release"),
    (_service(image="greptime/greptimedb:latest"), "frontend: the tag 'latest' of greptime/greptimedb does not pin"),
    (
        _service(image="starrocks/fe-ubuntu:4.1-latest"),
        "the tag '4.1-latest' of starrocks/fe-ubuntu does not pin",
    ),
    (_service(image="host:5000/greptimedb"), "frontend: the tag '' of host:5000/greptimedb does not pin a release"),
    (_service(image="${GREPTIMEDB_IMAGE:-greptimedb:1}"), "frontend: the tag '1' of greptimedb does not pin a release"),
    (_without("healthcheck"), "$.services.frontend: 'healthcheck' is a required property"),
    (_without("deploy"), "$.services.frontend: 'deploy' is a required property"),
    (_service(deploy={"resources": {"limits": {"cpus": "1.0"}}}), "'memory' is a required property"),
    (_service(privileged=True), "$.services.frontend: Additional properties are not allowed ('privileged' was"),
    (_service(network_mode="host"), "$.services.frontend: Additional properties are not allowed ('network_mode' was"),
    (_service(ports=["4000:4000"]), "$.services.frontend.ports[0]: '4000:4000' is not of type 'object'"),
    (
        _service(ports=[{"host_ip": "0.0.0.0", "published": "14000", "target": 4000}]),
        "$.services.frontend.ports[0].host_ip: '127.0.0.1' was expected",
    ),
    (_service(ports=[{"published": "14000", "target": 4000}]), "'host_ip' is a required property"),
    (
        _service(ports=[{"host_ip": "127.0.0.1", "published": "13000", "target": 4000}]),
        "port 13000 is published twice",
    ),
    (_service(volumes=["/etc/passwd:/etc/passwd:ro"]), "frontend: /etc/passwd is outside of the scenario"),
    (_service(volumes=["./../shared:/shared:ro"]), "frontend: ./../shared is outside of the scenario"),
    (_service(volumes=["./nothing.toml:/etc/x.toml:ro"]), "frontend: ./nothing.toml is not a file of the scenario"),
    (_service(volumes=["./metasrv.toml:/etc/x.toml"]), "frontend: ./metasrv.toml could be written by the container"),
    (_service(volumes=["elsewhere:/data"]), "frontend: the volume elsewhere is not there"),
    (_service(networks=["other"]), "frontend: it is in the network other, which is not there"),
    (
        _service(networks={"cluster": {"ipv4_address": "10.0.0.1"}}),
        "frontend: 10.0.0.1 is in no subnet of cluster",
    ),
    (
        _service(depends_on={"nobody": {"condition": "service_healthy"}}),
        "frontend: it depends on nobody, which is not there",
    ),
    (_service(depends_on={"metasrv": {"condition": "service_started"}}), "'service_healthy' was expected"),
]


@pytest.mark.parametrize(("do_harm", "said"), BREAKS, ids=[said[:60] for _harm, said in BREAKS])
def test_what_is_wrong_with_a_compose_file_is_found(do_harm: t.Callable[[dict[str, t.Any]], t.Any], said: str) -> None:
    broken = copy.deepcopy(dict(compose.load(scenarios.folder("greptimedb") / "compose.yml")))
    do_harm(broken)
    assert [one for one in compose.problems(broken, scenarios.folder("greptimedb")) if said in one]


# --- the playbooks


@of_each_engine
def test_lab_and_real_servers_have_the_same_tasks(engine: str) -> None:
    real, lab = scenarios.molecule(real_clusters.scenario(engine)), scenarios.molecule(f"{engine}_lab")
    for action in scenarios.SHARED:
        path = real["provisioner"]["playbooks"][action]
        assert path == lab["provisioner"]["playbooks"][action] == f"../shared/{engine}/{action}.yml"
        assert (scenarios.folder(engine) / path).is_file()
    assert real["scenario"] == lab["scenario"]
    assert {"prepare", "converge", "idempotence", "verify"} <= set(real["scenario"]["test_sequence"])
    for folder in (scenarios.folder(engine), scenarios.MOLECULE / f"{engine}_lab"):
        own = {path.name for path in folder.rglob("*.yml")}
        assert own <= {"molecule.yml", "compose.yml", "connection.yml"}, "tasks of its own"


@of_each_engine
def test_the_playbooks_are_valid(engine: str, tmp_path: pathlib.Path) -> None:
    given = scenarios.molecule(real_clusters.scenario(engine))["provisioner"]["playbooks"]
    assert sorted(given) == sorted(["create", *scenarios.SHARED, "destroy"])
    playbooks = [str(scenarios.folder(engine) / path) for path in given.values()]
    scenarios.playbook(engine, tmp_path, "--syntax-check", *playbooks)


# --- the command


def _program(folder: pathlib.Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def _refusal(engine: str, folder: pathlib.Path, **env: str) -> str:
    with pytest.raises(real_clusters.Missing) as caught:
        real_clusters.require(engine, {"PATH": str(folder), **env})
    said = str(caught.value)
    assert "\n" not in said
    return said


@of_each_engine
def test_the_command_says_what_is_missing_before_anything_is_started(engine: str, tmp_path: pathlib.Path) -> None:
    name = real_clusters.scenario(engine)
    assert _refusal(engine, tmp_path).startswith(f"There is no docker command on PATH, so {name} cannot run.")
    _program(tmp_path, "docker", "echo Cannot connect to the Docker daemon. >&2; exit 1")
    assert _refusal(engine, tmp_path) == (
        f"The docker daemon cannot be reached, so {name} cannot run (Cannot connect to the Docker daemon)."
    )
    _program(tmp_path, "docker", '[ "$1" != compose ] || { echo unknown command; exit 1; }')
    assert _refusal(engine, tmp_path).startswith(f"Docker has no compose plugin, so {name} cannot run (unknown")


def test_the_command_asks_for_an_image_of_pegasus(tmp_path: pathlib.Path) -> None:
    _program(tmp_path, "docker", '[ "$1" != image ] || [ "$5" = mine:2.5.0 ]')
    assert _refusal("pegasus", tmp_path).startswith(
        "There is no image pegasus:2.5.0, and Apache Pegasus publishes none"
    )
    real_clusters.require("pegasus", {"PATH": str(tmp_path), "PEGASUS_IMAGE": "mine:2.5.0"})
    assert compose.image(scenarios.services("pegasus")["source-meta-1"]) == ("pegasus", "2.5.0")


def test_the_command_asks_for_the_archive_of_the_sync_tool(tmp_path: pathlib.Path) -> None:
    _program(tmp_path, "docker", "exit 0")
    archive = tmp_path / "starrocks-cluster-sync.tar.gz"
    given = {"STARROCKS_SYNC_ARCHIVE": str(archive)}
    assert _refusal("starrocks", tmp_path).startswith("Set STARROCKS_SYNC_ARCHIVE to the vendor's")
    assert _refusal("starrocks", tmp_path, **given).startswith("Set STARROCKS_SYNC_ARCHIVE to the vendor's")
    archive.write_bytes(b"")
    assert _refusal("starrocks", tmp_path, **given).startswith("Set STARROCKS_SYNC_SHA256")
    given["STARROCKS_SYNC_SHA256"] = "0" * 64
    assert _refusal("starrocks", tmp_path, **given).startswith("There is no java on PATH")
    _program(tmp_path, "java", "exit 0")
    real_clusters.require("starrocks", {"PATH": str(tmp_path), **given})


def test_what_was_started_is_removed_without_asking_for_anything_but_docker(tmp_path: pathlib.Path) -> None:
    _program(tmp_path, "docker", '[ "$1" != image ]')
    for engine in ENGINES:
        real_clusters.require(engine, {"PATH": str(tmp_path)}, "destroy")


@pytest.mark.parametrize("arguments", [[], ["mysql"], ["pegasus", "tets"], ["pegasus", "test", "destroy"]])
def test_the_command_knows_its_engines_and_steps(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert real_clusters.main(arguments) == 2
    said = capsys.readouterr().err
    assert "greptimedb|pegasus|starrocks" in said
    assert "|".join(scenarios.molecule("pegasus_docker")["scenario"]["test_sequence"][2:]) in said


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> _Stage:
    """Everything is there that a scenario needs, and nothing is run."""
    for name in ("docker", "java"):
        _program(tmp_path, name, "exit 0")
    (tmp_path / "sync.tar.gz").write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(real_clusters.ARCHIVE, "sync.tar.gz")
    monkeypatch.setenv(real_clusters.CHECKSUM, "0" * 64)
    found = _Stage(tmp_path)
    monkeypatch.setattr(stages, "prepare", lambda _name: found)
    return found


def test_the_command_gives_molecule_the_step_and_the_archive(
    stage: _Stage, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert real_clusters.main(["starrocks", "converge"]) == 3
    assert stage.told == [("molecule", "converge", "--scenario-name", "starrocks_docker")]
    assert stage.extra[real_clusters.ARCHIVE] == str(tmp_path / "sync.tar.gz")
    assert "this went wrong" in capsys.readouterr().out


def test_what_is_not_done_in_time_is_removed(stage: _Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.fails = process.ToolFailed("did not end within 7200 s")
    assert real_clusters.main(["greptimedb"]) == 1
    assert [argv[1] for argv in stage.told] == ["test", "destroy"]
    assert "did not end within 7200 s" in capsys.readouterr().err


def test_what_the_user_interrupts_is_removed_unless_it_is_a_single_step(stage: _Stage) -> None:
    for step, told in (("test", ["test", "destroy"]), ("converge", ["converge"])):
        stage.told.clear()
        stage.fails = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            real_clusters.main(["greptimedb", step])
        assert [argv[1] for argv in stage.told] == told


class _Stage:
    """Takes what is to be run, and fails in that way the first time."""

    name = "molecule-starrocks_docker"

    def __init__(self, folder: pathlib.Path) -> None:
        self.tree = tree.Tree(folder, folder)
        self.told: list[tuple[str, ...]] = []
        self.extra: dict[str, str] = {}
        self.fails: BaseException | None = None

    def run(self, *argv: str, extra: dict[str, str], **_more: t.Any) -> process.Done:
        """Note it."""
        self.told.append(argv)
        self.extra = extra
        failure, self.fails = self.fails, None
        if failure:
            raise failure
        return process.Done(3, "this went wrong\n", 0.0, self.tree.path / "log")


@of_each_engine
def test_make_runs_the_command_with_what_it_is_given(engine: str, tmp_path: pathlib.Path) -> None:
    """As the guide has it; what molecule would do is not begun, because this docker has no daemon."""
    _program(tmp_path, "docker", "echo $PEGASUS_IMAGE is told that no daemon runs here; exit 1")
    command = ["make", "-o", "venv", f"molecule-docker-{engine}", "ARGS=verify", "PEGASUS_IMAGE=mine:2.5.0"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    env["PATH"] = f"{tmp_path}{os.pathsep}{env['PATH']}"
    done = subprocess.run(command, cwd=paths.ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stdout
    assert (
        f"so {real_clusters.scenario(engine)} cannot run (mine:2.5.0 is told that no daemon runs here)." in done.stderr
    )


@of_each_engine
def test_the_guide_tells_the_command_and_what_it_takes(engine: str) -> None:
    guide = (paths.ROOT / "docs/docsite/rst/guide_real_clusters.rst").read_text(encoding="utf-8")
    assert f"make molecule-docker-{engine}" in guide
    needed = -(-compose.memory(compose.load(scenarios.folder(engine) / "compose.yml")) // 1024)
    assert f"{needed} GiB" in guide, "the guide tells another amount of memory than the limits add up to"
    for repository, tag in map(compose.image, scenarios.services(engine).values()):
        assert f"``{repository}:{tag}``" in guide
