# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""Where a journal is kept. The argument spec is in ``module_utils/_core/journal_options.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  journal:
    description:
      - Where the journal of the migration is kept, a path on the host where the module runs, or V(s3://bucket/prefix).
      - The journal remembers what was found, intended, done and put back. Give the same one to every phase.
      - A new journal is made where none is. Its file can be read by its owner only, and holds no secrets.
      - An S3 store must honour C(If-None-Match), and the module then needs the Python library C(boto3), 1.35.2
        or newer.
      - When not given, the environment variable E(DBOPS_MIGRATION_JOURNAL) is used.
    type: str
  migration_id:
    description:
      - Names the migration. A journal of another migration is refused.
      - Without it, a journal that exists is taken as it is, and a new one gets a random name.
      - When not given, the environment variable E(DBOPS_MIGRATION_ID) is used.
    type: str
  metrics_file:
    description:
      - Where the state of the migration is kept for Prometheus, a path on the host where the module runs, in the folder
        that C(--collector.textfile.directory) of node_exporter names. It must end with C(.prom), and the folder must
        exist. Take one file for each migration.
      - The file is made from the journal whenever a module writes to it, at most once in a second, and at once when a
        run begins or ends, a finding or a reason for waiting comes up, or a fence is set or lifted. Everybody can read
        it. It is replaced as a whole, and holds no secrets.
      - A file that cannot be written later, as on a full disk, is told of once as a warning, and the migration goes on.
      - Modules that only read the journal leave the file alone. M(dbops.migration.migration_metrics) makes it at any
        time.
      - When not given, the environment variable E(DBOPS_MIGRATION_METRICS_FILE) is used.
    type: path
  s3_endpoint_url:
    description:
      - The URL of the S3 store, when it is not the one of AWS.
      - When not given, the environment variables E(AWS_ENDPOINT_URL_S3) and E(AWS_ENDPOINT_URL) are used.
    type: str
  s3_region:
    description:
      - The region of the S3 store.
      - When not given, the environment variables E(AWS_REGION) and E(AWS_DEFAULT_REGION) are used.
    type: str
  s3_access_key:
    description:
      - The access key for the S3 store. Without it, boto3 looks into its own files and instance roles.
      - When not given, the environment variable E(AWS_ACCESS_KEY_ID) is used.
      - Needs O(s3_secret_key).
    type: str
  s3_secret_key:
    description:
      - The secret key that belongs to O(s3_access_key).
      - When not given, the environment variable E(AWS_SECRET_ACCESS_KEY) is used.
    type: str
  s3_session_token:
    description:
      - The session token of a temporary access key.
      - When not given, the environment variable E(AWS_SESSION_TOKEN) is used.
    type: str
"""
