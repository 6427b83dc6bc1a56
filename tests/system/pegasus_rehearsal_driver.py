# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearsal module's task in a process of its own, on a clock as fast as the lab's.

``python pegasus_rehearsal_driver.py JSON``: {"options", "factor"}. Prints the result as JSON.
"""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_options import rehearsal_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_task import RehearsalTask

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from system.pegasus_cutover_driver import FastClock


def main() -> None:
    given = json.loads(sys.argv[1])
    known = rehearsal_argument_spec().argument_spec
    options: dict[str, t.Any] = {name: option.get("default") for name, option in known.items()}
    options.update(given["options"])
    task = RehearsalTask(options, False, Redactor([]), FastClock(given["factor"]))
    try:
        result = {"failed": False, **task.body()}
    except MigrationError as error:
        result = {**task.result, **error.as_result(), "failed": True}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
