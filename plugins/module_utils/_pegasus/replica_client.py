# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Asking the replica servers themselves, all at once: what they hold, how far they are, whether they take writes.

What the meta server knows of these things is up to a minute old. A server that does not answer is told as such.
"""

from __future__ import annotations

import secrets
import threading
import types
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import channel as wire
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import decode, messages, model, replica_http
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import OK, server_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fan_out import ask_in_turn, fan_out
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.framing import Reply
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.key_hash import crc64, hash_keys
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_leader import broken_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Gpid, literal_address

_NODES = "the addresses that the cluster has on record"
_PROBE_PREFIX = b"dbops.migration.probe."
_LONG_PAST = 1
"""Seconds since 2016, Pegasus's epoch: a record with this expiry is gone before anybody can read it."""

_ELSEWHERE = {"ERR_OBJECT_NOT_FOUND": model.WRITES_MOVED, "ERR_INACTIVE_STATE": model.WRITES_MOVED}
_WRITE_WORDS = {**_ELSEWHERE, "ERR_OPERATION_DISABLED": model.WRITES_OPEN, OK: model.WRITES_APPLIED}
_READ_WORDS = {**_ELSEWHERE, OK: model.WRITES_OPEN}

_Make = t.Callable[[Gpid, bytes], wire.Call]
"""With a hash key that belongs to the partition; servers may refuse others before they look for a fence."""


def _increment(place: Gpid, hash_key: bytes) -> wire.Call:
    key = len(hash_key).to_bytes(2, "big") + hash_key + secrets.token_bytes(8)
    fields = {"key": key, "increment": 0, "expire_ts_seconds": _LONG_PAST}
    return wire.Call(messages.INCR, fields, place, crc64(hash_key))


def _read_of_nothing(place: Gpid, hash_key: bytes) -> wire.Call:
    keys = {"hash_key": hash_key, "sort_keys": [secrets.token_bytes(8)]}
    limits = {"max_kv_count": 1, "max_kv_size": 1, "no_value": True}
    return wire.Call(messages.MULTI_GET, {**keys, **limits}, place, crc64(hash_key))


class ReplicaClient:
    """Questions to replica servers. A context manager; may be used by several threads.

    Methods over many nodes return :class:`model.Answers`: what each said, and the error of each that said nothing.
    ``timeout`` (seconds) shortens ``rpc_timeout`` for one call.
    """

    def __init__(self, settings: ConnectionSettings | None = None, clock: Clock | None = None) -> None:
        self._settings = settings or ConnectionSettings()
        self._clock = clock or SystemClock()
        self._idle: dict[str, wire.Channel] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> ReplicaClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop all idle connections. The client can still be used."""
        with self._lock:
            channels, self._idle = list(self._idle.values()), {}
        for channel in channels:
            channel.close()

    # What they hold.

    def replica_infos(
        self, nodes: t.Iterable[str], app_id: int | None = None, *, timeout: float | None = None
    ) -> model.Answers[tuple[model.ReplicaInfo, ...]]:
        """All replicas of each server, or those of one table. Decrees are the server's own, of this moment."""

        def ask(node: str) -> tuple[model.ReplicaInfo, ...]:
            doing = "ask for the replicas"
            fields = {"node": literal_address(node)}
            value = self._value(node, wire.Call(messages.QUERY_REPLICA_INFO, fields), doing, timeout)
            found = (decode.replica_info(item, node) for item in value.get("replicas", ()))
            return tuple(item for item in found if app_id is None or item.app_id == app_id)

        return fan_out(nodes, ask)

    def versions(self, nodes: t.Iterable[str]) -> model.Answers[Version]:
        """The version of each server (``/version``)."""
        return fan_out(nodes, lambda node: replica_http.version(node, self._settings, self._clock))

    def data_versions(self, tables: t.Mapping[int, t.Iterable[str]]) -> dict[int, model.Answers[t.Mapping[int, int]]]:
        """By app id, from the nodes given for it: data version by index, of the replicas each hosts (maybe none)."""
        return ask_in_turn(
            tables, lambda node, app_id: replica_http.data_versions(node, app_id, self._settings, self._clock)
        )

    # How far they are.

    def progress(self, nodes: t.Iterable[str], app_id: int) -> model.Answers[tuple[model.PartitionProgress, ...]]:
        """Progress of every duplication of a table, for the partitions of which each server is primary (maybe none)."""
        return fan_out(nodes, lambda node: replica_http.progress(node, app_id, self._settings, self._clock))

    # How they are set.

    def get_config(self, nodes: t.Iterable[str], name: str) -> model.Answers[model.ConfigValue]:
        """One flag of each server; works for meta servers, too. ``pegasus.config_unknown`` where it is not visible."""
        return fan_out(nodes, lambda node: replica_http.get_config(node, name, self._settings, self._clock))

    def update_config(self, node: str, name: str, value: str) -> None:
        """Change one flag of one running server, until it is restarted. ``pegasus.config_refused`` if it may not be."""
        replica_http.update_config(node, name, value, self._settings, self._clock)

    def command(self, node: str, command: str, arguments: t.Sequence[str] = ()) -> str:
        """The text that a remote command answers. Only for commands that read: it may be sent twice."""
        call = wire.Call(messages.COMMAND, {"cmd": command, "arguments": list(arguments)})
        return str(self._value(node, call, f"run the remote command {command}", None))

    # Whether they take writes.

    def probe_writes(self, config: model.TableConfig, *, timeout: float | None = None) -> dict[int, str]:
        """For every partition one of the ``WRITES_*`` words of :mod:`model`, without writing anything (facts 4).

        An increment is sent to each primary. A replica that duplicates refuses it after the check for a fence and
        before anything is written. So it only proves something while the table duplicates and has no
        ``atomic_idempotent``; where a replica does not know yet that it duplicates, the record that is written has
        expired long ago, and the word is ``applied``.
        """
        return self._probe_all(config, _increment, _WRITE_WORDS, timeout)

    def probe_reads(self, config: model.TableConfig, *, timeout: float | None = None) -> dict[int, str]:
        """The same words about reads, but never ``applied``: each primary is asked for a record that nobody has.

        The check for a fence comes before anything is read, whether the table duplicates or not.
        """
        return self._probe_all(config, _read_of_nothing, _READ_WORDS, timeout)

    def _probe_all(
        self, config: model.TableConfig, make: _Make, words_of: t.Mapping[str, str], timeout: float | None
    ) -> dict[int, str]:
        found = dict.fromkeys(config.without_primary, model.WRITES_NO_PRIMARY)
        ballots = {partition.index: partition.ballot for partition in config.partitions}
        primaries = config.primaries
        keys = hash_keys(_PROBE_PREFIX, max(1, config.partition_count))

        def ask(node: str) -> dict[int, str]:
            calls = [make(Gpid(config.app_id, index), keys[index % len(keys)]) for index in primaries[node]]
            return self._probe(node, calls, words_of, ballots, timeout)

        answers = fan_out(primaries, ask)
        for words in answers.good.values():
            found.update(words)
        for node in answers.failed:
            found.update((index, model.WRITES_UNKNOWN) for index in primaries[node])
        return dict(sorted(found.items()))

    def _probe(
        self,
        node: str,
        calls: t.Sequence[wire.Call],
        words_of: t.Mapping[str, str],
        ballots: t.Mapping[int, int],
        timeout: float | None,
    ) -> dict[int, str]:
        # A connection of its own: on a kept one, "lost" could mean no more than that it was idle for too long.
        channel = wire.Channel(node, self._settings)
        try:
            replies, broken = channel.call_many(calls, self._deadline("probe", timeout))
        finally:
            channel.close()
        words: dict[int, str] = {}
        for position, index in enumerate(call.gpid.partition for call in calls):
            if position in replies:
                words[index] = words_of.get(replies[position].err, model.WRITES_UNKNOWN)
                if replies[position].err == "ERR_INVALID_STATE":
                    words[index] = model.WRITES_DENIED
            elif broken is not None and broken.kind == wire.TIMEOUT:
                words[index] = model.WRITES_SILENT
            else:
                words[index] = model.WRITES_UNREACHABLE
        denied = [index for index, word in words.items() if word == model.WRITES_DENIED]
        if denied:
            words.update(self._denied_or_moved(node, calls[0].gpid.app_id, denied, ballots, timeout))
        return words

    def _denied_or_moved(
        self,
        node: str,
        app_id: int,
        indices: t.Sequence[int],
        ballots: t.Mapping[int, int],
        timeout: float | None,
    ) -> dict[int, str]:
        """ERR_INVALID_STATE is also the answer of a replica that is no primary; its ballot grows with every change."""
        answers = self.replica_infos([node], app_id, timeout=timeout)
        if node in answers.failed:
            return dict.fromkeys(indices, model.WRITES_UNKNOWN)
        primary = {info.index: info.ballot for info in answers.good[node] if info.primary}
        return {
            index: model.WRITES_DENIED if primary.get(index) == ballots[index] else model.WRITES_MOVED
            for index in indices
        }

    # Sending.

    def _deadline(self, doing: str, timeout: float | None) -> Deadline:
        longest = self._settings.rpc_timeout
        return Deadline(self._clock, longest if timeout is None else min(timeout, longest), doing)

    def _value(self, node: str, call: wire.Call, doing: str, timeout: float | None) -> t.Any:
        deadline = self._deadline(doing, timeout)
        try:
            reply = self._exchange(node, call, deadline)
        except wire.Broken as broken:
            raise broken_error(broken, doing, node, seconds=deadline.seconds, mutating=False, option=_NODES) from broken
        except MigrationError as error:
            error.details.update(address=node, doing=doing)
            raise
        if reply.err != OK:
            raise server_error(reply.err, doing, address=node, hint=reply.hint)
        return reply.value

    def _exchange(self, node: str, call: wire.Call, deadline: Deadline) -> Reply:
        """One read, on the idle connection if there is one; if that turns out to be closed, once more on a new one."""
        with self._lock:
            channel = self._idle.pop(node, None)
        if channel is not None:
            try:
                return self._keep(channel, call, deadline)
            except wire.Broken as broken:
                if broken.kind != wire.LOST:
                    raise
        return self._keep(wire.Channel(node, self._settings), call, deadline)

    def _keep(self, channel: wire.Channel, call: wire.Call, deadline: Deadline) -> Reply:
        reply = channel.call(call, deadline)
        with self._lock:
            spare = self._idle.get(channel.address)
            self._idle[channel.address] = channel
        if spare is not None:
            spare.close()
        return reply
