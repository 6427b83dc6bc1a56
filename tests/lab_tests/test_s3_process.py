# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 store is its own: what another one holds at the same time, or held before, is not in it."""

from __future__ import annotations

import contextlib

import pytest

from system import s3_bucket


def test_two_stores_have_a_bucket_of_the_same_name_each() -> None:
    with s3_bucket.serving() as first, s3_bucket.serving() as second:
        first.put("key", b"of the first")
        assert first.text == "of the first"
        assert second.text == ""


def test_it_ends() -> None:
    with contextlib.ExitStack() as stack:
        bucket = stack.enter_context(s3_bucket.serving())
    with pytest.raises(Exception, match="Could not connect"):
        bucket.put("key", b"too late")
