# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The few things that are done in ZooKeeper: read a znode, and write it only if it is still the one that was read."""

from __future__ import annotations

import contextlib
import logging
import time
import traceback
import types
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_acl import may_write
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import (
    HOSTS,
    ROOT,
    ZooKeeperPlace,
)

_PAUSE = 0.1
"""Seconds before a request is sent again whose connection was lost."""


class Znode(t.NamedTuple):
    """The bytes of a znode and the version that a write has to name."""

    data: bytes
    version: int


class Kazoo(t.NamedTuple):
    """The parts of kazoo that are used here, loaded when they are needed."""

    client: t.Any
    exceptions: t.Any
    timeout_error: t.Type[BaseException]
    closed_error: t.Type[BaseException]


def load_kazoo() -> Kazoo:
    """Import kazoo. MigrationError ``library.missing`` with what Ansible says about missing libraries."""
    try:
        from kazoo import client, exceptions
        from kazoo.handlers import threading as handler
        from kazoo.interfaces import IHandler  # noqa: F401 - loads what kazoo would load later
    except ImportError as error:
        raise MigrationError(
            "library.missing",
            missing_required_lib(
                "kazoo", reason="to switch a table in ZooKeeper", url="https://pypi.org/project/kazoo/"
            ),
            details={"library": "kazoo", "traceback": traceback.format_exc()},
        ) from error
    return Kazoo(client.KazooClient, exceptions, handler.KazooTimeoutError, exceptions.ConnectionClosedError)


class ZooKeeper:
    """A session, for the length of a ``with``. Paths are below the chroot of the place.

    Every method answers within the place's timeout (twice that where it has to look after a write): without a
    connection kazoo keeps requests, and whoever waits for them, without end.

    MigrationError ``pegasus.zookeeper_unreachable``, ``.zookeeper_denied``, ``.zookeeper_chroot``, ``.znode_missing``,
    ``.znode_changed``, ``.zookeeper_ambiguous``.
    """

    def __init__(self, place: ZooKeeperPlace) -> None:
        self._place = place
        self._kazoo = load_kazoo()
        self._session: t.Any = None

    def __enter__(self) -> ZooKeeper:
        quiet = logging.getLogger("dbops.migration.kazoo")
        quiet.disabled = True
        session = self._kazoo.client(hosts=self._place.connect_string, timeout=self._place.timeout, logger=quiet)
        try:
            session.start(timeout=self._place.timeout)
        except self._kazoo.timeout_error as error:
            self._end(session)
            raise self._unreachable("no server answered") from error
        except Exception as error:
            self._end(session)
            raise self._unreachable(str(error) or type(error).__name__) from error
        self._session = session
        if self._place.chroot and self._look("look for the chroot", self._exists, "/") is None:
            self.close()
            raise MigrationError(
                "pegasus.zookeeper_chroot",
                f"{HOSTS}: the chroot {self._place.chroot} does not exist in that ZooKeeper; give the one that the "
                "MetaProxies use, or none.",
                details={"chroot": self._place.chroot},
            )
        return self

    def __exit__(
        self,
        kind: t.Optional[t.Type[BaseException]],
        error: t.Optional[BaseException],
        trace: t.Optional[types.TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._end(self._session)
            self._session = None

    def read(self, table: str) -> t.Optional[Znode]:
        """The znode of a table as the leader has it, None when there is none. A missing root is an error."""
        path = self._place.path(table)
        found = self._look(f"read {path}", self._read, path)
        if found is None and self._place.root:
            root = self._place.root
            if self._look(f"look for {root}", self._exists, root) is None:
                raise MigrationError(
                    "pegasus.znode_missing",
                    f"{ROOT}: {self._place.chroot}{root} does not exist in that ZooKeeper; give the path that the "
                    f"MetaProxies have as zookeeper.root, and in {HOSTS} the same chroot as theirs.",
                    details={"path": self._place.chroot + root},
                )
        return t.cast("t.Optional[Znode]", found)

    def writable(self, table: str) -> t.Optional[bool]:
        """Whether the ACL of a table's znode lets this session write it; None when that cannot be told."""
        path = self._place.path(table)
        try:
            entries = self._look(f"read the ACL of {path}", self._acl, path)
        except MigrationError as error:
            if error.code != "pegasus.zookeeper_denied":
                raise
            return None
        return None if entries is None else may_write((entry.perms, entry.id.scheme) for entry in entries)

    def compare_and_set(self, table: str, data: bytes, version: int) -> int:
        """Write if the znode still has this version; returns the version that it has then.

        A lost answer is settled by looking and by asking again with the same version: whichever of the requests came
        through first has used it up. When others have written since, only what is there tells: our bytes stand for
        our request, the version right behind ours under other bytes for theirs, and all else leaves it open.
        """
        path = self._place.path(table)
        ends, lost = self._ends(), False
        while not lost or time.monotonic() < ends:
            try:
                return int(self._answer(ends, self._session.set_async(path, data, version=version)).version)
            except self._kazoo.exceptions.BadVersionError as error:
                now = self._look(f"read {path}", self._read, path)
                if now is not None and now.data == data and (lost or now.version == version + 1):
                    return int(now.version)
                if lost and (now is None or now.version != version + 1):
                    break
                raise self._changed(table, now) from error
            except self._kazoo.exceptions.NoNodeError as error:
                if lost:
                    break
                raise self._changed(table, None) from error
            except self._kazoo.exceptions.NoAuthError as error:
                if lost:
                    # The ACL may have been changed since the request whose answer was lost.
                    break
                raise self._denied(f"write {path}") from error
            except self._lost():
                lost = True
                time.sleep(_PAUSE)
            except self._kazoo.exceptions.KazooException as error:
                raise self._unreachable(f"could not write {path}: {type(error).__name__}") from error
        raise MigrationError(
            "pegasus.zookeeper_ambiguous",
            f"ZooKeeper at {self._place.connect_string} was asked to write {path}, but gave no answer, so it may "
            "or may not be written; look before you repeat it.",
            details={"path": path},
        )

    def create(self, table: str, data: bytes) -> int:
        """Make the znode, and the root's missing parts, for everybody as MetaProxies expect it; returns its version."""
        path = self._place.path(table)
        try:
            self._answer(self._ends(), self._session.create_async(path, data, makepath=True))
        except self._kazoo.exceptions.NodeExistsError as error:
            now = self._look(f"read {path}", self._read, path)
            if now is None or now.data != data:
                raise self._changed(table, now) from error
        except self._kazoo.exceptions.NoAuthError as error:
            raise self._denied(f"create {path}") from error
        except self._lost() as error:
            raise MigrationError(
                "pegasus.zookeeper_ambiguous",
                f"ZooKeeper was asked to create {path}, but gave no answer; look before you repeat it.",
                details={"path": path},
            ) from error
        return 0

    def delete(self, table: str, version: int) -> None:
        """Remove the znode if it still has this version."""
        path = self._place.path(table)
        try:
            self._answer(self._ends(), self._session.delete_async(path, version=version))
        except self._kazoo.exceptions.BadVersionError as error:
            raise self._changed(table, self._look(f"read {path}", self._read, path)) from error
        except self._kazoo.exceptions.NoNodeError:
            return
        except self._kazoo.exceptions.NoAuthError as error:
            raise self._denied(f"delete {path}") from error
        except self._lost() as error:
            raise self._unreachable(f"no answer to the removal of {path}") from error

    def _read(self, ends: float, path: str) -> t.Optional[Znode]:
        # A server that lags behind its leader would show an old version; sync brings it up first.
        self._answer(ends, self._session.sync_async(path))
        try:
            data, stat = self._answer(ends, self._session.get_async(path))
        except self._kazoo.exceptions.NoNodeError:
            return None
        return Znode(bytes(data or b""), int(stat.version))

    def _exists(self, ends: float, path: str) -> t.Any:
        return self._answer(ends, self._session.exists_async(path))

    def _acl(self, ends: float, path: str) -> t.Optional[t.Sequence[t.Any]]:
        try:
            entries, _stat = self._answer(ends, self._session.get_acls_async(path))
        except self._kazoo.exceptions.NoNodeError:
            return None
        return t.cast("t.Sequence[t.Any]", entries)

    def _look(self, doing: str, look: t.Callable[[float, str], t.Any], path: str) -> t.Any:
        """Read, again as long as there is time and only the connection was lost."""
        ends = self._ends()
        while True:
            try:
                return look(ends, path)
            except self._kazoo.exceptions.NoAuthError as error:
                raise self._denied(doing) from error
            except Exception as error:
                if not isinstance(error, self._lost()) or time.monotonic() >= ends:
                    raise self._unreachable(f"could not {doing}: {type(error).__name__}") from error
            time.sleep(_PAUSE)

    def _ends(self) -> float:
        return time.monotonic() + self._place.timeout

    @staticmethod
    def _answer(ends: float, asked: t.Any) -> t.Any:
        """What the server answers to a request of kazoo's until then; kazoo's timeout error, or what went wrong."""
        return asked.get(timeout=max(0.0, ends - time.monotonic()))

    def _lost(self) -> t.Tuple[t.Type[BaseException], ...]:
        known = self._kazoo.exceptions
        return (
            known.ConnectionLoss, known.OperationTimeoutError, known.SessionExpiredError, self._kazoo.closed_error,
            self._kazoo.timeout_error,
        )  # fmt: skip

    def _changed(self, table: str, now: t.Optional[Znode]) -> MigrationError:
        path = self._place.chroot + self._place.path(table)
        what = "was removed" if now is None else "was changed"
        return MigrationError(
            "pegasus.znode_changed",
            f"The znode {path} {what} by somebody else since it was read, so it was not written. Agree on who sets it, "
            "and run again.",
            details={"path": path, "found": None if now is None else now.data.decode("utf-8", "backslashreplace")},
        )

    def _denied(self, doing: str) -> MigrationError:
        return MigrationError(
            "pegasus.zookeeper_denied",
            f"ZooKeeper at {self._place.connect_string} does not let this host {doing} (its ACL forbids it).",
        )

    def _unreachable(self, why: str) -> MigrationError:
        return MigrationError(
            "pegasus.zookeeper_unreachable",
            f"ZooKeeper at {self._place.connect_string} cannot be used ({why}); check {HOSTS} and the network.",
            details={"hosts": list(self._place.hosts)},
        )

    @staticmethod
    def _end(session: t.Any) -> None:
        # kazoo raises when its thread does not end in time, which must not hide why the session is ended.
        with contextlib.suppress(Exception):
            session.stop()
            session.close()
