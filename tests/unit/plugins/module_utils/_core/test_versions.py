# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version, VersionRange

VERSIONS = st.builds(
    Version,
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["", "alpha", "beta", "beta.2", "beta.11", "rc.1", "rc.2", "rc.1.1", "1"]),
)


def test_order_of_pre_releases() -> None:
    texts = ["0.17.2", "1.0.0-alpha", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0-rc.1.1", "1.0.0", "1.0.1"]
    parsed = [Version.parse(text) for text in texts]
    assert all(one < two for one, two in zip(parsed, parsed[1:]))
    assert Version.parse("1.0.0-1") < Version.parse("1.0.0-alpha")
    assert Version.parse("1.0.0-rc.2") > Version.parse("1.0.0-beta.2")


@given(VERSIONS, VERSIONS, VERSIONS)
def test_a_total_order(one: Version, two: Version, three: Version) -> None:
    assert (one < two) + (one == two) + (one > two) == 1
    assert (one == two) is (hash(one) == hash(two) and str(one) == str(two))
    if one <= two <= three:
        assert one <= three


@given(VERSIONS)
def test_text_parses_back(version: Version) -> None:
    assert Version.parse(str(version)) == version


def test_forms() -> None:
    assert str(Version.parse(" v1.2 ")) == "1.2.0"
    assert Version.parse("1.2.3+build.5") == Version(1, 2, 3)
    for bad in ("", "1", "1.x", "one.two.three", "1.2.3.4.5", "8.4.2 greptimedb"):
        with pytest.raises(ValueError, match="not a version"):
            Version.parse(bad)


def test_ranges() -> None:
    inside = VersionRange(">=0.14.0,<0.15.0")
    assert Version.parse("0.14.0") in inside
    assert Version.parse("0.14.9") in inside
    assert Version.parse("0.13.9") not in inside
    assert not inside.contains(Version.parse("0.15.0"))
    assert Version.parse("0.9.3") in VersionRange("<0.9.4")
    assert Version.parse("0.9.4") not in VersionRange("<0.9.4")
    assert Version.parse("0.9.4-rc.1") in VersionRange("<0.9.4")
    assert Version.parse("2.0.0") in VersionRange()
    assert Version.parse("2.0.0") in VersionRange("")
    assert Version.parse("1.0.0") in VersionRange("==1.0.0")
    assert Version.parse("1.0.1") in VersionRange("> 1.0.0, <= 1.0.1")


def test_alternatives() -> None:
    either = VersionRange("<0.9.4", ">=0.15.5,<0.16.0")
    assert [Version.parse(text) in either for text in ("0.9.3", "0.12.0", "0.15.5", "0.16.0")] == [
        True,
        False,
        True,
        False,
    ]
    assert str(either) == "<0.9.4 or >=0.15.5,<0.16.0"


def test_unreadable_condition() -> None:
    with pytest.raises(ValueError, match="not a version condition"):
        VersionRange("0.7.0 - 0.8.2")
