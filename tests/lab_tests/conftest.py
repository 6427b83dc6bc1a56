# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs for the lab's own tests: one per profile and options, kept for the session, no writers unless asked for."""

from __future__ import annotations

import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs

LabFactory = t.Callable[..., LabClient]


@pytest.fixture(scope="session")
def _embedded() -> t.Iterator[EmbeddedLabs]:
    labs = EmbeddedLabs()
    yield labs
    labs.close()


@pytest.fixture(scope="session")
def shared_lab(_embedded: EmbeddedLabs) -> LabFactory:
    """A lab for tests that leave it as it was, or that use a region of their own; its clock goes slowly."""
    known: dict[t.Any, LabClient] = {}

    def lab(profile: str, **options: t.Any) -> LabClient:
        key = (profile, tuple(sorted(options.items())))
        if key not in known:
            known[key] = _embedded.start(profile=profile, **{"writers": 0, "factor": 2, **options})
        return known[key]

    return lab


@pytest.fixture
def new_lab(_embedded: EmbeddedLabs) -> t.Iterator[LabFactory]:
    """Labs of the test's own, ended with it."""
    started: list[LabClient] = []

    def lab(profile: str, **options: t.Any) -> LabClient:
        started.append(_embedded.start(profile=profile, **{"writers": 0, "factor": 20, **options}))
        return started[-1]

    yield lab
    for client in started:
        _embedded.stop(client)


@pytest.fixture
def pegasus_lab(_embedded: EmbeddedLabs) -> t.Iterator[LabFactory]:
    """Pegasus labs of the test's own, ended with it: one small table, no clients, no MetaProxy, a fast clock."""
    started: list[LabClient] = []
    small = {"factor": 100, "partitions": 4, "clients": 0, "no_metaproxy": True}

    def lab(profile: str, **options: t.Any) -> LabClient:
        started.append(_embedded.start("pegasus", profile, **{**small, **options}))
        return started[-1]

    yield lab
    for client in started:
        _embedded.stop(client)


STARROCKS = {"factor": 100, "tables": 8, "rate": 0, "no_s3": True}


@pytest.fixture
def starrocks_lab(_embedded: EmbeddedLabs) -> t.Iterator[LabFactory]:
    """StarRocks labs of the test's own, ended with it: a few tables, no writers, no S3 server, a fast clock."""
    started: list[LabClient] = []

    def lab(profile: str, **options: t.Any) -> LabClient:
        started.append(_embedded.start("starrocks", profile, **{**STARROCKS, **options}))
        return started[-1]

    yield lab
    for client in started:
        _embedded.stop(client)


@pytest.fixture(scope="session")
def starrocks_shared(_embedded: EmbeddedLabs) -> LabFactory:
    """A StarRocks lab for tests that leave it as it was; its clock goes slowly, since all of them run side by side."""
    known: dict[t.Any, LabClient] = {}

    def lab(profile: str, **options: t.Any) -> LabClient:
        key = (profile, tuple(sorted(options.items())))
        if key not in known:
            known[key] = _embedded.start("starrocks", profile, **{**STARROCKS, "factor": 2, **options})
        return known[key]

    return lab
