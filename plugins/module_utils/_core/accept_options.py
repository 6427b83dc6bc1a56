# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The option that accepts findings; it is documented in the fragment ``_accept``."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, parse_acceptances


def accept_spec() -> ArgumentSpec:
    """The argument spec of the option; raw, because job templates deliver it as text."""
    return ArgumentSpec({"accept": {"type": "raw"}})


def acceptances(params: t.Mapping[str, t.Any], now: datetime.datetime) -> t.List[Acceptance]:
    """What the option says; InvalidOption or InvalidInput, all errors at once."""
    return parse_acceptances(params.get("accept"), "accept", now)
