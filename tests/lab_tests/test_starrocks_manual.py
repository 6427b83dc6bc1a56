# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every statement of the vendor's manual, as it is printed there, is understood by both clusters."""

from __future__ import annotations

from lab.starrocks.sync_tool import passwords
from lab_tests.conftest import LabFactory
from lab_tests.starrocks_support import Sql

MIRROR = """CREATE STORAGE VOLUME src_lake_a
TYPE = S3
LOCATIONS = ("s3://lab-source-a")
PROPERTIES
(
"enabled" = "true",
"aws.s3.region" = "us-east-1",
"aws.s3.endpoint" = "http://127.0.0.1:9",
"aws.s3.use_aws_sdk_default_behavior" = "false",
"aws.s3.use_instance_profile" = "false",
"aws.s3.access_key" = "key",
"aws.s3.secret_key" = "secret",
"aws.s3.enable_partitioned_prefix" = "false"
);"""
ROWS = """SELECT
TABLE_NAME,
TABLE_ROWS
FROM INFORMATION_SCHEMA.TABLES
WHERE TABLE_TYPE = 'BASE TABLE'
ORDER BY TABLE_NAME;"""


STATEMENTS = (
    ("source", 'ADMIN SET FRONTEND CONFIG("lake_autovacuum_grace_period_minutes"="10000000");'),
    ("source", 'ADMIN SET FRONTEND CONFIG("lake_autovacuum_grace_period_minutes"="30");'),
    ("target", 'ADMIN SET FRONTEND CONFIG("lake_compaction_max_tasks"="0");'),
    ("target", 'ADMIN SET FRONTEND CONFIG("lake_compaction_max_tasks"="-1");'),
    ("source", "SHOW STORAGE VOLUMES;"),
    ("source", "DESCRIBE STORAGE VOLUME lake_a;"),
    ("target", MIRROR),
    ("target", "DROP STORAGE VOLUME src_lake_a;"),
    ("target", "ADMIN SHOW FRONTEND CONFIG LIKE 'enable_legacy_compatibility_for_replication';"),
    ("target", 'ADMIN SET FRONTEND CONFIG("enable_legacy_compatibility_for_replication"="true");'),
    ("target", 'ADMIN SET FRONTEND CONFIG("enable_legacy_compatibility_for_replication"="false");'),
    ("source", 'SHOW PROC "/transactions/sales/running";'),
    ("source", "SHOW PARTITIONS FROM orders_00000;"),
    ("source", "SHOW DATA;"),
    ("source", ROWS),
)


def test_the_statements_of_the_manual(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1", mode="shared_data")
    source, target = Sql(lab, "source", 1, database="sales"), Sql(lab, "target", 1)
    for cluster, statement in STATEMENTS:
        (source if cluster == "source" else target).rows(statement)


def test_an_encrypted_password_is_the_one_that_the_tool_decrypts(starrocks_shared: LabFactory) -> None:
    for key in ("short", "a key that is longer than sixteen bytes"):
        [text] = Sql(starrocks_shared("4.1")).column("SELECT TO_BASE64(AES_ENCRYPT('pass\\\\word ü','%s'))" % key)
        assert passwords.decrypt(text, key) == "pass\\word ü"
