# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for starrocks-cluster-sync: a program of its own, packed into an archive by lab.starrocks.tool_archive.

It is written from the vendor's manual and the facts; it uses nothing of the lab. All imports in it are relative, since
it is "lab.starrocks.sync_tool" here and "sync_tool" where it is unpacked.
"""
