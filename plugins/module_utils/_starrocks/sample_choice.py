# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which partitions are counted exactly, and what such a sample can find. Pure."""

from __future__ import annotations

import hashlib
import math
import typing as t

Key = t.Tuple[str, str, str]


class Sampler:
    """Chooses ``size`` of all partitions that are offered, evenly, the same ones for the same seed and partitions.

    Those with the smallest hash are kept, so neither order nor number of the offers needs to be known before.
    """

    def __init__(self, size: int, seed: str) -> None:
        self.offered = 0
        self._size = size
        self._seed = seed
        self._kept: t.List[t.Tuple[bytes, Key, t.Any]] = []

    def offer(self, key: Key, versions: t.Any = None) -> None:
        """One partition: database, table, name; with its versions, see ``versions``."""
        self.offered += 1
        if self._size <= 0:
            return
        mark = hashlib.sha256("\0".join((self._seed, *key)).encode("utf-8")).digest()
        if len(self._kept) < self._size or mark < self._kept[-1][0]:
            self._kept.append((mark, key, versions))
            self._kept.sort()
            del self._kept[self._size :]

    def chosen(self) -> t.List[Key]:
        """The sample, in order of names."""
        return sorted(self.versions())

    def versions(self) -> t.Dict[Key, t.Any]:
        """What was offered with those of the sample."""
        return {key: versions for _mark, key, versions in self._kept}


def detection(partitions: int, sample: int, faulty: int) -> float:
    """The probability that at least one of ``faulty`` wrong partitions is among ``sample`` of ``partitions``."""
    faulty, sample = min(faulty, partitions), min(sample, partitions)
    if faulty <= 0 or sample <= 0:
        return 0.0
    if faulty + sample > partitions:
        return 1.0

    def ways(of: int) -> float:
        return math.lgamma(of + 1) - math.lgamma(sample + 1) - math.lgamma(of - sample + 1)

    return 1.0 - math.exp(ways(partitions - faulty) - ways(partitions))


def detection_result(partitions: int, sample: int) -> t.Dict[str, t.Any]:
    """What the sample finds: one wrong partition, 1 % of them wrong, 10 % of them wrong."""
    shares = {"one": 1, "one_percent": max(1, round(partitions / 100)), "ten_percent": max(1, round(partitions / 10))}
    return {
        "partitions": partitions,
        "sample": min(sample, partitions),
        "detects": {name: round(detection(partitions, sample, faulty), 4) for name, faulty in shares.items()},
    }
