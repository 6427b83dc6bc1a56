# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test against a lab leaves behind it, which is no process; and a store for journals."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from bench import guards
from system import s3_bucket

# It holds fixtures and assertions of several files, which import it before they name it as a plugin.
pytest.register_assert_rewrite("system.starrocks_refusals")


@pytest.fixture(autouse=True)
def _no_guards_left(request: pytest.FixtureRequest) -> t.Iterator[None]:
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if isinstance(folder, pathlib.Path):
        guards.kill_below(folder)


@pytest.fixture(name="bucket")
def _bucket() -> t.Iterator[s3_bucket.Bucket]:
    with s3_bucket.serving() as bucket:
        yield bucket
