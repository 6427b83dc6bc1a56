# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import stat
import sys
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_options import extra_secrets
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_systemd import (
    Systemd,
    read_unit_name,
    unit_text,
)
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.tool_lot import (
    NO_INTERPRETER,
    Lot,
    is_alive,
    make_lot,
)

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")

# Does what the unit says, as far as the module can tell.
MANAGER = """#!/bin/sh
root={root}
echo "$@" >> $root/calls
unit=$root/etc/systemd/system/$2.service
case "$1" in
restart)
  set -a
  . $(sed -n 's/^EnvironmentFile=//p' $unit)
  cd $(sed -n 's/^WorkingDirectory=//p' $unit)
  # A literal dollar is doubled there. It takes nothing for a shell script that does not say so, other than sh and env.
  begin="{python} -c 'import os, sys; os.execv(sys.argv[1], sys.argv[1:])'"
  eval "exec setsid $begin $(sed -n 's/^ExecStart=//p' $unit | sed 's/[$][$]/$/g')" > /dev/null 2>&1 < /dev/null &
  sleep 0.2 ;;
fail) echo broken >&2; exit 3 ;;
esac
"""


@pytest.fixture(name="root")
def fixture_root(tmp_path: pathlib.Path) -> pathlib.Path:
    root = tmp_path / "root"
    (root / "run/systemd/system").mkdir(parents=True)
    (root / "etc/systemd/system").mkdir(parents=True)
    manager = root / "systemctl"
    manager.write_text(MANAGER.format(root=root, python=sys.executable))
    manager.chmod(manager.stat().st_mode | stat.S_IXUSR)
    return root


@pytest.fixture(name="lot")
def fixture_lot(tmp_path: pathlib.Path) -> t.Iterator[Lot]:
    yield from make_lot(tmp_path)


def test_a_life_as_a_unit(lot: Lot, root: pathlib.Path) -> None:
    systemd = Systemd(str(root), [str(root / "systemctl")])

    def call(state: str, **more: t.Any) -> dict[str, t.Any]:
        return lot.call(state, supervisor="auto", systemd=systemd, **more)

    first = call("started")
    assert lot.actions(first) == ["install", "configure", "unit", "start"]
    assert first["supervisor"] == "systemd"
    assert first["pids"]
    assert (root / "calls").read_text() == "daemon-reload\nrestart starrocks-cluster-sync\n"
    assert (lot.home / ".dbops-migration/start.env").stat().st_mode & 0o777 == 0o600
    assert not call("started")["changed"]
    second = call("started", environment={"JAVA_HOME": "/opt/java"})
    assert lot.actions(second) == ["stop", "start"]
    assert lot.actions(call("stopped")) == ["stop"]
    assert "stop starrocks-cluster-sync" in (root / "calls").read_text()
    assert not any(is_alive(pid) for pid in (*first["pids"], *second["pids"]))
    assert lot.actions(call("absent")) == ["remove_unit", "remove"]
    assert not list((root / "etc/systemd/system").iterdir())


def test_a_script_without_an_interpreter_runs_as_a_unit_too(lot: Lot, root: pathlib.Path) -> None:
    """./bin/start.sh works in a shell, which takes it for a script of its own."""
    lot.archive(NO_INTERPRETER)
    systemd = Systemd(str(root), [str(root / "systemctl")])
    assert lot.call("started", supervisor="auto", systemd=systemd)["pids"]
    assert not lot.call("stopped", supervisor="auto", systemd=systemd)["running"]


def test_values_of_variables_are_for_the_tool_alone(lot: Lot, root: pathlib.Path) -> None:
    systemd = Systemd(str(root), [str(root / "systemctl")])
    lot.archive(start='#!/bin/sh\nprintf "%s" "$JAVA_TOOL_OPTIONS" > told\nsleep 600 &\nwait\n')
    value = 'T0ps3cret "x" \\ $HOME `date` %h \u00e9'
    unit = root / "etc/systemd/system/starrocks-cluster-sync.service"
    unit.write_text(f'# Made by dbops.migration for {lot.home}\n[Service]\nEnvironment="A=T0ps3cret"\n')
    result = lot.call("started", supervisor="auto", systemd=systemd, environment={"JAVA_TOOL_OPTIONS": value})
    assert (lot.home / "told").read_text() == value
    assert result["changes"][-1]["request"]["environment"] == ["JAVA_TOOL_OPTIONS"]
    lot.call("absent", supervisor="auto", systemd=systemd)
    for told in (str(result), lot.journal.read_text()):
        assert "T0ps3cret" not in told
    lot.archive(start='#!/bin/sh\necho "Picked up JAVA_TOOL_OPTIONS: $JAVA_TOOL_OPTIONS" >&2\nexit 1\n')
    with pytest.raises(MigrationError, match=r"Picked up JAVA_TOOL_OPTIONS: \*{8}$|\*{8}. Its log") as caught:
        lot.call("started", environment={"JAVA_TOOL_OPTIONS": value})
    assert "T0ps3cret" not in str(caught.value.details) + lot.journal.read_text()


def test_long_values_are_hidden_in_the_options_that_ansible_shows() -> None:
    given = {"JAVA_TOOL_OPTIONS": "-DtrustStorePassword=x", "LEVEL": "1", "STORE_PASSWORD": "abc", "NONE": None}
    params = {"environment": given, "extra_properties": {"a_password": "p", "other": "long enough"}}
    assert extra_secrets(params) == ["p", "-DtrustStorePassword=x", "abc"]
    assert extra_secrets({"environment": "no mapping"}) == []


def test_a_unit_of_somebody_else(lot: Lot, root: pathlib.Path) -> None:
    (root / "etc/systemd/system/starrocks-cluster-sync.service").write_text("[Unit]\n")
    with pytest.raises(MigrationError) as caught:
        lot.call("started", supervisor="systemd", systemd=Systemd(str(root), [str(root / "systemctl")]))
    assert caught.value.code == "starrocks.tool_unit_taken"
    assert not lot.home.exists()


def test_where_systemd_does_not_run(lot: Lot, tmp_path: pathlib.Path) -> None:
    cases: list[dict[str, t.Any]] = [{"supervisor": "systemd"}, {"supervisor": "auto", "user": "tool"}]
    for more in cases:
        with pytest.raises(InvalidOption):
            lot.call("started", systemd=Systemd(str(tmp_path / "none")), **more)


def test_a_manager_that_fails(root: pathlib.Path) -> None:
    with pytest.raises(MigrationError, match="fail failed: broken") as caught:
        Systemd(str(root), [str(root / "systemctl")]).call("fail")
    assert caught.value.code == "starrocks.tool_systemd"


def test_text_of_a_unit() -> None:
    text = unit_text("/opt/sync", "/opt/sync/m", "tool", 30.4)
    assert "EnvironmentFile=/opt/sync/m\n" in text
    assert "User=tool\n" in text
    assert "TimeoutStopSec=30\n" in text
    assert """ExecStart=/bin/sh -c 'exec "$$0"' "/opt/sync/bin/start.sh"\n""" in text
    assert '"/o%%p$$t/bin/start.sh"\n' in unit_text("/o%p$t", "/m", "", 30)
    assert "User=" not in unit_text("/opt/sync", "/opt/sync/m", "", 30)


def test_names_of_units() -> None:
    assert read_unit_name(" sync.service ", "unit_name") == "sync"
    for wrong in ("", "a/b", "a b", "../x"):
        with pytest.raises(InvalidOption):
            read_unit_name(wrong, "unit_name")
