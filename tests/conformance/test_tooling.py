# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that judge everything else are judged here: interpreters, cores, pip settings, copies of the tree."""

from __future__ import annotations

import pathlib
import stat
import subprocess
import sys

import pytest

from tooling import cores, packages, paths, pip_settings, process, pythons, tree


def _machine(monkeypatch: pytest.MonkeyPatch, *versions: pythons.Version) -> dict[str, str | None]:
    monkeypatch.setattr(pythons, "found", lambda: {version: pathlib.Path("/nowhere") for version in versions})
    return {core.name: cores.missing(core) for core in cores.ALL}


@pytest.mark.parametrize(
    ("versions", "tested"),
    [
        ([(3, 11)], ["2.19"]),
        ([(3, 12)], ["2.21"]),
        ([(3, 14)], ["2.21"]),
        ([(3, 8), (3, 10), (3, 13)], ["2.21"]),
        ([(3, 11), (3, 13)], ["2.17", "2.18", "2.19", "2.20", "2.21"]),
        ([(3, 12), (3, 13)], ["2.17", "2.18", "2.19", "2.20", "2.21"]),
        ([(3, 13), (3, 14)], ["2.18", "2.19", "2.20", "2.21"]),
    ],
)
def test_which_cores_a_machine_tests(
    monkeypatch: pytest.MonkeyPatch, versions: list[pythons.Version], tested: list[str]
) -> None:
    said = _machine(monkeypatch, *versions)
    assert [name for name, reason in said.items() if reason is None] == tested
    assert set(tested) & set(cores.EVERY_TIME), "make test would test no core at all"


def test_a_core_that_is_left_out_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    said = _machine(monkeypatch, (3, 11))
    assert said["2.21"] == "ansible-core 2.21 is left out: it needs Python 3.12 to 3.14, and this machine has 3.11."
    assert said["2.17"] == "ansible-core 2.17 is left out: with Python 3.11 alone only core 2.19 is tested."


def test_the_running_python_is_found_and_no_shim_is() -> None:
    assert sys.version_info[:2] in pythons.found()
    assert not [entry for entry in pythons.bins().split(":") if entry.endswith("/shims")]


def test_pip_settings_reach_a_home_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    config = tmp_path / "user.conf"
    config.write_text("[global]\nindex-url = https://user:secret@index.example/simple\ntimeout = 5\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_TIMEOUT", "7")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    pip_settings.write(tmp_path)
    written = tmp_path / ".config" / "pip" / "pip.conf"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    lines = written.read_text().splitlines()
    assert "index-url = https://user:secret@index.example/simple" in lines
    assert "timeout = 7" in lines
    assert not [line for line in lines if line.startswith("target")]


def test_uv_is_told_what_pip_knows() -> None:
    listed = """:env:.cert='/etc/ca.crt'
:env:.find-links='/wheels /more-wheels'
global.cert='/etc/other.crt'
global.disable-pip-version-check='1'
global.extra-index-url='file:///one/simple https://two.example/simple'
global.timeout='180'
install.index-url='https://user:secret@index.example/simple'
"""
    told = packages.uv_settings(listed)
    assert told["SSL_CERT_FILE"] == "/etc/ca.crt"
    assert told["UV_FIND_LINKS"] == "/wheels,/more-wheels"
    assert told["UV_INDEX"] == "file:///one/simple https://two.example/simple"
    assert told["UV_DEFAULT_INDEX"] == "https://user:secret@index.example/simple"
    assert told["UV_HTTP_TIMEOUT"] == "180"


def test_pip_takes_over_where_uv_does_not_get_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (tmp_path / "none.txt").write_text("# nothing is wanted\n")
    python = tmp_path / "venv" / "bin" / "python"
    env = process.environment("tooling-test")
    assert packages.install(python, tmp_path / "none.txt", env) == "uv"
    monkeypatch.setattr(packages, "uv_path", lambda: pathlib.Path("/bin/false"))
    assert packages.install(python, tmp_path / "none.txt", env) == "pip"
    assert "uv does not get along here" in capfd.readouterr().out


def test_tests_of_one_file_stay_on_one_worker(tmp_path: pathlib.Path) -> None:
    """They share a lab, and pytest-xdist has stopped to group without a word before."""
    source = "import os, pathlib, pytest\n@pytest.mark.xdist_group('g')\n@pytest.mark.parametrize('n', range(6))\n"
    source += "def test_it(n):\n    pathlib.Path(os.environ['PYTEST_XDIST_WORKER']).touch()\n"
    (tmp_path / "test_it.py").write_text(source)
    argv = [sys.executable, "-m", "pytest", "-n2", "--dist=loadgroup", "-pno:cacheprovider", "--rootdir", str(tmp_path)]
    subprocess.run([*argv, "test_it.py"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert len(list(tmp_path.glob("gw*"))) == 1


def test_tools_get_nothing_from_the_callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_ROLES_PATH", "/elsewhere")
    monkeypatch.setenv("GREPTIMEDB_PASSWORD", "secret")
    env = process.environment("tooling-test")
    assert "ANSIBLE_ROLES_PATH" not in env
    assert "GREPTIMEDB_PASSWORD" not in env
    assert env["HOME"].startswith(str(paths.BUILD))


def test_a_failing_tool_shows_its_output_and_a_hanging_one_is_killed(tmp_path: pathlib.Path) -> None:
    env = process.environment("tooling-test")
    with pytest.raises(process.ToolFailed, match=r"(?s)ended with code 3.*said this"):
        process.run(["bash", "-c", "echo said this; exit 3"], log="tooling-fails", cwd=tmp_path, env=env, timeout=20)
    with pytest.raises(process.ToolFailed, match="did not end within"):
        process.run(["bash", "-c", "sleep 60 & wait"], log="tooling-hangs", cwd=tmp_path, env=env, timeout=0.3)


def test_a_copy_holds_what_git_would_take_and_nothing_else() -> None:
    laid = tree.lay("tooling-test")
    copied = {str(path.relative_to(laid.path)) for path in laid.path.rglob("*") if path.is_file()}
    copied = {name for name in copied if not name.startswith(".git/")}
    assert "galaxy.yml" in copied
    assert not [name for name in copied if name.startswith(("build/", ".venv/"))]
