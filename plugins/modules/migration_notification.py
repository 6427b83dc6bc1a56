#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_notification
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Tell webhooks of an event of a migration
description:
  - Sends a JSON document to one or more webhooks by HTTP POST, signed if a secret is given.
  - The body of the format V(generic) has the keys C(version) (V(1)), C(id), C(event), C(migration_id), C(engine),
    C(phase), C(status), C(summary), C(time) (ISO 8601, UTC), C(run), C(report) and C(extra). Texts are empty where
    nothing is known. A new key may be added without a new C(version).
  - "Headers: C(X-Dbops-Event-Id) is the C(id), the same for the same event of the same run, by which a receiver tells a
    second delivery. C(X-Dbops-Timestamp) is the time of the attempt in Unix seconds. C(X-Dbops-Signature) is V(v1=) and
    the HMAC-SHA256, in hex, of that timestamp, a full stop and the body as it was received, under O(secret). A receiver
    should refuse a timestamp that is older than a few minutes."
  - Connection errors and the HTTP statuses 408, 425, 429 and 5xx of passing kinds are tried again with growing pauses,
    or after as long as C(Retry-After) says, until O(timeout). Other statuses are final. Redirects are not followed.
    Certificates and host names are always verified. Proxies of the environment are used.
  - Webhooks that have taken an event are remembered in O(journal), with scheme and host and a checksum of the URL, and
    not told of it again. A journal that is not there yet is not made, and one that is damaged, locked or out of reach
    keeps nobody from being told. Then, and when a run is killed between the delivery and its entry, a webhook may be
    told twice.
  - URL and secret are masked everywhere, in the message too.
  - Without O(url) nothing is sent, so that the task can stay in a playbook that is used with and without webhooks.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Sends nothing, and returns what would be sent to whom. Nothing is contacted but the S3 store of a journal.
  diff_mode:
    support: full
    details:
      - Shows the document that is sent.
  idempotent:
    support: partial
    details:
      - With O(journal), an event of a run is delivered to a webhook once. Without it, every call sends.
options:
  url:
    description:
      - The webhooks, a list, JSON text of one, or text separated by commas. A comma in a URL is written as C(%2C).
      - Webhook URLs of chats carry their token, so they are treated as secrets. Take V(https://); with V(http://)
        everybody on the way can read the token.
      - When not given, the environment variable E(DBOPS_MIGRATION_WEBHOOK_URL) is used.
    type: raw
  secret:
    description:
      - Signs the message, see above. Give the same one to the receivers. Without it there is no signature.
      - When not given, the environment variable E(DBOPS_MIGRATION_WEBHOOK_SECRET) is used.
    type: str
  event:
    description:
      - What has happened, up to 64 small letters, digits and C(_ . -), such as V(before_cutover), V(after_migrate) or
        V(failed_cutover).
    type: str
    required: true
  phase:
    description:
      - The phase that it is about, such as V(migrate).
    type: str
  status:
    description:
      - How it stands with that.
    type: str
    choices:
      - started
      - ok
      - failed
      - waiting
      - info
    default: info
  summary:
    description:
      - One or two sentences for people.
    type: str
  run:
    description:
      - Names the run. The same O(event) of another run is another event.
      - By default, the newest run of O(phase) (of any phase without one) that O(journal) knows. Without both, every
        call is an event of its own.
    type: str
  report:
    description:
      - Where the report is, a path or a URL that people may see.
    type: str
  extra:
    description:
      - More keys and values for the message. A JSON text is accepted too.
      - The whole message may have 64 KiB. The texts of a longer one are shortened, each says so, and a warning does.
    type: raw
  format:
    description:
      - V(generic) is described above.
      - V(slack) sends a C(text) that incoming webhooks of Slack show, and those of Mattermost and Rocket.Chat, too.
    type: str
    choices:
      - generic
      - slack
    default: generic
  timeout:
    description:
      - How long to try, in seconds or with a unit, at most 10 minutes. All webhooks are told at the same time.
    type: str
    default: 30s
  ca_cert:
    description:
      - A PEM file with the certificates of the authority that signed the webhooks' certificates, on the host where the
        module runs. By default those of the system are trusted.
    type: path
  required:
    description:
      - Whether the task fails with the code V(notification.failed) when a webhook could not be told. Otherwise that is
        a warning, since a migration should not stop because a chat is down.
    type: bool
    default: false
seealso:
  - module: dbops.migration.migration_report
  - module: dbops.migration.migration_metrics
"""

EXAMPLES = r"""
# The URL and the secret come from DBOPS_MIGRATION_WEBHOOK_URL and DBOPS_MIGRATION_WEBHOOK_SECRET.
- name: Tell the team that a cutover is about to begin
  dbops.migration.migration_notification:
    journal: /var/lib/dbops/orders.jsonl
    event: before_cutover
    phase: cutover
    status: started
    summary: Writes to orders will be refused for a moment.

- name: Tell the team's chat how it ended, and fail if nobody could be told
  dbops.migration.migration_notification:
    journal: /var/lib/dbops/orders.jsonl
    url: "{{ chat_webhook }}"
    format: slack
    event: after_cutover
    phase: cutover
    status: ok
    summary: "{{ cutover.summary }}"
    report: https://reports.example.com/orders.html
    extra:
      change: CHG-4711
    required: true
"""

RETURN = r"""
event_id:
  description: The id of the event, the same for the same event of the same run.
  returned: success
  type: str
  sample: 1f3870be274f6c49b3e31a0c6728957f
payload:
  description: The document that was sent, or would be.
  returned: success
  type: dict
  sample:
    version: 1
    id: 1f3870be274f6c49b3e31a0c6728957f
    event: after_migrate
    migration_id: orders
    engine: pegasus
    phase: migrate
    status: ok
    summary: The duplication of 1 table is caught up.
    time: "2026-11-21T03:14:00.123Z"
    run: 5f1c0e9a7b32
    report: ""
    extra: {}
deliveries:
  description: What became of it, by webhook. Empty without O(url).
  returned: success
  type: list
  elements: dict
  contains:
    to:
      description: Scheme and host of the webhook.
      type: str
      sample: https://chat.example.com
    mark:
      description: The beginning of the URL's SHA-256, which tells two webhooks of one host apart.
      type: str
    status:
      description: V(delivered), V(already_delivered), V(failed), or in check mode V(would_be_sent).
      type: str
    attempts:
      description: How often it was sent.
      type: int
    http_status:
      description: The last HTTP status, 0 without an answer.
      type: int
    problem:
      description: Why it was not taken, empty when it was.
      type: str
code:
  description: A stable code of what went wrong, such as V(notification.failed) or V(option.invalid).
  returned: failure
  type: str
  sample: notification.failed
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._core.notification import FORMATS, STATUSES
from ansible_collections.dbops.migration.plugins.module_utils._core.notification_task import NotificationTask, secrets
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor


def main() -> None:
    """Entry point of the module."""
    own = ArgumentSpec(
        {
            "url": {"type": "raw", "no_log": True, "fallback": (env_fallback, ["DBOPS_MIGRATION_WEBHOOK_URL"])},
            "secret": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DBOPS_MIGRATION_WEBHOOK_SECRET"])},
            "event": {"type": "str", "required": True},
            "phase": {"type": "str"},
            "status": {"type": "str", "choices": list(STATUSES), "default": "info"},
            "summary": {"type": "str"},
            "run": {"type": "str"},
            "report": {"type": "str"},
            "extra": {"type": "raw"},
            "format": {"type": "str", "choices": list(FORMATS), "default": "generic"},
            "timeout": {"type": "str", "default": "30s"},
            "ca_cert": {"type": "path"},
            "required": {"type": "bool", "default": False},
        }
    )
    module = journal_spec().merge(own).create_ansible_module(supports_check_mode=True)
    redactor = Redactor(redactor_from(module.params).secrets | secrets(module.params))
    task = NotificationTask(module.params, bool(module.check_mode), redactor, SystemClock(), module.warn)
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
