# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball: `python -m tooling.tarball` leaves it in build/dist."""

from __future__ import annotations

import pathlib
import shutil
import sys

from tooling import paths, stages


def build(stage: stages.Stage, folder: pathlib.Path) -> pathlib.Path:
    """The path of the tarball that the stage's ansible-galaxy made from the stage's copy of the tree."""
    shutil.rmtree(folder, ignore_errors=True)
    stage.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), log=f"{stage.name}-build")
    (made,) = folder.glob(f"{paths.NAMESPACE}-{paths.NAME}-*.tar.gz")
    return made


if __name__ == "__main__":
    print(build(stages.prepare("build"), paths.BUILD / "dist"))
    sys.exit(0)
