# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that write to a cluster while it is migrated, and keep account of what was acknowledged to them.

They know nothing of a lab: the same clients write to real servers. See `python -m clients --help`.
"""
