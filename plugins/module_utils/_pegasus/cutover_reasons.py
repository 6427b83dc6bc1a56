# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Why a cutover failed, where one reason does not tell it all."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError, with_reason


def taken_back(
    back: t.Sequence[str], unproved: t.Sequence[str], committed: t.Sequence[str] = (), lifted: bool = True
) -> t.Optional[MigrationError]:
    """What to tell of the tables of a fence whose switch was taken back; None where that is none of them.

    ``lifted``: whether their fences were; where not, that is an error of its own, which tells of it.
    """
    proved = _nobody_followed(back, committed, lifted) if back else None
    if not unproved:
        return proved
    perhaps = _perhaps_followed(unproved, committed, "" if back else _told(committed), lifted)
    return perhaps if proved is None else with_reason(perhaps, proved)


def _nobody_followed(tables: t.Sequence[str], committed: t.Sequence[str], lifted: bool) -> MigrationError:
    """No proxy had noticed, so everything is as before: what to do about the proxies."""
    fence = ", and the fence was lifted" if lifted else ""
    return MigrationError(
        "pegasus.metaproxy_not_following",
        f"No MetaProxy followed the znode of {' and '.join(tables)} in time, so it was put back byte for byte{fence}; "
        f"no client has been on the target. {_told(committed)}The proxies have lost their watch of ZooKeeper or cannot "
        "reach it: restart them, and run the cutover again.",
        details={"tables": list(tables), "committed": list(committed)},
    )


def _perhaps_followed(tables: t.Sequence[str], committed: t.Sequence[str], told: str, lifted: bool) -> MigrationError:
    """The znode is as before, but that no client has been on the target is not proved."""
    fence = ": the fence was lifted, and the source takes writes" if lifted else ""
    return MigrationError(
        "pegasus.put_back_unproved",
        f"No MetaProxy followed the znode of {' and '.join(tables)} in time, so it was put back byte for byte. Then it "
        f"was not proved that no client has been on the target, and the time was up{fence}. {told}Restart "
        "the MetaProxies and the clients that may have been sent to the target, and compare both tables; what was "
        "written on the target does not come back by itself. Then run the cutover again.",
        details={"tables": list(tables), "committed": list(committed)},
    )


def _told(committed: t.Sequence[str]) -> str:
    return f"The clients of {' and '.join(committed)} are on the target, which is committed. " if committed else ""
