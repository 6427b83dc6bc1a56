# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that is killed before any of its steps in the file system leaves nothing that the next one does not put right.

The call runs in a process of its own, which ends there as by SIGKILL: nothing of it is done any more.
"""

from __future__ import annotations

import errno
import functools
import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_alone import alone
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import Home
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import Processes
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.tool_lot import (
    SHIPPED,
    SLEEPS,
    STUBBORN,
    Lot,
)

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")

_STEPS = ("mkdir", "rename", "replace", "unlink", "rmdir")
_DEAD = 9
_OTHERS = (12345, 23456)
_SECRETS = (b"s3cr", b"0f0f-token")
OWN = SHIPPED.replace("source_cluster_user=root", "source_cluster_user=mine")


@pytest.fixture(autouse=True)
def fixture_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are hundreds of calls here, and no process to look for."""
    monkeypatch.setattr(Processes, "all", lambda _self: [])


def _killed(number: int, call: t.Callable[[], t.Any]) -> bool:
    """Run it in a process that ends right before its step of that number; whether it had so many."""
    child = os.fork()
    if not child:
        left = number

        def fatal(step: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            def instead(*given: t.Any, **more: t.Any) -> t.Any:
                nonlocal left
                left -= 1
                if not left:
                    os._exit(_DEAD)
                return step(*given, **more)

            return instead

        status = 1
        try:
            for name in _STEPS:
                setattr(os, name, fatal(getattr(os, name)))
            call()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1
    assert code in (0, _DEAD)
    return code == _DEAD


def _every_kill(
    folder: pathlib.Path, ready: t.Callable[[Lot], None], call: t.Callable[[Lot], t.Any]
) -> t.Iterator[Lot]:
    """A lot for each step of the call, which was killed before it."""
    number = 0
    while True:
        number += 1
        lot = Lot(folder / str(number))
        lot.folder.mkdir()
        lot.archive()
        ready(lot)
        if not _killed(number, functools.partial(call, lot)):
            break
        yield lot
    assert number > 5


def _again(lot: Lot, state: str, **more: t.Any) -> None:
    """What the next call says that it would do is what it does."""
    both = lot.call(state, check=True, **more), lot.call(state, **more)
    told = [[(one["action"], one["request"], one["before"]) for one in result["changes"]] for result in both]
    assert told[0] == told[1]
    assert not lot.call(state, **more)["changed"]


def _secrets(lot: Lot) -> list[str]:
    """The files that hold a secret."""
    return sorted(
        str(path.relative_to(lot.home.parent))
        for path in lot.home.parent.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in _SECRETS)
    )


def _beside(lot: Lot) -> list[str]:
    return sorted(path.name for path in lot.home.parent.iterdir())


def _installed(lot: Lot) -> None:
    lot.call("present")
    (lot.home / "log").mkdir()
    (lot.home / "log/sync.INFO.log").write_text("what was")


def _with_another(lot: Lot) -> None:
    _installed(lot)
    lot.archive(start=STUBBORN)


def _own(lot: Lot) -> None:
    for name, text in (("bin/start.sh", SLEEPS), ("conf/sync.properties", OWN), ("bin/mine", "mine")):
        (lot.home / name).parent.mkdir(parents=True, exist_ok=True)
        (lot.home / name).write_text(text)
    properties = lot.home / "conf/sync.properties"
    properties.chmod(0o640)
    if not os.geteuid():
        os.chown(properties, *_OTHERS)
    lot.given = {}


def _own_configured(lot: Lot) -> None:
    _own(lot)
    lot.call("present")
    assert _secrets(lot) == ["sync/conf/sync.properties"]


def _present(lot: Lot) -> None:
    lot.call("present")


def _absent(lot: Lot) -> None:
    lot.call("absent")


def _require_own(lot: Lot) -> None:
    found = {str(path.relative_to(lot.home)): path.read_text() for path in lot.home.rglob("*") if path.is_file()}
    assert found == {"bin/start.sh": SLEEPS, "conf/sync.properties": OWN, "bin/mine": "mine"}
    properties = (lot.home / "conf/sync.properties").stat()
    assert properties.st_mode & 0o777 == 0o640
    assert os.geteuid() or (properties.st_uid, properties.st_gid) == _OTHERS
    assert not (lot.home / ".dbops-migration").exists()
    assert _beside(lot) == ["sync"]


def test_logs_outlive_another_archive(tmp_path: pathlib.Path) -> None:
    for lot in _every_kill(tmp_path, _with_another, _present):
        _again(lot, "present")
        assert (lot.home / "log/sync.INFO.log").read_text() == "what was"
        assert (lot.home / "bin/start.sh").read_text() == STUBBORN
        assert (_beside(lot), _secrets(lot)) == (["sync"], ["sync/conf/sync.properties"])


@pytest.mark.parametrize("ready", [_with_another, _installed], ids=["while another was unpacked", "while it went away"])
def test_nothing_of_an_installed_one_is_left(tmp_path: pathlib.Path, ready: t.Callable[[Lot], None]) -> None:
    for lot in _every_kill(tmp_path, ready, _present if ready is _with_another else _absent):
        _again(lot, "absent")
        assert not _beside(lot)


def test_one_that_went_away_can_come_again(tmp_path: pathlib.Path) -> None:
    for lot in _every_kill(tmp_path, _installed, _absent):
        _again(lot, "present")
        assert (_beside(lot), _secrets(lot)) == (["sync"], ["sync/conf/sync.properties"])


@pytest.mark.parametrize("ready", [_own, _own_configured], ids=["while it was configured", "while it was given back"])
def test_the_files_of_an_operators_own_folder_are_as_they_were(
    tmp_path: pathlib.Path, ready: t.Callable[[Lot], None]
) -> None:
    for lot in _every_kill(tmp_path, ready, _present if ready is _own else _absent):
        _again(lot, "absent")
        _require_own(lot)


def test_logs_of_a_tool_that_somebody_has_started_meanwhile_are_not_overwritten(tmp_path: pathlib.Path) -> None:
    found = set()
    for lot in _every_kill(tmp_path, _with_another, _present):
        if lot.home.exists() and not (lot.home / "log").exists():
            (lot.home / "log").mkdir()
            (lot.home / "log/sync.INFO.log").write_text("what came")
        lot.call("present")
        found.add(tuple(sorted((str(path.parent.name), path.read_text()) for path in lot.home.rglob("sync.INFO.log"))))
    assert found == {(("log", "what was"),), (("log", "what came"), ("log.1", "what was"))}


def test_a_file_that_was_not_there_is_known_as_such_for_ever(tmp_path: pathlib.Path) -> None:
    """What this collection has written is never taken for what an operator had."""
    lot = Lot(tmp_path)
    _own_configured(lot)
    lot.call("present", address_map={"10.1.0.11": "127.0.0.1"})
    lot.call("present")
    assert "10.1.0.11" not in (lot.home / "conf/hosts.properties").read_text()
    lot.call("absent")
    _require_own(lot)


def test_a_configuration_that_was_never_changed_stays(tmp_path: pathlib.Path) -> None:
    lot = Lot(tmp_path)
    _own(lot)
    Home(str(lot.home)).prepare()
    lot.call("absent")
    _require_own(lot)


def test_what_cannot_be_given_to_its_former_owner_is_read_by_nobody_else(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its group would be another one, and passwords of the operator may be in it."""
    lot = Lot(tmp_path)
    _own(lot)
    status = os.fstat

    def refused(_descriptor: int, _user: int, _group: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def of_others(descriptor: int) -> os.stat_result:
        found = status(descriptor)
        return os.stat_result((*found[:4], 23457, 23458, *found[6:]))

    lot.call("present")
    monkeypatch.setattr(os, "fchown", refused)
    monkeypatch.setattr(os, "fstat", of_others)
    lot.call("absent")
    properties = lot.home / "conf/sync.properties"
    assert (properties.read_text(), properties.stat().st_mode & 0o777) == (OWN, 0o600)


def test_a_folder_that_cannot_be_replaced_is_put_back(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lot = Lot(tmp_path)
    lot.archive()
    _with_another(lot)
    rename = os.rename

    def refused(old: str, new: str) -> None:
        if old.endswith("/tool"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), old)
        rename(old, new)

    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(MigrationError, match="No space left on device"):
        lot.call("present")
    assert (lot.home / "bin/start.sh").read_text() == SLEEPS
    assert (lot.home / "log/sync.INFO.log").read_text() == "what was"
    assert _beside(lot) == ["sync"]


def test_two_tools_in_one_place(tmp_path: pathlib.Path) -> None:
    lot = Lot(tmp_path)
    lot.archive()
    lot.home.parent.mkdir()
    (lot.home.parent / ".sync-2.dbops-migration").mkdir()
    with alone(Home(str(lot.home.parent / "sync-2"))):
        lot.call("present")
        lot.call("present")
        # What another call is unpacking is none of this one's business.
        assert (lot.home.parent / ".sync-2.dbops-migration").is_dir()


@pytest.mark.parametrize("installed", [False, True])
def test_one_call_at_a_time_for_one_folder(tmp_path: pathlib.Path, installed: bool) -> None:
    lot = Lot(tmp_path)
    lot.archive()
    if installed:
        lot.call("present")
    with alone(Home(str(lot.home))):
        with pytest.raises(MigrationError, match=f"works on the sync tool in {lot.home}; run") as caught:
            lot.call("present")
        lot.call("present", check=True)
    assert caught.value.code == "starrocks.tool_busy"
    lot.call("present")
    assert _beside(lot) == ["sync"]


def test_one_call_at_a_time_where_nobody_may_write_beside_the_folder(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = Lot(tmp_path)
    _own(lot)
    parent, allowed = str(lot.home.parent), os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != parent and allowed(path, mode))
    with alone(Home(str(lot.home))):
        assert _beside(lot) == ["sync"]
        with pytest.raises(MigrationError) as caught:
            lot.call("present")
        assert caught.value.code == "starrocks.tool_busy"
    lot.call("present")
    monkeypatch.undo()
    with alone(Home(str(lot.home))):
        monkeypatch.setattr(os, "access", lambda path, mode: path != parent and allowed(path, mode))
        # As it is while another folder takes its place.
        lot.home.rename(lot.home.parent / "moved")
        with pytest.raises(MigrationError) as caught:
            lot.call("stopped")
        assert caught.value.code == "starrocks.tool_busy"
