# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options that say where a journal is kept; they are documented in the fragment ``_journal``."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import metrics_file
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import S3Options
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor


def journal_spec() -> ArgumentSpec:
    """The argument spec of the journal's options."""
    return ArgumentSpec(
        {
            "journal": {"type": "str", "fallback": (env_fallback, ["DBOPS_MIGRATION_JOURNAL"])},
            "migration_id": {"type": "str", "fallback": (env_fallback, ["DBOPS_MIGRATION_ID"])},
            metrics_file.OPTION: {"type": "path", "fallback": (env_fallback, ["DBOPS_MIGRATION_METRICS_FILE"])},
            "s3_endpoint_url": {
                "type": "str",
                "fallback": (env_fallback, ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
            },
            "s3_region": {"type": "str", "fallback": (env_fallback, ["AWS_REGION", "AWS_DEFAULT_REGION"])},
            "s3_access_key": {"type": "str", "no_log": False, "fallback": (env_fallback, ["AWS_ACCESS_KEY_ID"])},
            "s3_secret_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["AWS_SECRET_ACCESS_KEY"])},
            "s3_session_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["AWS_SESSION_TOKEN"])},
        },
        required_together=[("s3_access_key", "s3_secret_key")],
    )


def s3_options(params: t.Mapping[str, t.Any]) -> S3Options:
    """How to reach S3. A session token of the environment is left out when the access key is another one's."""
    access_key = params.get("s3_access_key") or ""
    token = params.get("s3_session_token") or ""
    if token == os.environ.get("AWS_SESSION_TOKEN") and access_key != os.environ.get("AWS_ACCESS_KEY_ID"):
        token = ""
    return S3Options(
        endpoint_url=params.get("s3_endpoint_url") or "",
        region=params.get("s3_region") or "",
        access_key=access_key,
        secret_key=params.get("s3_secret_key") or "",
        session_token=token,
    )


def open_journal(
    params: t.Mapping[str, t.Any], *, engine: str, clock: Clock, redactor: Redactor, create: bool = True
) -> t.Optional[Journal]:
    """The journal of the options, open for writing; None when the option is not given. Errors as ``Journal.open``.

    While it is open, the file of metrics that the options name follows it.
    """
    location = params.get("journal")
    if not location:
        return None
    journal = Journal.open(
        location,
        migration_id=params.get("migration_id") or "",
        engine=engine,
        clock=clock,
        redactor=redactor,
        create=create,
        s3=s3_options(params),
    )
    path = metrics_file.path_of(params)
    if path:
        # Imported here, since every task pays for what it imports.
        from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_observer import MetricsObserver

        journal.observe(MetricsObserver(path, journal, clock))
    return journal


def read_journal(params: t.Mapping[str, t.Any]) -> t.Optional[JournalView]:
    """The journal of the options, read only (for check mode); None when there is none yet or the option is not given.

    Damage is in the view's ``problems``. Raises MigrationError ``journal.not_accessible``.
    """
    location = params.get("journal")
    if not location:
        return None
    try:
        return Journal.read(location, s3=s3_options(params))
    except MigrationError as error:
        if error.code == "journal.missing":
            return None
        raise


def require_metrics_file(params: t.Mapping[str, t.Any]) -> None:
    """Refuse a file of metrics that cannot be written, before anything is contacted.

    A migration that has begun is not refused because its folder was lost on the way: a step of days of copying, or the
    call that ends a fence, must come through. Then it is told when it is written.

    :raises InvalidOption: the name is wrong, or the folder, and the journal (if any) knows of no run yet
    """
    path = metrics_file.path_of(params)
    if not path:
        return
    wrong = metrics_file.name_problem(path)
    if wrong is not None:
        raise wrong
    wrong = metrics_file.folder_problem(path)
    if wrong is not None and not _has_begun(params):
        raise wrong


def _has_begun(params: t.Mapping[str, t.Any]) -> bool:
    try:
        view = read_journal(params)
    except MigrationError:
        # The journal's own trouble is told where it is opened.
        return True
    return view is not None and bool(view.of_kind("run.started"))
