# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""Reading along in a journal on S3 from the controller, with the task's options or what boto3 finds there by itself."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import (
    OBJECT,
    S3Options,
    make_client,
    split_location,
)
from ansible_collections.dbops.migration.plugins.plugin_utils._journal_tail import Entry, entries_of


class S3Tail:
    """The entries that are appended from the first ``read`` on."""

    pause = 2.0

    def __init__(self, location: str, options: S3Options) -> None:
        """InvalidOption for a location without bucket or prefix."""
        self._bucket, self._prefix = split_location(location)
        self._options = options
        self._client: t.Any = None
        self._after = ""
        self._useless = False

    def read(self) -> t.List[Entry]:
        """What is new; nothing ever where the controller may not read, or has no library for it."""
        if self._useless:
            return []
        try:
            return self._new()
        except Exception:
            # Whatever it is, the module tells of it where it matters. This is only for the eyes.
            self._useless = not self._after
            return []

    def _new(self) -> t.List[Entry]:
        if self._client is None:
            self._client = make_client(self._options)
        keys = self._keys()
        if not self._after:
            self._after = keys[-1] if keys else self._prefix
            return []
        found: t.List[Entry] = []
        for key in keys:
            found += entries_of(bytes(self._get(key)).split(b"\n"))
            self._after = key
        return found

    def _keys(self) -> t.List[str]:
        where = {"Bucket": self._bucket, "Prefix": self._prefix, "StartAfter": self._after or self._prefix}
        pages = self._client.get_paginator("list_objects_v2").paginate(**where)
        keys = [str(item["Key"]) for page in pages for item in page.get("Contents", [])]
        return sorted(key for key in keys if key > self._after and OBJECT.fullmatch(key[len(self._prefix) :]))

    def _get(self, key: str) -> t.Any:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
