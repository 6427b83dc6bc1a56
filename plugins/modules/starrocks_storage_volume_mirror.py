#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_storage_volume_mirror
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Give a StarRocks target read access to the storage volumes of the source
description:
  - For a migration between two shared-data clusters. Finds the storage volumes that the selected tables of the source
    use, and makes a volume C(src_<name>) on the target for each, by which the target reads the source's files. The
    partitioned prefix is off there, whatever the source has.
  - Before anything is created, it also looks whether the volumes exist in which the target will make the tables (by the
    sync tool's three rules), whether the names fit, whether credentials are given where the source hides them, and
    whether every bucket can be listed and read with them. All problems are told at once.
  - Afterwards, O(state=absent) drops those that O(journal) knows as made here, and only while they are still so.
  - With O(journal), volumes that are there as wanted and were not made here are warned of. If another migration has
    made them, its end drops them, also while this one copies. End that one first.
notes:
  - "Privileges: on the source C(OPERATE ON SYSTEM), and any privilege on the selected tables and their volumes (USAGE
    is enough); on the target C(CREATE STORAGE VOLUME ON SYSTEM)."
  - Volumes that get their credentials from the hosts of the nodes (instance profile, default behaviour of the SDK,
    assumed role), and those of other types than S3, cannot be looked into from here. That is told as a warning.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._starrocks_target
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Looks at everything, buckets too, and predicts the exact statements, with secrets masked. Sends none, and does
        not touch the journal.
  diff_mode:
    support: full
    details:
      - Shows properties that the server shows; never credentials.
  idempotent:
    support: partial
    details:
      - With O(update_credentials=always), credentials are written in every run. Otherwise in full.
requirements:
  - boto3, on the host where the module runs, unless O(check_buckets=false)
options:
  state:
    description:
      - V(present) makes the volumes that are missing, and alters what differs.
      - V(absent) drops them. It asks the target only, and needs O(journal).
    type: str
    choices: [present, absent]
    default: present
  include_data_list:
    description:
      - Databases and tables that are migrated, as C(db) or C(db.table), as in the property of the same name of the sync
        tool. A list, JSON text of one, or comma-separated text. By default all.
    type: raw
  exclude_data_list:
    description:
      - Databases and tables to leave out, applied after O(include_data_list).
    type: raw
  target_cluster_storage_volume:
    description:
      - The volume of the target in which all tables are made, as in the property of the same name of the sync tool. By
        default, a table goes into the volume that has the name of its volume on the source.
    type: str
  target_cluster_use_builtin_storage_volume_only:
    description:
      - Whether all tables are made in C(builtin_storage_volume), as in the property of the same name of the sync tool.
    type: bool
    default: false
  credentials:
    description:
      - Secret properties that can read the source's storage, by the name of the volume B(on the source), or by V(*) for
        all without an entry of their own. A mapping of mappings, or JSON text of one.
      - Best those of a key made for the migration, which is revoked afterwards. A session token cannot work, because
        servers forget it.
      - An access key takes the place of the instance profile or role that the source uses.
      - When not set, the environment variable E(STARROCKS_VOLUME_CREDENTIALS) is used.
    type: raw
  properties:
    description:
      - Other visible properties than those of the source, by the name of the volume B(on the source), or by V(*) for
        all. Such as C(aws.s3.endpoint), when the target reaches the storage by another way. A mapping of mappings, or
        JSON text of one.
    type: raw
  update_credentials:
    description:
      - When to write O(credentials) into volumes that exist already.
    type: str
    choices: [on_create, always]
    default: on_create
  check_buckets:
    description:
      - Whether to list and read the buckets with the given credentials first, from the host where the module runs.
    type: bool
    default: true
  bucket_timeout:
    description:
      - How long a look into one volume may take, in seconds or with a unit.
    type: str
    default: 20s
seealso:
  - module: dbops.migration.starrocks_storage_volume
"""

EXAMPLES = r"""
- name: Let the target read what the source has stored
  dbops.migration.starrocks_storage_volume_mirror:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030, new-fe-2.example.com:9030]
    include_data_list: [sales, hr.people]
    credentials:
      '*':
        aws.s3.access_key: "{{ vault_source_read_access_key }}"
        aws.s3.secret_key: "{{ vault_source_read_secret_key }}"
    journal: /var/lib/dbops/warehouse.jsonl

- name: Drop the source volumes when the migration is over
  dbops.migration.starrocks_storage_volume_mirror:
    target_frontends: new-fe-0.example.com:9030
    state: absent
    journal: /var/lib/dbops/warehouse.jsonl
"""

RETURN = r"""
cluster_id:
  description: The ClusterId of the target.
  returned: when the target was asked
  type: str
mirrors:
  description: What is mirrored.
  returned: with O(state=present), when the clusters were asked
  type: list
  elements: dict
  contains:
    source_volume:
      description: The name on the source.
      type: str
    volume:
      description: The name on the target.
      type: str
    destination:
      description: The volume of the target in which the tables are made.
      type: str
    tables:
      description: Number of selected tables that use it.
      type: int
buckets:
  description: What was seen of each location.
  returned: with O(state=present), when the clusters were asked
  type: list
  elements: dict
  contains:
    volume:
      description: The name on the target.
      type: str
    location:
      description: The location.
      type: str
    status:
      description: C(readable), C(empty), C(unreadable) or C(not_checked).
      type: str
    reason:
      description: Why it is not readable; empty if it is.
      type: str
volumes:
  description: The volumes on the target as they are now, as in M(dbops.migration.starrocks_storage_volume).
  returned: success
  type: list
  elements: dict
changes:
  description: The changes that were made, or would be, as in M(dbops.migration.starrocks_storage_volume).
  returned: when the clusters were asked
  type: list
  elements: dict
restore:
  description: For O(state=absent), what was decided about each volume, and why.
  returned: with O(state=absent)
  type: list
  elements: dict
code:
  description: >-
    Stable code of the error, such as C(starrocks.mirror_refused) (with C(details.problems), a sentence for each),
    C(starrocks.volume_in_use) or C(starrocks.boto3_missing).
  returned: failure
  type: str
server_text:
  description: What the server said, with secrets masked.
  returned: when the server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_credentials import volume_redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_call import MirrorCall
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_options import (
    mirror_argument_spec,
)


def main() -> None:
    module = mirror_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    redactor = volume_redactor(module.params)
    call = MirrorCall(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, call.body, call.partial)


if __name__ == "__main__":
    main()
