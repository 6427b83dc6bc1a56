# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What comes behind the switch: every MetaProxy proved, the source closed, the target verified, the end recorded."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_closing import Closing
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_past import COMMITTED_KIND
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import PASSING, Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_KEY

_POLL = 0.1
_LEAST_PATIENCE = 10.0
_VERIFY_POLL = 0.5
_VERIFY_PATIENCE = 10.0
"""Seconds for a target that is just moving a primary, or a server that has let one question pass."""
_GO_BACK_SECONDS = 4.0
"""To take a switch back: a session of ZooKeeper, the write, the wait before the second look, and a margin."""
_GO_BACK_EACH = 0.5
"""To write one znode more, with what the guard and the journal need for that."""
_GO_BACK_LOOKS = 4
"""Looks at every table: one before its write and one after, each of which looks at the target as well."""


class Followed(t.Protocol):
    """A switched table."""

    view: TableView
    fence: Fence
    state: str
    proved: t.Optional[float]
    committed: t.Optional[float]

    def window(self) -> t.Mapping[str, t.Any]:
        """When each step was, for the journal."""


class Behind:
    """The steps behind the switch. Each can be done again, by a later run too."""

    def __init__(
        self, eyes: Eyes, clusters: Clusters, record: CutoverRecord, beat: t.Callable[[], None] = lambda: None
    ) -> None:
        """``beat``: is called as long as anything is waited for, so that a guard does not take us for gone."""
        self._eyes = eyes
        self._clusters = clusters
        self._record = record
        self._beat = beat

    def follow(
        self, tracks: t.Sequence[Followed], deadline: Deadline, revocable: t.Collection[str] = ()
    ) -> t.List[Followed]:
        """Ask every MetaProxy until it sends clients to the target. ``pegasus.metaproxy_not_switched`` at the deadline.

        Not sooner than after ten seconds: the switch is made, and breaking off early helps nobody. Returned are, as
        soon as the deadline is near, those of the ``revocable`` tables that surely nobody has followed: see
        :class:`switch.Unmoved`. The others that are not ``proved`` then are to be followed further.
        """
        clock = self._eyes.clock
        if not self._eyes.request.proxies:
            for track in tracks:
                track.proved = clock.monotonic()
            return []
        patience = clock.monotonic() + max(_LEAST_PATIENCE, deadline.remaining())
        since = iso(clock.now())
        unmoved = {track.view.name: switch.Unmoved() for track in tracks}
        left, may_go_back = list(tracks), bool(revocable)
        while True:
            began = clock.monotonic()
            looks = {}
            for track in left:
                # With many tables, or proxies that do not answer, a round is longer than a guard's patience.
                if not deadline.expired:
                    self._beat()
                looks[track.view.name] = self._ask(track, unmoved[track.view.name], since, patience)
            left = [track for track in left if track.proved is None]
            if not left:
                return []
            if may_go_back:
                perhaps = [track for track in left if track.view.name in revocable]
                back = [track for track in perhaps if unmoved[track.view.name].lost]
                if back and deadline.remaining() < going_back(len(back), clock.monotonic() - began):
                    return back
                # With less time there is none left to look whether it went well.
                may_go_back = deadline.remaining() >= going_back(len(perhaps))
            seen = [look for look in (looks[track.view.name] for track in left) if look is not None]
            if seen and clock.monotonic() >= patience:
                raise switch.unswitched([track.view.name for track in left], seen)
            clock.sleep(_POLL)

    def _ask(
        self, track: Followed, unmoved: switch.Unmoved, since: str, patience: float
    ) -> t.Optional[switch.ProxyLook]:
        """One look at every MetaProxy; None when there is no answer now."""
        eyes, view, clock = self._eyes, track.view, self._eyes.clock
        began = clock.monotonic()
        try:
            target = eyes.target.query_config(view.target_name)
            look = switch.look_at_proxies(eyes.request.proxies, view.name, view.config, target, eyes.settings, clock)
        except MigrationError as error:
            if error.code not in PASSING or clock.monotonic() >= patience:
                raise
            unmoved.unknown()
            return None
        unmoved.saw(look, began)
        if not look.all_say(switch.TARGET):
            rest = look.not_saying(switch.TARGET)
            self._record.waiting(
                Wait(
                    "pegasus.wait.metaproxy",
                    f"every MetaProxy to send the clients of {view.name} to {self._clusters.target.cluster_name}",
                    "each has read the znode, which its watch tells it of",
                    since,
                    rest,
                    len(rest),
                )
            )
            return look
        track.proved = clock.monotonic()
        self._record.proof(
            "switch",
            [
                {"subject": address, "table": view.name, "app_id": target.app_id if target else None,
                 "cluster": self._clusters.target.cluster_name, "at": iso(clock.now())}
                for address in sorted(look.sides)
            ],
        )  # fmt: skip
        return look

    def close(self, track: Followed) -> None:
        """Tell the clients that still hold on to the source, readers too, to look for their table anew."""
        self._record.send(track.fence.call(track.fence.value(), DENY_ALL, "close"))

    def verify(self, track: Followed, deadline: Deadline) -> None:
        """That the target is whole and takes writes, as far as that can be told without writing.

        ``pegasus.target_unsound`` when it is still not so ten seconds after the first look, or at the deadline. No
        client waits for that, and what passes by itself is nothing to fail for.
        """
        clock, view = self._eyes.clock, track.view
        since = iso(clock.now())
        end: t.Optional[float] = None
        while True:
            if not deadline.expired:
                self._beat()
            try:
                config, problems = self._look_at_target(view)
            except MigrationError as error:
                if error.code not in PASSING or _over(clock, end, deadline):
                    raise
                config, problems = None, [error.message]
            if config is not None and not problems:
                self._record.proof("target", _items(view, config))
                return
            if _over(clock, end, deadline):
                raise _unsound(view, self._clusters.target.cluster_name, problems)
            # From the first look on, which a server that hangs makes as long as all of this is to last.
            end = clock.monotonic() + _VERIFY_PATIENCE if end is None else end
            self._record.waiting(self._target_wait(view, problems, since))
            deadline.sleep(_VERIFY_POLL)

    def _look_at_target(self, view: TableView) -> t.Tuple[t.Optional[model.TableConfig], t.List[str]]:
        """How the target is served, and what is wrong with it; nothing is only where that is known."""
        app = self._eyes.target.app(view.target_name)
        config = self._eyes.target.query_config(view.target_name)
        problems = problems_of_target(view, app, config)
        if not problems and config is not None:
            infos = self._eyes.target_replicas.replica_infos(config.primaries, config.app_id)
            problems = problems_of_replicas(config, infos)
        return config, problems

    def _target_wait(self, view: TableView, problems: t.Sequence[str], since: str) -> Wait:
        return Wait(
            "pegasus.wait.target_sound",
            f"{view.target_name} to be whole on {self._clusters.target.cluster_name}, where its clients are",
            "every partition has its primary and enough secondaries, and every primary answers; given up after "
            f"{_VERIFY_PATIENCE:g} s",
            since,
            problems,
            len(problems),
        )

    def commit(self, track: Followed, guarded: bool) -> None:
        """Write down that the table has moved. ``guarded``: its guard lived until then, and knows of it.

        Whether its replica servers refuse readers is seen after everything is committed: see :mod:`cutover_closing`.
        """
        track.committed = self._eyes.clock.monotonic()
        track.state = "committed"
        self._record.append(
            COMMITTED_KIND,
            {"table": track.view.name, "at": iso(self._eyes.clock.now()), "guarded": guarded,
             "window": dict(track.window())},
        )  # fmt: skip
        self._record.closings.append(Closing(track.fence, track.committed))


def _over(clock: Clock, end: t.Optional[float], deadline: Deadline) -> bool:
    """Whether the target is not looked at again. ``end``: None as long as it was looked at once."""
    return deadline.expired or (end is not None and clock.monotonic() >= end)


def _items(view: TableView, config: model.TableConfig) -> t.List[t.Dict[str, t.Any]]:
    return [
        {"subject": f"{view.target_name}/{partition.index}", "table": view.name, "primary": partition.primary,
         "ballot": partition.ballot, "app_id": config.app_id}
        for partition in config.partitions
    ]  # fmt: skip


def _unsound(view: TableView, target: str, problems: t.Sequence[str]) -> MigrationError:
    return MigrationError(
        "pegasus.target_unsound",
        f"The clients of {view.name} are on {target}, but the table is not sound there: {'; '.join(problems[:5])}. "
        "Nothing is switched back by itself, because clients may have written to it. Repair the target, then run the "
        "cutover again: it goes on from here.",
        details={"table": view.name, "problems": list(problems)},
    )


def going_back(tables: int, look: float = 0.0) -> float:
    """Seconds to take so many switches back; ``look``: what a look at the MetaProxies for all has just taken."""
    return _GO_BACK_SECONDS + _GO_BACK_EACH * (tables - 1) + _GO_BACK_LOOKS * look


def problems_of_target(
    view: TableView, app: t.Optional[model.App], config: t.Optional[model.TableConfig]
) -> t.List[str]:
    """What is wrong with the table by the account of the target's meta server."""
    if app is None or config is None:
        return ["it does not exist"]
    problems = []
    if not app.available:
        problems.append(f"its status is {app.status}")
    if view.target_app is not None and app.app_id != view.target_app.app_id:
        problems.append(f"its app id is {app.app_id}, and was {view.target_app.app_id} before the switch")
    if view.config is not None and config.partition_count != view.config.partition_count:
        problems.append(f"it has {config.partition_count} partitions, and the source {view.config.partition_count}")
    if app.envs.get(DENY_KEY):
        problems.append(f"{DENY_KEY} is {app.envs[DENY_KEY]}")
    # A primary takes writes only with as many members as mutation_2pc_min_replica_count, which is 2.
    weak = config.unhealthy(min(2, app.max_replica_count))
    if weak:
        problems.append(f"{len(weak)} partitions have no primary or too few secondaries, such as {weak[0]}")
    return problems


def problems_of_replicas(
    config: model.TableConfig, infos: model.Answers[t.Tuple[model.ReplicaInfo, ...]]
) -> t.List[str]:
    """What is wrong by the account of the target's replica servers."""
    problems = [f"{node} does not answer ({error.code})" for node, error in sorted(infos.failed.items())]
    primaries = {
        (info.index, info.node)
        for listed in infos.good.values()
        for info in listed
        if info.primary and info.app_id == config.app_id
    }
    problems += [
        f"{partition.primary} is not the primary of partition {partition.index}"
        for partition in config.partitions
        if partition.primary not in infos.failed and (partition.index, partition.primary) not in primaries
    ]
    return problems
