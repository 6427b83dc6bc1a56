# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the AWX guide names is there. Its commands are looked at where those of all guides are."""

from __future__ import annotations

import re

from tooling import paths

GUIDE = paths.ROOT / "docs/docsite/rst/guide_awx.rst"


def test_files_types_and_artifacts_that_the_guide_names_are_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    config = paths.ROOT / "awx" / "config"
    assert set(re.findall(r"^``(\w+\.yml)``", text, re.M)) == {path.name for path in config.glob("*.yml")}
    types = (config / "credential_types.yml").read_text(encoding="utf-8")
    named = re.findall(r"^(dbops\.migration (?:\w+ )*\w+)  ", text, re.M)
    assert [name for name in named if f"name: {name}" not in types] == []
    assert len(named) == types.count("\n  - name: ")
    tasks = "".join(path.read_text(encoding="utf-8") for path in (paths.ROOT / "roles").rglob("tasks/**/*.yml"))
    for name in re.findall(r"``((?:greptimedb|pegasus|starrocks)_(?:preflight|migrate|cutover)_\w+)``", text):
        assert f"{name}:" in tasks
