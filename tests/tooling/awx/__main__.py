# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files below awx/ that are made: `python -m tooling.awx`. It prints those that it has changed."""

from __future__ import annotations

import functools
import pathlib
import sys
import typing as t

from tooling import paths
from tooling.awx import credentials, sources, templates, workflows, writing

FOLDER = paths.ROOT / "awx"


@functools.cache
def files() -> dict[str, str]:
    """The text of every file that is made, by its path below awx/."""
    made: dict[str, t.Any] = {
        "config/credential_types.yml": {"controller_credential_types": credentials.types()},
        "config/credentials.yml": {"controller_credentials": credentials.credentials()},
        "config/templates.yml": {"controller_templates": templates.templates()},
        "config/workflows.yml": {"controller_workflows": workflows.workflows()},
    }
    for role in sources.roles():
        for phase in sources.specs(role):
            made[templates.playbook_of(role, phase)] = templates.playbook(role, phase)
    return {name: writing.dump(data) for name, data in made.items()}


def left_over() -> list[pathlib.Path]:
    """Playbooks that no role has any more."""
    return [path for path in sorted((FOLDER / "playbooks").glob("*.yml")) if f"playbooks/{path.name}" not in files()]


def main() -> int:
    """Write what differs."""
    for name, text in files().items():
        path = FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(paths.ROOT))
    for path in left_over():
        path.unlink()
        print(f"{path.relative_to(paths.ROOT)} (removed)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
