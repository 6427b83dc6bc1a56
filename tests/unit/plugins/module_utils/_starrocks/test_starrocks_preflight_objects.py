# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a source moves, what does not, what is hidden, and what the sync tool may drop."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import inventory_tables as tables
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import preflight_details as details
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_objects import (
    INDEX_KINDS,
    KINDS,
    VERDICTS,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_read import Asker, read_objects
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import Native, Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_look import health_of
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_objects import inventory_result
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_request import read_request
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    SOURCE,
    TARGET,
    Details,
    Health,
    Objects,
    Written,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_whole import tables_by_volume
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import DROPS
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.starrocks_preflight_cases import (
    DATA,
    NO_DROPS,
    NOTHING,
    cluster,
    ids,
    judged,
    only,
    view,
)

BY_NAME = {kind.name: kind for kind in (*KINDS, *INDEX_KINDS)}


def base(name: str, kind: str = "BASE TABLE", engine: str = "StarRocks", database: str = "d") -> Table:
    return Table(database, name, kind, engine)


# What is seen


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5)),
)
def test_hidden_tables_are_those_that_are_counted_and_not_seen(there: t.Dict[str, int], seen: t.Dict[str, int]) -> None:
    shown = [base(str(number), database=name) for name, count in seen.items() for number in range(count)]
    missing = tables.hidden(there, shown, {})
    for name, count in there.items():
        assert missing.get(name, 0) == max(0, count - seen.get(name, 0))


def test_temporary_tables_hide_nothing() -> None:
    assert tables.hidden({"d": 2}, [base("a")], {"d": 1}) == {}
    assert tables.hidden({"d": 3}, [base("a")], {"d": 1}) == {"d": 1}


def test_hidden_tables_are_a_blocker_on_both_sides() -> None:
    for role in (SOURCE, TARGET):
        sides = {role: cluster(role, databases={"d": 9})}
        found = only(judged(sides.get(SOURCE), sides.get(TARGET)), "privileges.hidden_tables")
        assert found.severity == "blocker" and found.evidence["hidden_tables"] == {"d": 7 if role == SOURCE else 9}


def test_without_operate_nothing_is_certain() -> None:
    found = only(judged(cluster(SOURCE, databases=None, problems={"databases": "denied"})), "privileges.operate")
    assert found.severity == "blocker" and found.evidence == {"databases": "denied"}
    assert "inventory.unknown" in ids(judged(cluster(SOURCE, tables=None, problems={"tables": "no node"})), "blocker")


def test_tables_whose_properties_were_not_told() -> None:
    old = judged(cluster(SOURCE, "2.5.0", natives=None))
    assert ids(old, "blocker") == [] and "inventory.properties_unknown" in ids(old)
    failed = judged(cluster(SOURCE, natives=None, problems={"natives": "no node"}))
    assert only(failed, "inventory.unknown").evidence == {"natives": "no node"}


# What is selected


def test_lists_that_name_nothing() -> None:
    found = judged(scope=Scope(frozenset({"d.a", "d.c", "e"}), frozenset({"d.x"})))
    assert only(found, "selection.unknown").evidence == ["d.c", "e"]
    assert only(found, "selection.excluded_unknown").severity == "warning"
    assert ids(judged(scope=Scope(frozenset({"d"}))), "blocker") == []
    assert "selection.empty" in ids(judged(scope=Scope(exclude=frozenset({"d"}))), "blocker")


def test_an_empty_database_may_be_named() -> None:
    assert "selection.unknown" not in ids(
        judged(cluster(SOURCE, databases={"d": 2, "e": 0}), scope=Scope(frozenset({"d", "e"})))
    )


# Tables


def test_tables_that_need_care_are_told_with_verdict_and_query() -> None:
    natives = (
        Native("d", "a", "OLAP", "RANGE", "", ()),
        Native("d", "b", "OLAP", "HASH", "", (tables.COLOCATED, tables.DYNAMIC)),
    )
    source = cluster(
        SOURCE, tables=(base("a"), base("b"), base("m", engine="MYSQL")), natives=natives, databases={"d": 3}
    )
    seen = Details(
        auto_increment=("d.a",), generated=("d.a.c",), temporary_partitions=("d.a.p",), altering=("d.b",), unread=3
    )
    found = judged(source, details=seen)
    assert ids(found, "blocker") == ["table.range_distribution", "table.auto_increment"]
    assert only(found, "table.external").evidence["first"] == ["d.m"]
    assert only(found, "table.auto_increment").evidence["verdict"] == "unsupported"
    assert only(found, "table.auto_increment_unknown").evidence["tables_not_looked_at"] == 3
    for name in ("generated_columns", "temporary_partitions", "altering"):
        assert only(found, f"table.{name}").severity == "warning"
    for name in ("colocated", "dynamic_partition"):
        assert only(found, f"table.{name}").severity == "info"
    assert all(
        one.evidence["query"] for one in found if one.id.startswith("starrocks.table.") and "verdict" in one.evidence
    )


def test_what_is_excluded_needs_no_care() -> None:
    source = cluster(SOURCE, tables=(base("a"), base("m", engine="MYSQL")))
    assert "table.external" not in ids(judged(source, scope=Scope(exclude=frozenset({"d.m"}))))


def test_many_names_are_counted_and_cut() -> None:
    names = tuple(f"d.t{number}" for number in range(5000))
    found = only(judged(details=Details(auto_increment=names)), "table.auto_increment")
    assert found.evidence["count"] == 5000 and len(found.evidence["first"]) == 20


def test_rows_become_small_records() -> None:
    rows = Rows(
        ("TABLE_SCHEMA", "TABLE_NAME", "TABLE_ENGINE", "TABLE_MODEL", "DISTRIBUTE_TYPE", "PROPERTIES"),
        (
            (
                "d",
                "a",
                "CLOUD_NATIVE",
                "PRIMARY_KEYS",
                "HASH",
                json.dumps({"storage_volume": "v", "persistent_index_type": "LOCAL"}),
            ),
            (
                "d",
                "b",
                "OLAP",
                "DUP_KEYS",
                "RANDOM",
                json.dumps({"colocate_with": "g", "dynamic_partition.enable": "true"}),
            ),
            ("default_cluster:d", "c", "OLAP", "DUP_KEYS", None, "no json"),
            ("_statistics_", "x", "OLAP", "DUP_KEYS", "HASH", "{}"),
        ),
    )
    assert tables.decode_natives(rows) == (
        Native("d", "a", "CLOUD_NATIVE", "HASH", "v", (tables.PRIMARY_KEY, tables.LOCAL_INDEX)),
        Native("d", "b", "OLAP", "RANDOM", "", (tables.COLOCATED, tables.DYNAMIC)),
        Native("d", "c", "OLAP", "", "", ()),
    )


def test_databases_of_old_versions_carry_a_prefix() -> None:
    rows = Rows(("DbId", "DbName", "TableNum"), (("1", "default_cluster:d", "3"), ("2", "information_schema", "40")))
    assert tables.decode_databases(rows) == {"d": 3}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ('`id` bigint(20) NOT NULL AUTO_INCREMENT COMMENT ""', True),
        ('`id` bigint(20) NOT NULL COMMENT "no AUTO_INCREMENT here"', False),
        ('`id` bigint(20) DEFAULT "a \\" AUTO_INCREMENT"', False),
        ("`auto_increment_id` bigint(20)", False),
        ("`auto_increment` bigint(20) NOT NULL", False),
    ],
)
def test_auto_increment_is_read_outside_of_texts(statement: str, found: bool) -> None:
    assert details.has_auto_increment(statement) is found


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ('`c` varchar(9) DEFAULT "a\\r" COMMENT ""', True),
        ('`c` varchar(9) DEFAULT "a\nb"', True),
        ('`c` varchar(9) DEFAULT "a b" COMMENT "\\n"', False),
    ],
)
def test_control_characters_in_defaults(statement: str, found: bool) -> None:
    assert details.has_control_characters(statement) is found


def test_totals_are_not_added_to_themselves() -> None:
    columns = ("DbId", "DbName", "UnhealthyTabletNum", "InconsistentTabletNum", "ErrorStateTabletNum")
    rows = Rows(columns, (("1", "d", "2", "0", "1"), ("2", "e", "1", "0", "0"), ("Total", "2", "3", "0", "1")))
    assert health_of(rows) == Health(3, 0, 1)


# Objects


def test_kinds_are_told_apart() -> None:
    assert len(BY_NAME) == len(KINDS) + 2
    assert all(kind.verdict in VERDICTS and kind.remedy.endswith((".", "too.")) for kind in BY_NAME.values())
    assert all("{database}" in kind.query for kind in KINDS if kind.database)


def objects(name: str, *names: str, **more: t.Any) -> Objects:
    return Objects(BY_NAME[name], names, **more)


def test_a_switch_changes_the_verdict() -> None:
    seen = (objects("view", "d.v"),)
    assert only(judged(objects=seen), "object.view").evidence["verdict"] == "needs_switch"
    found = only(judged(objects=seen, properties={**NO_DROPS, "enable_view_sync": "true"}), "object.view")
    assert (found.severity, found.evidence["verdict"]) == ("info", "migrated")


def test_materialized_views_that_are_moved_have_no_data_yet() -> None:
    seen = (objects("materialized_view", "d.v"),)
    moved = judged(objects=seen, properties={**NO_DROPS, "enable_materialized_view_sync": "true"})
    remedy = only(moved, "object.materialized_view").remedy
    assert "refresh" in remedy and "base tables" in remedy


def test_what_could_not_be_seen_is_told() -> None:
    seen = (objects("resource", problem="denied"), objects("plugin"))
    found = judged(objects=seen, details=Details(problems={"generated_columns": "no node"}))
    assert only(found, "inventory.not_visible").evidence == {"resource": "denied", "generated_columns": "no node"}
    assert not [one for one in found if one.id.startswith("starrocks.object.")]


def test_databases_that_were_not_asked_are_told_of() -> None:
    seen = (objects("view"), objects("function"), objects("small_file", "a.pem"))
    found = only(judged(objects=seen, unasked=30), "inventory.databases_unasked")
    assert found.evidence == {"databases_not_asked": 30, "limit": 20, "kinds": ["function", "small_file", "altering"]}
    assert "deep: true" in found.remedy
    listed = {one["kind"]: one["looked_at"] for one in inventory_result(view(objects=seen, unasked=30))}
    assert listed == {"table": True, "view": True, "function": False, "small_file": False}
    assert "inventory.databases_unasked" not in ids(judged(objects=seen))


def test_the_inventory_has_every_kind() -> None:
    seen = (objects("view", "d.v"), objects("task", problem="denied"))
    listed = inventory_result(view(objects=seen))
    assert [(one["kind"], one["verdict"], one["count"], one["looked_at"]) for one in listed] == [
        ("table", "migrated", 2, True),
        ("view", "needs_switch", 1, True),
        ("task", "recreate", 0, False),
    ]


class Server:
    """Answers by the beginning of the statement: rows, or the code of an error."""

    def __init__(self, **answers: t.Any) -> None:
        self.answers = answers
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        for words, answer in self.answers.items():
            if words in sql:
                if isinstance(answer, str):
                    raise MigrationError(f"starrocks.{answer}", "no", server_text="Access denied")
                return Rows(*answer)
        raise MigrationError("starrocks.syntax", "no such statement")


def profile_of(version: str, mode: str = DATA) -> Profile:
    parsed = parse_version(version)
    assert parsed is not None
    return Profile.choose(parsed, mode)


def read(
    server: Server, databases: t.Sequence[str] = ("d",), version: str = "3.5.0", mode: str = DATA
) -> t.Dict[str, Objects]:
    found = read_objects(Asker(server), databases, lambda name: name == "d", profile_of(version, mode))
    return {one.kind.name: one for one in found}


def test_objects_of_databases_that_are_not_selected_do_not_count() -> None:
    mvs = (
        ("TABLE_SCHEMA", "TABLE_NAME", "REFRESH_TYPE", "IS_ACTIVE"),
        (
            ("d", "m", "ASYNC", "true"),
            ("d", "r", "ROLLUP", "true"),
            ("e", "m", "ASYNC", "true"),
            ("d", "i", "MANUAL", "false"),
        ),
    )
    server = Server(materialized_views=mvs)
    found = read(server)
    assert found["materialized_view"].names == ("d.i", "d.m")
    assert found["inactive_materialized_view"].names == ("d.i",)
    assert found["rollup"].names == ("d.r",)
    assert sum("materialized_views" in sql for sql in server.asked) == 1


def test_accounts_that_every_cluster_has_do_not_count() -> None:
    server = Server(
        USERS=(("User",), (("'root'@'%'",), ("'app'@'%'",))),
        ROLES=(("Name",), (("db_admin",), ("readers",), ("public",))),
        CATALOGS=(("Catalog", "Type", "Comment"), (("default_catalog", "Internal", ""), ("lake", "Iceberg", ""))),
        WAREHOUSES=(("Id", "Name"), (("0", "default_warehouse"), ("1", "etl"))),
        PLUGINS=(
            ("Name", "Type", "Sources"),
            (("__builtin_AuditLogBuilder", "AUDIT", "Builtin"), ("AuditLoader", "AUDIT", "/opt/auditloader.zip")),
        ),
        GROUPS=(("name",), (("default_mv_wg",), ("default_wg",), ("etl",))),
    )
    found = read(server)
    assert (found["plugin"].names, found["resource_group"].names) == (("AuditLoader",), ("etl",))
    assert (found["user"].names, found["role"].names) == (("'app'@'%'",), ("readers",))
    assert (found["external_catalog"].names, found["warehouse"].names) == (("lake",), ("etl",))
    assert "warehouse" not in read(server, mode=NOTHING)


def test_a_statement_that_the_version_should_know_is_not_taken_for_none() -> None:
    found = read(Server(RESOURCES="access_denied"))
    assert found["resource"].problem and found["group_provider"].problem
    assert "group_provider" not in read(Server(), version="3.4.9")


@pytest.mark.parametrize(
    ("kind", "first", "before"),
    [
        ("global_function", "3.0.0", "2.5.0"),
        ("pipe", "3.2.0", "3.1.17"),
        ("warehouse", "3.3.0", "3.2.16"),
        ("dictionary", "3.3.0", "3.2.16"),
        ("temporary_table", "3.3.1", "3.3.0"),
        ("security_integration", "3.5.0", "3.4.4"),
    ],
)
def test_kinds_are_asked_for_from_their_first_release_on(kind: str, first: str, before: str) -> None:
    assert kind in read(Server(), version=first) and kind not in read(Server(), version=before)


def test_old_sources_are_asked_as_they_understand() -> None:
    jobs = (
        ("Id", "Name", "DbName", "State"),
        (("1", "clicks", "default_cluster:d", "RUNNING"), ("2", "gone", "default_cluster:d", "STOPPED")),
    )
    server = Server(
        **{
            "SHOW ALL ROUTINE LOAD FROM": jobs,
            "AUTHENTICATION": (("UserIdentity", "Password"), (("'root'@'%'", "Yes"), ("'app'@'%'", "Yes"))),
        }
    )
    found = read(server, version="2.5.0")
    assert (found["routine_load"].names, found["routine_load"].problem) == (("d.clicks",), "")
    assert (found["user"].names, found["user"].problem) == (("'app'@'%'",), "")
    assert "SHOW ALL ROUTINE LOAD FROM `d`" in server.asked
    read(server, version="3.1.0")
    assert {"SHOW USERS", BY_NAME["routine_load"].query} <= set(server.asked)


def test_words_that_the_grammar_reserves_are_quoted() -> None:
    assert "SELECT `DATABASE`, TASK_NAME" in BY_NAME["task"].query


# Details


def look(
    server: Server, version: str = "3.5.0", databases: t.Sequence[str] = ("d",), count: int = 1, deep: bool = False
) -> Details:
    natives = [base(f"t{number}") for number in range(count)]
    return details.read_details(Asker(server), profile_of(version), Scope(), natives, databases, deep)


def created(*lines: str) -> t.Tuple[t.Tuple[str, ...], t.Tuple[t.Tuple[str, ...], ...]]:
    text = 'CREATE TABLE `t0` (\n  %s\n) ENGINE=OLAP \nDUPLICATE KEY(`a`)\nCOMMENT "INDEX no (`a`) USING BITMAP"\n'
    return ("Table", "Create Table"), (("t0", text % ",\n  ".join(lines)),)


def test_indexes_are_told_by_create_table_only() -> None:
    lines = (
        '`a` varchar(9) NULL COMMENT "\n  INDEX no (`a`) USING BITMAP, it\'s a text"',
        '`INDEX` int(11) NULL COMMENT ""',
        "INDEX `by``a` (`a`) USING BITMAP COMMENT 'the \"best\"'",
        "INDEX plain (`a`) USING BITMAP",
        'INDEX `words` (`a`) USING GIN("parser" = "english") COMMENT \'\'',
        'INDEX `grams` (`a`) USING NGRAMBF("gram_num" = "4") COMMENT \'\'',
        'INDEX `near` (`a`) USING VECTOR ("dim" = "3") COMMENT \'\'',
    )
    server = Server(**{"SHOW CREATE TABLE": created(*lines)})
    found = look(server)
    assert found.bitmap_indexes == ("d.t0.by`a", "d.t0.plain")
    assert found.other_indexes == ("d.t0.words", "d.t0.grams", "d.t0.near")
    assert not any("information_schema.statistics" in sql for sql in server.asked)
    told = judged(objects=details.index_objects(found))
    assert only(told, "object.bitmap_index").evidence["verdict"] == "needs_switch"
    assert only(told, "object.other_index").evidence["count"] == 3


@pytest.mark.parametrize(("count", "deep", "unread"), [(1001, False, 1001), (1001, True, 0), (1000, False, 0)])
def test_indexes_of_tables_that_were_not_read_are_unknown(count: int, deep: bool, unread: int) -> None:
    found = look(Server(**{"SHOW CREATE TABLE": created("`a` int(11)")}), count=count, deep=deep)
    assert found.unread == unread
    told = judged(objects=details.index_objects(found))
    blind = [one for one in told if one.id == "starrocks.inventory.not_visible"]
    assert bool(blind) is bool(unread)
    for one in blind:
        assert list(one.evidence) == ["bitmap_index", "other_index"] and "1001 tables" in one.evidence["other_index"]
    listed = inventory_result(view(objects=details.index_objects(None)))
    assert [one["looked_at"] for one in listed[1:]] == [False, False]


def test_running_alters_are_told_whatever_else_fails() -> None:
    running = (("TableName", "State"), (("a", "RUNNING"), ("b", "FINISHED")))
    old = look(Server(**{"TABLE COLUMN": running, "TABLE ROLLUP": (("TableName", "State"), ())}), "3.1.17")
    assert old.altering == ("d.a",) and not any(name.startswith("altering") for name in old.problems)
    server = Server(**{"TABLE COLUMN": running, "TABLE ROLLUP": "access_denied"})
    found = look(server)
    assert found.altering == ("d.a",)
    assert {"altering_rollup", "altering_optimize", "generated_columns", "colocation_groups"} <= set(found.problems)
    told = judged(details=found)
    assert "table.altering" in ids(told) and only(told, "inventory.not_visible").evidence == found.problems


def test_a_cluster_out_of_reach_is_no_finding() -> None:
    with pytest.raises(MigrationError) as caught:
        read(Server(views="unreachable"))
    assert caught.value.code == "starrocks.unreachable"


# The tool


def test_drops_that_nobody_asked_for_block_by_name() -> None:
    found = ids(judged(properties={}), "blocker")
    assert found == [
        "tool.ddl_job_allow_drop_schema_change_table",
        "tool.ddl_job_allow_drop_inconsistent_partition",
        "tool.ddl_job_allow_drop_inconsistent_time_partition",
        "tool.ddl_job_allow_drop_partition_target_only",
    ]


def test_drops_that_were_asked_for_only_warn() -> None:
    asked = dict.fromkeys(DROPS, "true")
    found = judged(properties=asked)
    assert ids(found, "blocker") == ["tool.ddl_job_allow_drop_target_only"]
    assert len(ids(found, "warning")) == 4
    assert ids(judged(properties=NO_DROPS)) == []


def test_an_acceptance_is_only_offered_where_it_is_enough() -> None:
    """The sync tool's module takes none for what nobody has spoken of, and no property that its release has not."""
    name = "ddl_job_allow_drop_schema_change_table"
    remedy = only(judged(properties={}), f"tool.{name}").remedy
    assert f"Set {name}" in remedy and "has no such property, accept" in remedy
    wholly = "ddl_job_allow_drop_target_only"
    assert "Accept" in only(judged(properties={**NO_DROPS, wholly: "true"}), f"tool.{wholly}").remedy


def test_drops_of_views_need_their_switch() -> None:
    switched = {**NO_DROPS, "ddl_job_allow_drop_inconsistent_view": "true", "enable_view_sync": "true"}
    assert ids(judged(properties=switched)) == ["tool.ddl_job_allow_drop_inconsistent_view"]


def test_what_target_only_would_drop_is_named() -> None:
    there = (base("a"), base("mine"), base("t", database="other"))
    target = cluster(TARGET, tables=there, databases={"d": 2, "other": 1})
    found = judged(target=target, properties={**NO_DROPS, "ddl_job_allow_drop_target_only": "true"})
    finding = only(found, "tool.ddl_job_allow_drop_target_only")
    assert finding.severity == "blocker"
    assert finding.evidence["would_be_dropped"] == {"count": 2, "first": ["d.mine", "other"]}


@pytest.mark.parametrize(
    ("mode", "given", "blocks"), [(NOTHING, False, True), (NOTHING, True, False), (DATA, False, False)]
)
def test_the_token(mode: str, given: bool, blocks: bool) -> None:
    found = judged(cluster(SOURCE, "4.1.0", mode), cluster(TARGET, "4.1.0", mode), token_given=given)
    assert ("tool.token_missing" in ids(found, "blocker")) is blocks


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (Written({}), []),
        (Written({"d.a": 2}), ["target.table_written"]),
        (Written({"d.zzz": 2}), []),
        (Written(None, "no node"), ["target.data_unknown"]),
    ],
)
def test_tables_that_the_target_has_already(written: Written, found: t.List[str]) -> None:
    target = cluster(TARGET, tables=(base("a"),), databases={"d": 1})
    assert ids(judged(target=target, written=written), "blocker") == found
    assert ids(judged(written=Written(None, "no node"))) == []


@pytest.mark.parametrize("written", [Written({"d.m": 3}), Written(None, "no node")])
def test_materialized_views_of_the_target_are_filled_there(written: Written) -> None:
    """Their refreshes write to them, and no copy does; so they are in nobody's way when it is run again."""
    views = tuple(Table("d", name, "VIEW", "") for name in ("m", "v"))
    source = cluster(SOURCE, tables=(base("a"), *views), databases={"d": 3})
    target = cluster(TARGET, tables=views, databases={"d": 2})
    properties = {**NO_DROPS, "enable_materialized_view_sync": "true", "enable_view_sync": "true"}
    assert ids(judged(source, target, written=written, properties=properties), "blocker") == []


def test_where_the_version_does_not_tell_it_is_a_warning() -> None:
    target = cluster(TARGET, tables=(base("a"),), databases={"d": 1})
    assert ids(judged(target=target, written=Written({"d.a": 1}, "too old")), "warning") == ["target.table_written"]


def test_a_name_that_belongs_to_another_kind() -> None:
    target = cluster(TARGET, tables=(base("a", "VIEW", ""),), databases={"d": 1})
    assert "target.other_kind" in ids(judged(target=target), "blocker")


@pytest.mark.parametrize(
    ("version", "told"), [("2.5.0", False), ("3.1.8", False), ("3.1.9", True), ("3.2.0", True), ("4.1.0", True)]
)
def test_policies_that_no_statement_lists_are_asked_for(version: str, told: bool) -> None:
    source = cluster(SOURCE, version)
    seen = (objects("view"),)
    found = judged(source, objects=seen)
    assert ("inventory.policies_unlisted" in ids(found, "info")) is told
    if told:
        policies = only(found, "inventory.policies_unlisted")
        assert policies.subject == source.subject and policies.evidence["verdict"] == "recreate"
    # Nobody asked for objects then.
    assert "inventory.policies_unlisted" not in ids(judged(source), "info")


@pytest.mark.parametrize(
    ("source", "target", "severity"),
    [
        ({"max_column_number_per_table": "20000"}, {"max_column_number_per_table": "10000"}, "warning"),
        ({"max_column_number_per_table": "10000"}, {"max_column_number_per_table": "20000"}, "info"),
        ({"enable_range_distribution": "true"}, {"enable_range_distribution": "false"}, "warning"),
        ({"enable_range_distribution": "false"}, {"enable_range_distribution": "true"}, "info"),
        ({"max_column_number_per_table": "10000"}, {"max_column_number_per_table": "10000"}, ""),
        ({"max_column_number_per_table": "10000"}, {}, ""),
        ({}, {"max_column_number_per_table": "10000"}, ""),
        (None, {"max_column_number_per_table": "10000"}, ""),
    ],
)
def test_frontend_configs_that_differ(
    source: t.Optional[t.Dict[str, str]], target: t.Optional[t.Dict[str, str]], severity: str
) -> None:
    found = judged(cluster(SOURCE, compared=source), cluster(TARGET, compared=target))
    told = [one for one in found if one.id == "starrocks.config.differ"]
    assert [one.severity for one in told] == ([severity] if severity else [])
    for one in told:
        ((key, values),) = one.evidence.items()
        assert values == {"source": (source or {})[key], "target": (target or {})[key]}


def test_all_configs_that_differ_are_one_finding() -> None:
    source = cluster(SOURCE, compared={"max_running_txn_num_per_db": "100", "max_column_number_per_table": "10"})
    target = cluster(TARGET, compared={"max_running_txn_num_per_db": "1000", "max_column_number_per_table": "9"})
    found = only(judged(source, target), "config.differ")
    assert list(found.evidence) == ["max_column_number_per_table", "max_running_txn_num_per_db"]
    assert found.severity == "warning" and "max_column_number_per_table" in found.remedy
    assert "max_running_txn_num_per_db" not in found.remedy


def test_volumes_of_materialized_views_are_not_looked_at() -> None:
    """Their data is never migrated."""
    natives = [
        Native("d", "a", "CLOUD_NATIVE", "HASH", "hot", ()),
        Native("d", "mv", "CLOUD_NATIVE_MATERIALIZED_VIEW", "HASH", "views", ()),
        Native("d", "nowhere", "CLOUD_NATIVE", "HASH", "", ()),
        Native("e", "left_out", "CLOUD_NATIVE", "HASH", "cold", ()),
    ]
    assert tables_by_volume(natives, Scope(frozenset({"d"}))) == {"hot": ["d.a"]}


def test_volumes_that_are_not_ready() -> None:
    assert ids(judged(volume_problems=("hot does not exist on the target.",)), "blocker") == ["volume.not_ready"]


# The request


def request(**more: t.Any) -> t.Dict[str, t.Any]:
    timeouts = {f"{prefix}{name}": "5s" for prefix in ("", "target_") for name in ("connect_timeout", "read_timeout")}
    tls = {"tls": "disable", "target_tls": "disable"}
    times = {"expected_duration": "24h", "port_timeout": "3s"}
    return {"frontends": "a:1", "target_frontends": "b:1", **timeouts, **tls, **times, **more}


def test_a_request() -> None:
    found = read_request(
        request(
            include_data_list="d, e.t",
            sync_properties='{"enable_view_sync": "yes", "target_cluster_storage_volume": "v"}',
            source_cluster_token="t",
        )
    )
    assert found.scope == Scope(frozenset({"d", "e.t"}))
    assert found.properties == {"enable_view_sync": "true", "target_cluster_storage_volume": "v"}
    assert found.token and found.destinations.volume == "v" and found.duration == 86400


def test_the_lists_may_come_with_the_properties_but_not_twice() -> None:
    assert read_request(request(sync_properties={"include_data_list": "d"})).scope.include == {"d"}
    with pytest.raises(MigrationError, match="it is in sync_properties too"):
        read_request(request(include_data_list="d", sync_properties={"include_data_list": "d"}))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = {"source_cluster_password": "the-secret", "ddl_job_alow_drop": "true", "enable_view_sync": "perhaps"}
    with pytest.raises(MigrationError) as caught:
        read_request(
            request(
                target_frontends="a:1", expected_duration="5 parsecs", include_data_list="a.b.c", sync_properties=wrong
            )
        )
    text = caught.value.message
    for words in (
        "stands in frontends too",
        "it is a secret",
        "no release of the sync tool",
        "perhaps",
        "parsecs",
        "a.b.c",
    ):
        assert words in text
    assert "the-secret" not in text


class OneAnswer:
    """Has the same rows for whatever is asked."""

    def once(self, sql: str, _doing: str) -> t.Tuple[Rows, str]:
        return Rows(("DB_NAME", "TABLE_NAME"), (("shop", "orders"),)), sql


@pytest.mark.parametrize(("version", "marked"), [("3.3.2", False), ("3.3.9", False), ("3.3.10", True), ("3.5.0", True)])
def test_writes_are_told_from_copies_where_copies_are_marked(version: str, marked: bool) -> None:
    """As the comparison judges it; an older target may mark what the sync tool brought like any other write."""
    profile = Profile.choose(Version.parse(version), "shared_data")
    found = details.read_written(t.cast(t.Any, OneAnswer()), profile)
    assert (found.tables, bool(found.reason)) == ({"shop.orders": 1}, not marked)
