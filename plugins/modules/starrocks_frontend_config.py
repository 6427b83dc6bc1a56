#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_frontend_config
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Set and restore configs on every frontend of a StarRocks cluster
description:
  - Brings configs of the frontends (FEs) to the wanted values, on every frontend, with as few statements as possible,
    and proves it by asking each frontend.
  - A config that is set with C(ADMIN SET FRONTEND CONFIG) lives in the memory of each frontend. Frontends that share a
    host with the one which carries the statement out are never told, those that cannot be reached keep the old value
    (errors 5076 and 5101), and one that restarts forgets it. The module asks every frontend for its own value, tells
    those again that were left out (by their own query port up to 3.4, over HTTP from 3.5 on), and finds drift at the
    next run, which sets the value again.
  - Values are checked before anything is sent, by the type that the server itself gives. C(yes) means true here, and is
    sent as C(true). (The server takes C(yes) for false.)
  - With O(journal), the value that each frontend had is written down before the first change, and O(state=restored)
    puts it back. What is restored is what was found, and not a default.
notes:
  - A config that people limit with the control text while the copy goes on
    (M(dbops.migration.starrocks_sync_wait), C(limits)) is left alone by O(state=present), with a warning, until the
    limit is taken back. O(journal) knows it.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact statements. Sends none of them, and does not touch the journal.
      - Whether frontends from 3.5 on can write C(fe.conf) is only found out by C(WITH PERSISTENT), unless they have
        names that Kubernetes gives, or the journal remembers a refusal. Where neither is known, RV(calls) has what
        follows a refusal as C(otherwise). Say O(persistent=never) for other containers, and the prediction is exact.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  settings:
    description:
      - The configs, a list of mappings or JSON text of one, in the order in which they are set. Needed for
        O(state=present).
      - For O(state=restored), a list of keys is enough, and by default everything is restored that the journal has.
        Restoring goes in the reverse order of the first changes.
      - For O(state=default), a list of keys is needed.
      - C(key) is the name of the config, or an alias of it. C(value) is the value; a list for arrays. With
        C(optional=true), the config is left out where the version does not know it.
      - Configs that hold secrets are refused.
    type: raw
  state:
    description:
      - V(present) sets the values.
      - V(restored) puts back what the first change in O(journal) had found, frontend by frontend, but only where the
        value is still as this collection had set it. Where somebody else changed it since, theirs stays.
      - V(default) sets the defaults of this patch release, with a warning. It is for when the journal is lost, and for
        the configs of a migration only.
    type: str
    choices: [present, restored, default]
    default: present
  persistent:
    description:
      - Whether the values are written to C(fe.conf) too, so that a restart does not forget them (C(WITH PERSISTENT),
        from 3.5 on). Where it was, restoring writes the former value there. Nothing removes the line again.
      - V(auto) does so where the server can. In containers it cannot, and the value is in memory only. Frontends that
        the cluster knows by names of Kubernetes (such as C(fe-0.fe-search.prod.svc.cluster.local)) are not asked for
        it, nor are those of which O(journal) remembers a refusal. In other containers it is tried once, refused, and
        sent without it. RV(persistence) says which it was.
      - V(always) fails where the server cannot. V(never) changes memory only.
      - For older versions, see M(dbops.migration.starrocks_config_file).
    type: str
    choices: [auto, never, always]
    default: auto
  dead_frontends:
    description:
      - What to do when a frontend is down by the cluster's own account. It comes back with what C(fe.conf) says.
      - V(fail) changes nothing. (With O(state=restored), the others are restored before it fails.)
      - V(skip) sets the others, and warns. Run the module again when the frontend is back.
      - A frontend that is alive but does not answer always is a failure.
    type: str
    choices: [fail, skip]
    default: fail
  keep_theirs:
    description:
      - Whether a config stays as it is where somebody else has changed it since O(journal) tells what the migration
        made it, which is when its value is neither that one nor the one from before. It is left alone on all
        frontends then, because one statement sets it on all of them, and RV(kept) tells where.
      - By default, such a value is set again, and RV(drift) tells it.
    type: bool
    default: false
seealso:
  - module: dbops.migration.starrocks_backend_config
  - module: dbops.migration.starrocks_config_file
  - module: dbops.migration.starrocks_info
"""

EXAMPLES = r"""
- name: Prepare a target cluster for a migration
  dbops.migration.starrocks_frontend_config:
    frontends: [fe-0.example.com, fe-1.example.com, fe-2.example.com]
    password: "{{ starrocks_password }}"
    settings:
      - key: lake_compaction_max_tasks
        value: 0
      - key: enable_legacy_compatibility_for_replication
        value: true
        optional: true
    journal: /var/lib/dbops/lake.jsonl
    migration_id: lake

- name: See whether a restart has forgotten anything, and change nothing
  dbops.migration.starrocks_frontend_config:
    frontends: [fe-0.example.com, fe-1.example.com, fe-2.example.com]
    password: "{{ starrocks_password }}"
    settings:
      - key: lake_compaction_max_tasks
        value: 0
    journal: /var/lib/dbops/lake.jsonl
  check_mode: true
  register: settings

- name: Put everything back
  dbops.migration.starrocks_frontend_config:
    frontends: [fe-0.example.com, fe-1.example.com, fe-2.example.com]
    password: "{{ starrocks_password }}"
    state: restored
    journal: /var/lib/dbops/lake.jsonl
    migration_id: lake
"""

RETURN = r"""
cluster_id:
  description: The ClusterId.
  returned: when the cluster was asked
  type: str
version:
  description: The lowest version among the living frontends.
  returned: when the cluster was asked
  type: str
  sample: 3.3.14
settings:
  description: The configs that were looked at, in the order in which they are set.
  returned: when the cluster was asked
  type: list
  elements: dict
  contains:
    key:
      description: Its own name, also when an alias was given.
      type: str
    type:
      description: Its type as the server names it.
      type: str
      sample: int
    frontends:
      description: The living frontends.
      type: list
      elements: dict
      contains:
        frontend:
          description: C(host:query_port) as the cluster has it.
          type: str
        role:
          description: C(LEADER), C(FOLLOWER) or C(OBSERVER).
          type: str
        former:
          description: The value when the module came.
          type: str
        wanted:
          description: The value that it should have.
          type: str
        value:
          description: The value now (in check mode, as it would be).
          type: str
skipped:
  description: Configs with C(optional=true) that the version does not know.
  returned: unless O(state=restored)
  type: list
  elements: str
drift:
  description: Where a value that an earlier run had set was not there any more.
  returned: unless O(state=restored)
  type: list
  elements: dict
  contains:
    frontend:
      description: The frontend.
      type: str
    key:
      description: The config.
      type: str
    expected:
      description: What the journal says that we set.
      type: str
    found:
      description: What was found when the module came.
      type: str
kept:
  description: Where somebody else's value stays, in the form of RV(drift).
  returned: unless O(state=restored)
  type: list
  elements: dict
in_place:
  description:
    - Configs that were as wanted already, although no run with this O(journal) has set them. They were left as they
      are, and C(state=restored) leaves them too. If another migration has set them, its restore takes them away, also
      while this one copies. End that one first.
    - A value that is known as the default of this version is left out, as nobody need have set it.
  returned: with O(journal) and O(state=present)
  type: list
  elements: dict
  contains:
    key:
      description: The config.
      type: str
    value:
      description: What it is.
      type: str
    frontends:
      description: Where.
      type: list
      elements: str
    severity:
      description: >-
        C(warning), which is among the warnings of the task too, or C(info) where the default of the config is not on
        record, so that the value may be just that.
      type: str
    text:
      description: The same as a sentence. It is in the journal too, once.
      type: str
dead_frontends:
  description: Frontends that are down by the cluster's own account.
  returned: when the cluster was asked
  type: list
  elements: str
verified:
  description: Whether every living frontend was read after the last change, and had every wanted value.
  returned: when the cluster was asked
  type: bool
persistence:
  description: Whether the values are written to C(fe.conf) too.
  returned: unless O(state=restored)
  type: dict
  contains:
    tried:
      description: Whether C(WITH PERSISTENT) is sent (in check mode, whether it would be), and was not refused.
      type: bool
    code:
      description: >-
        Why not, C(not_wanted), C(version), C(kubernetes) or C(refused) (now, or at an earlier run with this journal).
        Empty where it is.
      type: str
      sample: kubernetes
    reason:
      description: The same in a sentence.
      type: str
changes:
  description: The changes that were made, or would be, one for each frontend and config.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The config, such as C(starrocks:1234/fe/10.0.0.5:9030/config/lake_compaction_max_tasks).
      type: str
    action:
      description: C(set) or C(restore).
      type: str
    before:
      description: The value before.
      type: str
    after:
      description: The value after.
      type: str
    request:
      description: The request that makes this change. Several changes can share one.
      type: dict
calls:
  description: The requests that were sent, or would be, in order.
  returned: always
  type: list
  elements: dict
  contains:
    frontend:
      description: Who is asked.
      type: str
    sql:
      description: The statement.
      type: str
      sample: 'ADMIN SET FRONTEND CONFIG ("lake_compaction_max_tasks" = "0") WITH PERSISTENT'
    otherwise:
      description: >-
        What is sent in addition if the server refuses C(sql) because it cannot write C(fe.conf). Once that was refused,
        whatever follows is only sent as its C(otherwise).
      type: str
      sample: 'ADMIN SET FRONTEND CONFIG ("lake_compaction_max_tasks" = "0")'
    http:
      description: The HTTP request, where one frontend has to be changed alone.
      type: str
restore:
  description: What was decided about each frontend and config.
  returned: with O(state=restored)
  type: list
  elements: dict
  contains:
    resource:
      description: The config of one frontend.
      type: str
    original:
      description: The value that our first change had found.
      type: str
    ours:
      description: The value that our last change had set.
      type: str
    now:
      description: The value found now, null if the frontend could not be asked.
      type: str
    action:
      description: C(restore), C(already_original), C(keep_theirs), C(unknown) or C(gone).
      type: str
    reason:
      description: Why, in a sentence.
      type: str
code:
  description: >-
    Stable code of the error, such as C(starrocks.config_unknown), C(starrocks.config_immutable),
    C(starrocks.config_partial), C(starrocks.not_persisted), C(starrocks.setting_contested),
    C(starrocks.setting_not_kept), C(starrocks.frontend_unreachable) or C(starrocks.access_denied).
  returned: failure
  type: str
server_text:
  description: What the server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import (
    FRONTEND_STATES,
    PERSISTENT,
    UNREACHED,
    settings_redactor,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_call import FrontendConfigCall
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "settings": {"type": "raw"},
            "state": {"type": "str", "choices": list(FRONTEND_STATES), "default": "present"},
            "persistent": {"type": "str", "choices": list(PERSISTENT), "default": "auto"},
            "dead_frontends": {"type": "str", "choices": list(UNREACHED), "default": "fail"},
            "keep_theirs": {"type": "bool", "default": False},
        }
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = settings_redactor(module.params)
    call = FrontendConfigCall(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, call.body, call.partial)


if __name__ == "__main__":
    main()
