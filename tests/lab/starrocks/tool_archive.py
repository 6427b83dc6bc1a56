# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds starrocks-cluster-sync.tar.gz: the stand-in program in the real archive's layout (facts 5.1)."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

from lab.starrocks.tool_files import HOSTS, generation_of, sync_properties

ROOT = "starrocks-cluster-sync"
NAME = ROOT + ".tar.gz"
PROGRAM = Path(__file__).resolve().parent / "sync_tool"
START = """#!/bin/bash
# Stands in for the vendor's start script, for the simulated clusters of a lab.
home="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$home" || exit 1
export PYTHONPATH="$home/lib" PYTHONDONTWRITEBYTECODE=1
%s
"""
FOREGROUND = 'exec "%s" -u -m sync_tool "$home"'
BACKGROUND = 'nohup "%s" -u -m sync_tool "$home" >"$home/log/sync.out" 2>&1 </dev/null &'
ROTATE_BYTES = 20 * 1024 * 1024


def build(
    directory: str | Path,
    factor: float,
    generation: str = "2026",
    orders: str | Path = "",
    background: bool = False,
    rotate_bytes: int = ROTATE_BYTES,
) -> tuple[Path, str]:
    """Write the archive into a directory: (its path, its SHA-256).

    generation: which revision of the manual the files follow (tool_files.GENERATIONS). orders: the file through which
    the lab asks for mischief (sync_tool/lab.py). background: start.sh returns at once; whether the real one does is not
    known. The interpreter is the one that runs this, which has PyMySQL.
    """
    found = generation_of(generation)
    settings = {
        "factor": factor,
        "generation": found.log,
        "rotate_bytes": rotate_bytes,
        "orders": str(orders) or str(Path(directory) / "tool-orders.json"),
    }
    start = START % ((BACKGROUND if background else FOREGROUND) % sys.executable)
    path = Path(directory) / NAME
    with tarfile.open(path, "w:gz") as archive:
        for folder in ("", "/bin", "/conf", "/lib", "/lib/sync_tool", "/log"):
            info = tarfile.TarInfo(ROOT + folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        _add(archive, "bin/start.sh", start, 0o755)
        _add(archive, "conf/sync.properties", sync_properties(found))
        _add(archive, "conf/hosts.properties", HOSTS[found.hosts])
        _add(archive, "lib/lab.json", json.dumps(settings, indent=1) + "\n")
        _add(archive, "lib/%s.jar" % ROOT, "Not a jar: lib/sync_tool is the program.\n")
        for source in sorted(PROGRAM.glob("*.py")):
            _add(archive, "lib/sync_tool/%s" % source.name, source.read_text(encoding="utf-8"))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def _add(archive: tarfile.TarFile, name: str, text: str, mode: int = 0o644) -> None:
    data = text.encode()
    info = tarfile.TarInfo("%s/%s" % (ROOT, name))
    info.size, info.mode = len(data), mode
    archive.addfile(info, io.BytesIO(data))
