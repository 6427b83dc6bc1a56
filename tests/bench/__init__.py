# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the figures of the collection against the lab; `python -m bench.<engine>`."""

from __future__ import annotations

import importlib.util
import sys

from tooling import linked

if importlib.util.find_spec("ansible_collections") is None:
    sys.path.append(str(linked.collections_root()))
