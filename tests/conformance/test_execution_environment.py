# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image for AWX, as far as it can be built without a container engine: its context, and what that installs."""

from __future__ import annotations

import importlib.metadata
import pathlib
import re
import typing as t

import pytest
import yaml

from tooling import content, cores, paths, stages, tarball

# What plugins import, and the package that it comes from.
PACKAGES = {"boto3": "boto3", "botocore": "boto3", "kazoo": "kazoo", "pymysql": "PyMySQL"}
# PyMySQL imports it for TLS and for the sha2 methods of authentication.
INDIRECT = {"cryptography"}
# What the image gets besides what its collections ask for, where there is any.
OWN = {"--user-bindep": "bindep.txt", "--user-pip": "requirements.txt"}


@pytest.fixture(name="stage", scope="module")
def _stage() -> stages.Stage:
    return stages.prepare("ee")


@pytest.fixture(name="context", scope="module")
def _context(stage: stages.Stage) -> pathlib.Path:
    """What ansible-builder makes of the shipped definition and the tarball that `make build` makes."""
    tarball.build(stage, stage.tree.path / "build" / "dist")
    folder = stage.tree.root / "context"
    stage.run("ansible-builder", "create", "--context", str(folder), "--output-filename", "Containerfile")
    return folder


def test_the_definition_names_the_tarball_of_this_version() -> None:
    definition = content.load_yaml("execution-environment.yml")
    name = f"{paths.NAMESPACE}-{paths.NAME}-{content.load_yaml('galaxy.yml')['version']}.tar.gz"
    assert definition["version"] == 3
    assert definition["additional_build_files"] == [{"src": f"build/dist/{name}", "dest": "collections"}]
    assert definition["dependencies"]["galaxy"]["collections"] == [{"name": f"collections/{name}", "type": "file"}]
    # The floor of the collection itself, and the newest release that it is tested with.
    floor = content.load_yaml("meta/runtime.yml")["requires_ansible"].removesuffix(".0")
    major, minor = cores.ALL[-1].name.split(".")
    bounds = f"{floor},<{major}.{int(minor) + 1}"
    assert definition["dependencies"]["ansible_core"]["package_pip"] == f"ansible-core{bounds}"


def test_the_least_boto3_is_the_same_everywhere() -> None:
    """The first one with conditional writes, without which two runs could overwrite each other's journal."""

    def text(path: str) -> str:
        return " ".join((paths.ROOT / path).read_text(encoding="utf-8").split())

    found = re.search(r'LEAST_BOTO3 = "([\d.]+)"', text("plugins/module_utils/_core/journal_s3.py"))
    assert found is not None
    least = found.group(1)
    assert f"boto3>={least} " in text("meta/ee-requirements.txt")
    assert f"boto3 {least} or newer" in text("README.md")
    assert f"C(boto3), {least} or newer" in text("plugins/doc_fragments/_journal.py")
    assert f"boto3 {least} or newer" in text("docs/docsite/rst/guide_errors.rst")


@pytest.mark.cost(15)
def test_the_context_installs_the_tarball(stage: stages.Stage, context: pathlib.Path) -> None:
    containerfile = (context / "Containerfile").read_text(encoding="utf-8")
    assert "ansible-galaxy collection install" in containerfile
    assert '"ansible-core>=2.17,<2.22 ansible-runner>=2.4"' in containerfile
    # The galaxy stage of the Containerfile, with another folder in the place of the image's.
    target = stage.tree.root / "image"
    stage.run(
        *["ansible-galaxy", "collection", "install", "--offline", "-r", "requirements.yml"],
        *["--collections-path", str(target)],
        cwd=context / "_build",
        extra={"ANSIBLE_COLLECTIONS_PATH": str(target)},
        log="ee-install",
    )
    assert (target / "ansible_collections/dbops/migration/MANIFEST.json").is_file()
    # And its builder stage, which tells what is installed beside it: the collection's own and the definition's.
    own = {option: context / "_build" / name for option, name in OWN.items()}
    assert all(f"{option}={name}" in containerfile for option, name in OWN.items() if own[option].is_file())
    done = stage.run(
        *["ansible-builder", "introspect", "--sanitize", "--write-pip", str(target / "pip.txt")],
        *(f"{option}={path}" for option, path in own.items() if path.is_file()),
        *["--write-bindep", str(target / "bindep.txt"), str(target)],
        log="ee-introspect",
    )
    python = (target / "pip.txt").read_text(encoding="utf-8")
    for requirement in sorted({*PACKAGES.values(), *INDIRECT}):
        assert re.search(rf"^{requirement}>=\d", python, re.M), done.output
    assert "ansible-core" not in python
    assert "==" not in python
    # Nothing of the collection's own: all Python packages are wheels.
    wanted = [
        line.partition("#")[0].split() for line in (target / "bindep.txt").read_text(encoding="utf-8").splitlines()
    ]
    assert [words for words in wanted if words] == [["openssh-clients", "[platform:rpm]"]]


def test_every_library_that_plugins_import_is_required_with_a_lower_bound_and_no_other() -> None:
    standard = re.compile(r"^\s*(?:import|from) ([a-z0-9_]+)", re.M)
    used: set[str] = set()
    for path in (paths.ROOT / "plugins").rglob("*.py"):
        used.update(PACKAGES.get(name, "") for name in standard.findall(path.read_text(encoding="utf-8")))
    lines = (paths.ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    required = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9]+>=[0-9.]+", line) for line in required)
    assert {line.partition(">=")[0] for line in required} == (used - {""}) | INDIRECT
    # What the tests run with satisfies the bounds.
    for line in required:
        name, _sign, bound = line.partition(">=")
        assert _version(importlib.metadata.version(name)) >= _version(bound)


def _version(text: str) -> t.Tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def test_metadata_that_builders_read_is_there() -> None:
    said = content.load_yaml("meta/execution-environment.yml")
    for path in said["dependencies"].values():
        assert (paths.ROOT / path).is_file()
    assert yaml.safe_load((paths.ROOT / "execution-environment.yml").read_text(encoding="utf-8"))
