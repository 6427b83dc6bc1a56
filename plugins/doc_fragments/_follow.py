# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""Options of modules that the follow loop calls step by step."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  step_time:
    description:
      - How long one call of the module may last before it returns to the follow loop. By default the loop chooses
        between 2 s and 40 s. Nothing is lost when a step ends or dies.
    type: str
  follow:
    description:
      - What the step before returned as RV(follow). The follow loop fills this in; leave it alone.
    type: raw
"""
