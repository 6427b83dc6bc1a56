#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_comparison_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Compare two StarRocks clusters partition by partition
description:
  - Says of every partition whether the target holds an untouched and complete copy of it, by the versions that the
    servers keep. Partitions are joined by the names of database, table and partition.
  - One query per cluster on C(information_schema.partitions_meta) where the version has it (3.1.9, 3.2.4, 3.3.0 and
    newer), one per database above 2000 tables. Elsewhere C(SHOW PARTITIONS) for every table.
  - A table that has no partition yet, as one with automatic partitioning that nothing was loaded into, is in no list of
    partitions. It must be on the target all the same; if not, that counts as one partition that is missing.
  - Finds writes to the target that were no replication. Their trace in the partitions is gone once the replication has
    overtaken them, so run this module during the sync too, and not only at its end.
  - The same partitions give the same result, byte by byte, so that two results can be compared.
  - With O(sample), counts rows exactly, and tells with what probability that finds a fault.
notes:
  - Temporary partitions, the internal shadow partition and materialized views are left out.
  - A table that only the target has is told in RV(target_only_tables), and is no difference, because the sync tool
    leaves it alone unless told otherwise.
  - "Privileges: C(OPERATE ON SYSTEM) on both clusters, and any privilege on every table, as a server does not show
    partitions of other tables. That is checked."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._starrocks_target
options:
  include_data_list:
    description:
      - Databases and tables to compare, as C(db) or C(db.table), in the form of the property of the same name of the
        sync tool. A list, JSON text of one, or comma-separated text. By default everything is compared.
    type: raw
  exclude_data_list:
    description:
      - Databases and tables to leave out, applied after O(include_data_list).
    type: raw
  max_differences:
    description:
      - How many partitions that are not equal are listed. All of them are counted.
    type: int
    default: 1000
  transactions:
    description:
      - Whether to look for foreign writes in the finished transactions of the target too.
    type: bool
    default: true
  sample:
    description:
      - How many of the equal partitions to count exactly on both clusters, with C(COUNT(*)). It reads them.
    type: int
    default: 0
  sample_seed:
    description:
      - Which partitions are taken follows from this text. By default always the same ones.
    type: str
    default: ''
  checksum:
    description:
      - Whether to compare a checksum of the sampled partitions too. Columns whose type has no text (such as BITMAP, HLL
        or JSON) are left out of it, and named.
    type: bool
    default: false
seealso:
  - module: dbops.migration.starrocks_cutover
  - module: dbops.migration.starrocks_write_freeze
"""

EXAMPLES = r"""
- name: See how far the target is, and whether anybody wrote to it
  dbops.migration.starrocks_comparison_info:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030, new-fe-2.example.com:9030]
    include_data_list: [sales, hr.people]
  register: comparison
  failed_when: not comparison.passed

- name: Count and checksum 200 partitions exactly
  dbops.migration.starrocks_comparison_info:
    frontends: [old-fe-0.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030]
    sample: 200
    checksum: true
"""

RETURN = r"""
equal:
  description: Whether there are partitions, and all of them are equal.
  returned: success
  type: bool
passed:
  description: Whether there is no blocker in RV(findings). A target that is only behind passes.
  returned: success
  type: bool
tables:
  description: Number of tables that were compared.
  returned: success
  type: int
partitions:
  description: Number of partitions that were compared.
  returned: success
  type: int
counts:
  description: >-
    Number of partitions by verdict, C(equal), C(behind), C(target_ahead), C(foreign_write), C(missing_on_target),
    C(extra_on_target) and C(unknown).
  returned: success
  type: dict
databases:
  description: The same for each database, with C(tables).
  returned: success
  type: dict
unequal_tables:
  description: The same for each table that is not equal as a whole, without the verdicts that it does not have.
  returned: success
  type: dict
differences:
  description: The partitions that are not equal, sorted, up to O(max_differences).
  returned: success
  type: list
  elements: dict
  contains:
    database:
      description: The database.
      type: str
    table:
      description: The table.
      type: str
    partition:
      description: The partition. Empty for a table that has none on the source and is not on the target.
      type: str
    verdict:
      description: See RV(counts).
      type: str
    reason:
      description: >-
        What decided it, where the verdict leaves that open, such as C(not_copied), C(made_anew) (the source's was
        truncated, overwritten, or dropped and added again since it was copied; the sync tool drops the old copy and
        copies anew), C(higher_version) (the same, or a write to the target; no epoch tells), C(txn_type), C(epoch),
        C(physical_partitions), C(source_version) or C(no_table) (a table without partitions is missing as a whole).
        With C(extra_on_target), C(txn_type) says that data was loaded into it there.
      type: str
    source:
      description: Its physical partitions with versions, epoch and type of transaction, and its rows (a statistic).
      type: dict
    target:
      description: The same of the target.
      type: dict
differences_left_out:
  description: How many more there are.
  returned: success
  type: int
not_copied:
  description: For each table, how many partitions hold data on the source and never held any on the target.
  returned: success
  type: dict
target_only_tables:
  description: Tables that only the target has.
  returned: success
  type: list
  elements: str
rules:
  description: Which versions were compared on which side, and why.
  returned: success
  type: dict
digest:
  description: A hash over both sides and all verdicts.
  returned: success
  type: str
source_digest:
  description: A hash over the source's partitions and versions, which changes with every write and no compaction.
  returned: success
  type: str
foreign_transactions:
  description: Transactions on the target that were no replication and wrote to a table that is compared (C(tables)), or
    of which the server does not know any more where they wrote. As C(writes) those since the replication began, as
    C(earlier) those before it, and C(incomplete), the databases whose list of transactions was cut by the server.
  returned: success
  type: dict
sample:
  description: >-
    C(counted) partitions with their rows and checksums, C(equal), and C(detects), the probability of finding a fault in
    C(one) partition, in C(one_percent) or in C(ten_percent) of them. Partitions whose counts differ and whose versions
    were other ones afterwards have C(changed_meanwhile), and are left out of C(equal).
  returned: success
  type: dict
findings:
  description: What time alone does not put right.
  returned: success
  type: list
  elements: dict
requests:
  description: Number of requests to each cluster.
  returned: success
  type: dict
code:
  description: Stable code of the error, such as C(starrocks.no_alive_node) or C(starrocks.same_cluster).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_task import (
    ComparisonTask,
    comparison_argument_spec,
)


def main() -> None:
    module = comparison_argument_spec().create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    run(module, redactor, ComparisonTask(module.params, redactor, SystemClock()).body)


if __name__ == "__main__":
    main()
