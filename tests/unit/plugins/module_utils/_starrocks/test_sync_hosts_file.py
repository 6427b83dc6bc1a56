# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import hosts_file as hf
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.address_map import parse_mapped_host
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import Properties

NEW = "# <SOURCE/TARGET>_<host>=<mappedHost>[;<srcPort>:<dstPort>[,<srcPort>:<dstPort>...]]\n"
OLD = "# <SOURCE/TARGET>_<domain>=<IP>\n"


def side(name: str, addresses: t.Any, hosts: t.Any = ()) -> hf.Side:
    problems: list[InvalidOption] = []
    prefix = "target_" if name == hf.TARGET else ""
    found = hf.read_side({f"{prefix}address_map": addresses, f"{name.lower()}_hosts": hosts}, name, problems)
    assert not problems
    return found


def test_the_example_of_the_manual() -> None:
    source = side(hf.SOURCE, {"192.1.1.1": "10.1.1.1;8030:38030,9030:39030", "192.1.1.2": "10.1.1.2"})
    target = side(hf.TARGET, {"fe-0.starrocks.svc.cluster.local": "10.1.2.1;9030:19030"})
    assert hf.hosts_text(NEW, [source, target]) == NEW + (
        "SOURCE_192.1.1.1=10.1.1.1;8030:38030,9030:39030\n"
        "SOURCE_192.1.1.2=10.1.1.2\n"
        "TARGET_fe-0.starrocks.svc.cluster.local=10.1.2.1;9030:19030\n"
    )


def test_grammar_is_told_by_the_shipped_comment() -> None:
    assert [hf.grammar_of(text) for text in (NEW, OLD, "", "a=<IP>")] == [hf.MAPPED, hf.ADDRESS, hf.MAPPED, hf.MAPPED]
    mapped = side(hf.SOURCE, {"a": "10.0.0.1;1:2", "b": "gateway", "c": "10.0.0.1"})
    assert hf.grammar_problems(mapped, hf.MAPPED) == []
    told = [problem.message for problem in hf.grammar_problems(mapped, hf.ADDRESS)]
    assert len(told) == 2
    assert "a has ports mapped" in told[0]
    assert "b is mapped to the name gateway" in told[1]


def test_hosts_are_compared_letter_by_letter() -> None:
    one = side(hf.TARGET, {"FE-0.local": "10.0.0.1", "10.2.0.11": "127.0.0.1"}, [{"host": "fe-0.local"}, "10.2.0.11"])
    (problem,) = hf.literal_problems(one)
    assert problem.option == "target_address_map"
    assert "FE-0.local is none of the hosts of the target cluster" in problem.message
    assert hf.unmapped_names(one) == ["fe-0.local"]
    assert hf.literal_problems(side(hf.TARGET, {"anything": "10.0.0.1"})) == []


def test_everything_that_is_wrong_is_told() -> None:
    problems: list[InvalidOption] = []
    hf.read_side({"address_map": '{"a": "x;", "b": "y;1"}', "source_hosts": [{"name": "c"}, 5]}, hf.SOURCE, problems)
    assert [problem.option for problem in problems] == [
        "address_map[a]",
        "address_map[b]",
        "source_hosts",
        "source_hosts",
    ]


HOST = st.from_regex(r"[a-z0-9.:-]{1,20}", fullmatch=True)


@given(st.dictionaries(HOST, st.dictionaries(st.integers(1, 65535), st.integers(1, 65535), max_size=3), max_size=5))
def test_what_is_written_is_what_was_meant(wanted: dict[str, dict[int, int]]) -> None:
    values = {
        host: "10.0.0.1" + (";" + ",".join(f"{a}:{b}" for a, b in ports.items()) if ports else "")
        for host, ports in wanted.items()
    }
    found = Properties.parse(hf.hosts_text(NEW, [side(hf.SOURCE, values)])).as_dict()
    assert {key: dict(parse_mapped_host(value, key).ports) for key, value in found.items()} == {
        f"SOURCE_{host}": ports for host, ports in wanted.items()
    }
