# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""Accepting findings. The argument spec is in ``module_utils/_core/accept_options.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  accept:
    description:
      - Findings that may stay, as a list of mappings, or JSON text of one.
      - A blocker stops the run unless it is accepted here and the acceptance has not expired.
      - Each mapping has C(id), the id of the finding; C(reason), a few words on why it may stay; C(expires), an ISO
        8601 date (good until the end of that day in UTC) or time; if it shall hold for one subject only, C(subject)
        as the finding names it; and if you like, C(accepted_by), who answers for it, which the report shows.
      - Acceptances which expired, or which met no finding, are reported.
    type: raw
"""
