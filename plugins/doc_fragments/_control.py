# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""Live control. The argument spec is in ``module_utils/_core/control_options.py``."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  control:
    description:
      - Where a person writes what the running migration shall do, an absolute path on the host where the module runs,
        or V(s3://bucket/key). It may be written before and while the module runs, by hand or with
        M(dbops.migration.migration_control).
      - One wish on a line, V(pause), V(resume), V(abort) (with a reason behind it, if you like),
        V(limits global=4 per_source=1), V(postpone 2h), V(postpone until 2026-11-22T01:00:00Z) or V(proceed). C(#)
        begins a comment.
      - It is what is wished now, and no list of orders. The last line on each matter holds (C(pause), C(resume) and
        C(abort) are one matter, C(postpone) and C(proceed) another), and it holds until the line is gone. So an
        C(abort) stops later runs too, until C(resume) is written or the file is removed.
      - C(postpone 2h) counts from the time at which the file was written last.
      - Every wish is acknowledged once, in the output and in the journal, and again when the text is written anew. A
        cutover shows it at its end where its journal cannot be read along on the controller. What was wished before
        stays while the text cannot be read. As a text with a line that is none of the wishes may be a stop, nothing new
        is begun until it is mended; while its store does not answer, only nothing that stops writes is begun.
      - When not given, the environment variable E(DBOPS_MIGRATION_CONTROL) is used, and else the name of the O(journal)
        with C(.control) behind it, or C(control) below its prefix on S3. V(none) obeys nothing.
    type: str
"""

    # For modules that begin something which people feel.
    WINDOW = r"""
options:
  cutover_window:
    description:
      - When it may begin, a list, JSON text of one, or text with commas. Each is like V(Sat 01:00-05:00 Europe/Berlin),
        V(Mon-Fri 22:00-04:00 UTC), V(daily 22:00-04:00 +01:00) or V(2026-11-22T01:00:00Z/2026-11-22T05:00:00Z).
      - One that ends before it begins ends on the next day. Where clocks are changed in it, the shorter reading counts.
      - Names of time zones need Python 3.9 and a time zone database on the host where the module runs. With Python 3.8,
        write C(UTC) or an offset.
      - Without any it is always open.
    type: raw
"""
