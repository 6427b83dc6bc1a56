# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie. All that is produced goes below build/, which git and galaxy ignore."""

from __future__ import annotations

import pathlib

NAMESPACE = "dbops"
NAME = "migration"
COLLECTION = f"{NAMESPACE}.{NAME}"

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
VENVS = BUILD / "venvs"
WORK = BUILD / "work"
LOGS = BUILD / "logs"
HOMES = BUILD / "home"
REQUIREMENTS = ROOT / "requirements"
