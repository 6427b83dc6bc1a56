# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Options that fall back on environment variables."""

from __future__ import annotations

import os

from ansible.module_utils.errors import AnsibleFallbackNotFound


def env_fallback(*names: str) -> str:
    """The first of the variables that has a value; for ``fallback`` in an argument spec.

    An empty one counts as not set, unlike with Ansible's own function of this name: a credential of AWX sets every
    variable that its type injects, those of inputs that were left empty too, and the default must hold for them.

    :raises AnsibleFallbackNotFound: none has a value
    """
    for name in names:
        value = os.environ.get(name, "")
        if value:
            return value
    raise AnsibleFallbackNotFound
