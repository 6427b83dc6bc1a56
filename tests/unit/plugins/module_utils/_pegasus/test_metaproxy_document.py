# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a table, as a MetaProxy would read it."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import metaproxy_document as md
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import switch

METAS = ("10.1.0.1:34601", "10.1.0.2:34601")
GOOD = b'{"cluster_name": "onebox-a", "meta_addrs": "10.0.0.1:34601,10.0.0.2:34601"}'
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_other_keys_stay_in_their_places() -> None:
    former = b'{"owner": "x", "cluster_name": "onebox-a", "meta_addrs": "a:1,b:1", "n": {"k": [1, null]}}'
    raw = md.pointing_at(former, "onebox-b", METAS, "/p")
    assert list(json.loads(raw)) == ["owner", "cluster_name", "meta_addrs", "n"]
    assert json.loads(raw)["n"] == {"k": [1, None]}
    assert md.parse(raw, "/p").meta_addrs == METAS


def test_what_says_so_already_comes_back_byte_for_byte() -> None:
    former = b' {"meta_addrs":"10.1.0.1:34601,10.1.0.2:34601",  "cluster_name":"onebox-b"}\n'
    assert md.pointing_at(former, "onebox-b", METAS, "/p") is former


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.text(min_size=1))
def test_every_document_that_is_written_can_be_read(others: t.Dict[str, t.Any], name: str) -> None:
    others.update(cluster_name="a", meta_addrs="a:1,b:1")
    raw = md.pointing_at(json.dumps(others).encode(), name, METAS, "/p")
    found = md.parse(raw, "/p")
    assert (found.cluster_name, found.meta_addrs) == (name, METAS)
    assert {key: value for key, value in found.fields.items() if key not in ("cluster_name", "meta_addrs")} == {
        key: value for key, value in others.items() if key not in ("cluster_name", "meta_addrs")
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"cluster_name": "a"}',
        b'{"cluster_name": "", "meta_addrs": "a:1,b:1"}',
        b'{"cluster_name": "a", "meta_addrs": ["a:1", "b:1"]}',
        b'{"cluster_name": "a", "meta_addrs": "a:1"}',
        b'{"cluster_name": "a", "meta_addrs": "a:1, b:1"}',
        b'{"cluster_name": "a", "meta_addrs": "a:1,,b:1"}',
        b'{"cluster_name": "a", "cluster_name": "b", "meta_addrs": "a:1,b:1"}',
        b'{"cluster_name": "a", "meta_addrs": "a:1,b:1", "n": NaN}',
        b'\xff{"cluster_name": "a", "meta_addrs": "a:1,b:1"}',
    ],
)
def test_what_a_metaproxy_would_choke_on_is_refused(raw: bytes) -> None:
    with pytest.raises(MigrationError) as caught:
        md.parse(raw, "/metaproxy/temp")
    assert caught.value.code == "pegasus.znode_malformed"
    assert "/metaproxy/temp" in caught.value.message


def test_one_address_is_never_written() -> None:
    with pytest.raises(MigrationError):
        md.pointing_at(GOOD, "onebox-b", METAS[:1], "/p")


@given(st.binary())
def test_bytes_survive_their_state_in_the_journal(raw: bytes) -> None:
    assert switch.data_of(json.loads(json.dumps(switch.state(raw)))) == raw
