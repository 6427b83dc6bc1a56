# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: every engine's demo, one after the other.

Each lab is left running, so that the same command can be given again (it then changes nothing) and a person can look
around. `make demo ARGS=--stop` ends them, `make demo ARGS=--fresh` starts over. The demos by themselves:
`make demo-greptimedb`, `make demo-pegasus`, `make demo-starrocks`.
"""

from __future__ import annotations

import argparse
import sys

from demo import greptimedb, pegasus, stage, starrocks

DEMOS = (greptimedb.DEMO, pegasus.DEMO, starrocks.DEMO)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--profile", default=greptimedb.DEMO.profile, help="the simulated GreptimeDB version")
    parser.add_argument("--pegasus-profile", default=pegasus.DEMO.profile, help="the simulated Pegasus version")
    parser.add_argument("--starrocks-profile", default=starrocks.DEMO.profile, help="the simulated StarRocks version")
    stage.add_arguments(parser)
    options = parser.parse_args()
    profiles = (options.profile, options.pegasus_profile, options.starrocks_profile)
    code = 0
    for demo, profile in zip(DEMOS, profiles, strict=True):
        code = max(code, stage.show(demo, profile, stop=options.stop, fresh=options.fresh))
    return code


if __name__ == "__main__":
    sys.exit(main())
