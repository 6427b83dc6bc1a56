# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Taking a switch back that nobody has followed: the very bytes again, as long as no client can have noticed.

That holds only if every MetaProxy still answers with the source, before the znode is put back and after, and if the
target's primaries have prepared nothing since the drain. Nothing else may write there: the source ships nothing any
more, and an empty write comes only after a group check's interval without any.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper

Decrees = t.Mapping[int, int]


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
    eyes: Eyes, record: CutoverRecord, session: ZooKeeper, planned: switch.Switch, view: TableView, before: Decrees
) -> bool:
    """Put the znode back, byte for byte; False when a client may have been on the target, and nothing was changed.

    When that shows only afterwards, the znode is pointed at the target again.
    """
    if target_decrees(eyes, view) != before:
        return False
    found = session.read(planned.table)
    if found is None or found.data != planned.after:
        return False
    version = _write(record, session, planned, found.version, planned.after, planned.before, RESTORE)
    look = _look(eyes, view)
    if look.all_say(switch.SOURCE) and target_decrees(eyes, view) == before:
        record.put_back(planned.resource, record.past(planned.resource), switch.state(planned.before))
        return True
    _write(record, session, planned, version, planned.before, planned.after, "switch")
    return False


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


def _look(eyes: Eyes, view: TableView) -> switch.ProxyLook:
    """What the proxies say when they have had the time to see the znode's last change."""
    deadline = Deadline(eyes.clock, 2.0, "the MetaProxies")
    while True:
        target = eyes.target.query_config(view.target_name)
        look = switch.look_at_proxies(eyes.request.proxies, view.name, view.config, target, eyes.settings, eyes.clock)
        if look.all_say(switch.SOURCE) or deadline.expired:
            return look
        deadline.sleep(0.1)


def nobody_followed(tables: t.Sequence[str]) -> MigrationError:
    """No proxy had noticed, so everything is as before: what to do about the proxies."""
    return MigrationError(
        "pegasus.metaproxy_not_following",
        f"No MetaProxy followed the znode of {' and '.join(tables)} in time, so it was put back byte for byte, and the "
        "fence was lifted; no client has been on the target. The proxies have lost their watch of ZooKeeper or cannot "
        "reach it: restart them, and run the cutover again.",
        details={"tables": list(tables)},
    )
