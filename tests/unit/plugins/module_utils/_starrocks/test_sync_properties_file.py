# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import Properties, render

SHIPPED = """\
# If true, all tables will be synchronized only once.
one_time_run_mode=false

source_fe_host=
source_fe_query_port=9030
  ! a comment, too \\
ddl_job_allow_drop_inconsistent_time_partition = true
report_interval_seconds: 300
"""


def test_shipped_form() -> None:
    assert Properties.parse(SHIPPED).as_dict() == {
        "one_time_run_mode": "false",
        "source_fe_host": "",
        "source_fe_query_port": "9030",
        "ddl_job_allow_drop_inconsistent_time_partition": "true",
        "report_interval_seconds": "300",
    }


def test_only_the_values_change() -> None:
    merged = Properties.parse(SHIPPED).merged(
        {
            "source_fe_host": "fe-0",
            "ddl_job_allow_drop_inconsistent_time_partition": "false",
            "report_interval_seconds": "60",
            "one_time_run_mode": "false",
        }
    )
    expected = SHIPPED.replace("source_fe_host=", "source_fe_host=fe-0")
    assert merged.text() == expected.replace("= true", "= false").replace(": 300", ": 60")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Each of these as java.util.Properties documents it.
        ("Truth = Beauty\n", {"Truth": "Beauty"}),
        ("  Truth:Beauty", {"Truth": "Beauty"}),
        ("Truth                    :Beauty\r\n", {"Truth": "Beauty"}),
        ("fruits  apple, banana, \\\n     pear, \\\r     mango", {"fruits": "apple, banana, pear, mango"}),
        ("cheeses", {"cheeses": ""}),
        ("a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
        ("a\\=b\\:\\ c = d ", {"a=b: c": "d "}),
        ("a==b", {"a": "=b"}),
        ("a = : b", {"a": ": b"}),
        ("a=\\u00e9\\uD83D\\uDE00\\q\\t", {"a": "\u00e9\U0001f600q\t"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=b\\\n# no comment", {"a": "b# no comment"}),
        ("a=b\\", {"a": "b"}),
        ("# c \\\na=b", {"a": "b"}),
        ("\f\n \t\n#\n", {}),
        (" \\\n#a=b\n", {}),
    ],
)
def test_read_as_java_reads(text: str, expected: dict[str, str]) -> None:
    properties = Properties.parse(text)
    assert properties.as_dict() == expected
    assert properties.text() == text


def test_malformed_escape_names_the_line() -> None:
    with pytest.raises(MigrationError, match="Line 3") as caught:
        Properties.parse("a=b\\\nc\nd=\\u12G4\n")
    assert caught.value.code == "starrocks.properties_malformed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a b\n", "a==c\n"), ("a\n", "a==c\n"), ("a = b\r\n", "a = =c\r\n"), ("a\\= b\na:b", "a\\= b\na:=c")],
)
def test_a_separator_that_is_none_for_every_value_is_replaced(text: str, expected: str) -> None:
    merged = Properties.parse(text).merged({"a": "=c"})
    assert merged.text() == expected
    assert Properties.parse(expected).as_dict()["a"] == "=c"


@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n", "\r\r", "\n\n"])
def test_a_backslash_at_the_end_of_the_file_joins_nothing_to_what_is_added(end: str) -> None:
    merged = Properties.parse("a=1\\" + end).merged({"b": "2"})
    assert Properties.parse(merged.text()).as_dict() == {"a": "1", "b": "2"}


@given(st.dictionaries(st.text(), st.text()))
def test_what_is_rendered_reads_the_same(values: dict[str, str]) -> None:
    text = render(values)
    assert text.isascii()
    assert Properties.parse(text).as_dict() == values


AWKWARD = st.text(alphabet="ab \\=:#!\r\n\t\fu0041'\"\u00e9\U0001f600", max_size=12)


@given(AWKWARD, st.dictionaries(AWKWARD, AWKWARD, max_size=4))
def test_merging_into_any_file_changes_these_properties_and_no_other(text: str, values: dict[str, str]) -> None:
    try:
        found = Properties.parse(text)
    except MigrationError:
        return
    assert found.text() == text
    again = Properties.parse(found.merged(values).text())
    assert again.as_dict() == {**found.as_dict(), **values}
    assert again.merged(values).text() == again.text()
