# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference tool's last step: MetaProxy's entry, read and written as its Go library does it."""

from __future__ import annotations

import json

from lab.pegasus.reference_calls import Ended
from lab.pegasus.zookeeper_znodes import ZnodeMissing, Znodes, ZnodeTrouble


class MetaProxyEntry:
    """One znode. ``hosts`` is taken for a single server's address, whatever it holds."""

    def __init__(self, hosts: str, path: str) -> None:
        self._hosts = hosts
        self._path = path
        self._znodes = Znodes(hosts)

    async def connect(self) -> None:
        """Connect; Ended with the library's words for anything but one host:port."""
        if self._hosts.count(":") > 1:
            raise Ended("address %s: too many colons in address" % self._hosts)
        if "," in self._hosts:
            raise Ended("lookup %s: no such host" % self._hosts)
        try:
            await self._znodes.start()
        except ZnodeTrouble:
            pass  # the library connects in the background: the first request fails

    async def read(self) -> dict[str, str]:
        """The entry; a session's trouble reads as a missing entry."""
        try:
            data, _version = await self._znodes.get(self._path)
        except (ZnodeMissing, ZnodeTrouble):
            raise Ended("can't find the zk path: %s" % self._path) from None
        try:
            found = json.loads(data)
        except ValueError as error:
            raise Ended(str(error)) from error
        return {name: str(found.get(name, "")) for name in ("cluster_name", "meta_addrs")}

    async def write(self, cluster: str, addresses: str) -> str:
        """Write the entry, with nothing escaped and whatever the addresses are."""
        text = '{"cluster_name": "%s", "meta_addrs": "%s"}' % (cluster, addresses)
        try:
            _data, version = await self._znodes.get(self._path)
            await self._znodes.put(self._path, text.encode(), version)
        except (ZnodeMissing, ZnodeTrouble) as error:
            raise Ended(str(error)) from error
        return text

    def close(self) -> None:
        """End the session."""
        self._znodes.close()
