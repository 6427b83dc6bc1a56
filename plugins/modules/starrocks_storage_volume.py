#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_storage_volume
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Create, alter, drop and restore storage volumes of a StarRocks cluster
description:
  - Brings the storage volumes of a cluster into the wanted state, all in one call.
  - Only what a server shows is compared. Credentials are masked by the server, so they are written when a volume is
    created, and after that only with O(update_credentials=always).
  - Type and locations of a volume cannot be altered. A difference there is refused, with the way out, before anything
    is sent.
  - Every change is read back. What the server would take and silently forget (a session token, for one) is refused or
    left out by name.
  - To make the C(src_) volumes of a migration between shared-data clusters, use
    M(dbops.migration.starrocks_storage_volume_mirror).
notes:
  - "Privileges: C(CREATE STORAGE VOLUME ON SYSTEM), and on each volume C(ALTER), C(DROP) or, to see it, any privilege.
    A volume on which the user has none is not shown by the server."
  - Servers before 3.2.16 and 3.3.14 print credentials in clear in an error text; they are masked here.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact statements, with secrets masked. Sends none, and does not touch the journal.
  diff_mode:
    support: full
    details:
      - Shows properties that the server shows; never credentials.
  idempotent:
    support: partial
    details:
      - With O(update_credentials=always), credentials are written in every run. Otherwise in full.
options:
  volumes:
    description:
      - The volumes, a list of mappings, or JSON text of one. For O(state=absent) and O(state=restored) a list of names
        is enough.
      - "C(name): a letter, or an underscore and a letter or digit, followed by at most 64 characters in all of letters,
        digits and underscores."
      - "C(type): C(S3), C(HDFS), C(AZBLOB), C(ADLS2) (3.4) or C(GS) (4.0). C(locations): a list such as
        V(s3://bucket/path). Both are needed to create a volume."
      - "C(properties): a mapping, without secrets. Those not named are left as they are."
      - "C(enabled): whether tables can be made in it, true by default, and always sent. C(comment): left alone when not
        given. C(default): make it the default volume; false leaves it alone."
      - For O(state=restored), the default is all volumes that the journal knows.
    type: raw
  credentials:
    description:
      - Secret properties by the name of a volume, or by V(*) for all volumes without an entry of their own. A mapping
        of mappings, or JSON text of one.
      - Such as C(aws.s3.access_key) and C(aws.s3.secret_key). Only secrets belong here, and nowhere else.
    type: raw
  state:
    description:
      - V(present) creates what is missing and alters what differs.
      - V(absent) drops the volumes. The default volume is refused, and the server refuses one that is in use.
      - V(restored) puts back what the first change in O(journal) had found, but only where the volume is still as this
        collection had made it. What it created is dropped. Where somebody else changed it since, theirs stays.
    type: str
    choices: [present, absent, restored]
    default: present
  update_credentials:
    description:
      - When to write O(credentials). V(always) is for rotating keys, and changes something in every run.
    type: str
    choices: [on_create, always]
    default: on_create
seealso:
  - module: dbops.migration.starrocks_storage_volume_mirror
"""

EXAMPLES = r"""
- name: Two volumes on the target, one of them the default
  dbops.migration.starrocks_storage_volume:
    frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030, new-fe-2.example.com:9030]
    volumes:
      - name: hot
        type: S3
        locations: [s3://new-hot/warehouse]
        properties:
          aws.s3.region: eu-west-1
          aws.s3.endpoint: https://s3.eu-west-1.amazonaws.com
        default: true
      - name: cold
        type: S3
        locations: [s3://new-cold/warehouse]
        properties:
          aws.s3.region: eu-west-1
          aws.s3.endpoint: https://s3.eu-west-1.amazonaws.com
    credentials:
      '*':
        aws.s3.access_key: "{{ vault_s3_access_key }}"
        aws.s3.secret_key: "{{ vault_s3_secret_key }}"
    journal: /var/lib/dbops/warehouse.jsonl

- name: Rotate the key of one volume
  dbops.migration.starrocks_storage_volume:
    frontends: new-fe-0.example.com:9030
    volumes: [{name: hot}]
    credentials:
      hot:
        aws.s3.access_key: "{{ vault_new_access_key }}"
        aws.s3.secret_key: "{{ vault_new_secret_key }}"
    update_credentials: always

- name: Drop what the migration has made and nobody has changed since
  dbops.migration.starrocks_storage_volume:
    frontends: new-fe-0.example.com:9030
    state: restored
    journal: /var/lib/dbops/warehouse.jsonl
"""

RETURN = r"""
cluster_id:
  description: The ClusterId of the cluster.
  returned: when the cluster was asked
  type: str
volumes:
  description: The volumes as they are now, those that exist.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    type:
      description: Its type, in upper case.
      type: str
    locations:
      description: Its locations.
      type: list
      elements: str
    params:
      description: The properties that can be shown.
      type: dict
    hidden:
      description: Names of the properties that cannot.
      type: list
      elements: str
    enabled:
      description: Whether tables can be made in it.
      type: bool
    is_default:
      description: Whether it is the default volume.
      type: bool
    comment:
      description: Its comment.
      type: str
changes:
  description: The changes that were made, or would be.
  returned: when the cluster was asked
  type: list
  elements: dict
  contains:
    resource:
      description: The volume, such as C(starrocks:1234/storage_volume/hot).
      type: str
    action:
      description: C(create), C(alter), C(drop), C(set_default) or C(restore).
      type: str
    before:
      description: Its definition before, null if there was none.
      type: dict
    after:
      description: Its definition after, null if there is none. C(credentials) tells that some were written.
      type: dict
    request:
      description: The statement, with secrets masked.
      type: str
restore:
  description: For O(state=restored), what was decided about each volume, and why.
  returned: with O(state=restored)
  type: list
  elements: dict
code:
  description: >-
    Stable code of the error, such as C(starrocks.volume_refused) (a type, location or default that cannot be altered),
    C(starrocks.volume_unsupported) (by the version), C(starrocks.volume_in_use) or C(starrocks.volume_not_kept).
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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_options import volume_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_task import VolumeTask


def main() -> None:
    module = volume_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    redactor = volume_redactor(module.params)
    task = VolumeTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
