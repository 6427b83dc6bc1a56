# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Taking a switch back that nobody has followed: the very bytes again, as long as no client can have noticed.

That holds only if every MetaProxy has lost its watch (:class:`switch.Unmoved`) and still answers with the source, right
before the znode is put back and after, and if the target's primaries have prepared nothing since the drain. Nothing
else may write there: the source ships nothing any more, and an empty write comes only after a group check's interval
without any.

The guard is asked before each write. It may decide between its answer and the write; then it has used up the version
that the write names.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper

Decrees = t.Mapping[int, int]

BACK = "back"
FORWARD = "forward"
UNPROVED = "unproved"
"""What has become of a switch that was to be taken back; see :func:`put_back`."""
NOT_WRITTEN = ("pegasus.znode_changed", "pegasus.zookeeper_denied")
"""The errors that prove a znode not written, now or later."""
_RETRY_SECONDS = 1.0


def target_decrees(eyes: Eyes, view: TableView) -> t.Optional[Decrees]:
    """What each primary of the target has prepared; None when one of them does not tell."""
    config = eyes.target.query_config(view.target_name)
    if config is None:
        return None
    infos = eyes.target_replicas.replica_infos(config.primaries, config.app_id)
    return decrees_of(config, infos)


def decrees_of(config: model.TableConfig, infos: model.Answers[t.Tuple[model.ReplicaInfo, ...]]) -> t.Optional[Decrees]:
    """The highest prepared decree by partition; None unless all partitions are told of by their primaries."""
    found = {
        info.index: max(info.last_prepared_decree, info.last_committed_decree)
        for listed in infos.good.values()
        for info in listed
        if info.primary
    }
    return found if set(found) == set(range(config.partition_count)) else None


def put_back(
    eyes: Eyes,
    record: CutoverRecord,
    session: ZooKeeper,
    planned: switch.Switch,
    view: TableView,
    before: Decrees,
    link: GuardLink,
) -> str:
    """Put the znode back, byte for byte. ``FORWARD`` when that may not be: the znode points at the target then.

    When only afterwards it shows that a client may have been on the target, the znode is pointed there again, and it is
    ``FORWARD`` too; ``UNPROVED`` when the guard does not allow that any more, because it lets writes through again.
    """
    found = None
    with contextlib.suppress(MigrationError):
        found = session.read(planned.table)
    if found is None or found.data != planned.after or not _nobody_moved(eyes, view, before):
        return FORWARD
    version = _allowed(link, record, session, planned, found.version, planned.after, planned.before, RESTORE)
    if version is None:
        return FORWARD
    # A client that was sent to the target tries again what the fence refuses, at once; that shows in the decrees.
    eyes.clock.sleep(_RETRY_SECONDS)
    proved = _nobody_moved(eyes, view, before)
    if not proved and _allowed(link, record, session, planned, version, planned.before, planned.after, "switch"):
        return FORWARD
    record.put_back(planned.resource, record.past(planned.resource), switch.state(planned.before))
    return BACK if proved else UNPROVED


def _nobody_moved(eyes: Eyes, view: TableView, before: Decrees) -> bool:
    """Whether every proxy answers with the source, and nothing was written on the target. Silence proves nothing."""
    try:
        target = eyes.target.query_config(view.target_name)
        look = switch.look_at_proxies(eyes.request.proxies, view.name, view.config, target, eyes.settings, eyes.clock)
        return look.all_say(switch.SOURCE) and target_decrees(eyes, view) == before
    except MigrationError:
        return False


def _allowed(
    link: GuardLink,
    record: CutoverRecord,
    session: ZooKeeper,
    planned: switch.Switch,
    version: int,
    old: bytes,
    new: bytes,
    action: str,
) -> t.Optional[int]:
    """Write the znode if the guard allows it; its new version, None when it was not written."""
    try:
        link.require(gs.SWITCH)
    except MigrationError:
        return None
    try:
        return _write(record, session, planned, version, old, new, action)
    except MigrationError as error:
        if error.code not in NOT_WRITTEN:
            raise
        return None


def _write(
    record: CutoverRecord,
    session: ZooKeeper,
    planned: switch.Switch,
    version: int,
    old: bytes,
    new: bytes,
    action: str,
) -> int:
    request = {"zookeeper": f"set {planned.path}", "version": version, "data": switch.text(new)}
    change = Change(planned.resource, action, switch.state(old), switch.state(new), request)
    made: t.Dict[str, int] = {}

    def act() -> t.Mapping[str, int]:
        made["version"] = session.compare_and_set(planned.table, new, version)
        return made

    record.do(change, act)
    return made["version"]


def nobody_followed(tables: t.Sequence[str]) -> MigrationError:
    """No proxy had noticed, so everything is as before: what to do about the proxies."""
    return MigrationError(
        "pegasus.metaproxy_not_following",
        f"No MetaProxy followed the znode of {' and '.join(tables)} in time, so it was put back byte for byte, and the "
        "fence was lifted; no client has been on the target. The proxies have lost their watch of ZooKeeper or cannot "
        "reach it: restart them, and run the cutover again.",
        details={"tables": list(tables)},
    )


def perhaps_followed(tables: t.Sequence[str]) -> MigrationError:
    """The znode is as before, but that no client has been on the target is not proved."""
    return MigrationError(
        "pegasus.put_back_unproved",
        f"No MetaProxy followed the znode of {' and '.join(tables)} in time, so it was put back byte for byte. Then it "
        "was not proved that no client has been on the target, and the time was up: the fence was lifted, and the "
        "source takes writes. Restart the MetaProxies and the clients that may have been sent to the target, and "
        "compare both tables; what was written on the target does not come back by itself. Then run the cutover again.",
        details={"tables": list(tables)},
    )
