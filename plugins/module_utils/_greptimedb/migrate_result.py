# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a region migration tells: progress and waits of a step, and the whole result at the end."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import control_waits as cw
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Progress
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import ReasonRegistry, Wait
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate import RegionMigration
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_control import RunControl

REASONS = ReasonRegistry(ms.WAIT_REASONS | cw.REASONS.known)

# What ends each wait, for people.
ENDS_WHEN = {
    **cw.ENDS_WHEN,
    "greptimedb.wait.limit": "a running move on the same datanode or table ends",
    "greptimedb.wait.retry_delay": "the pause before the next attempt is over",
    "greptimedb.wait.registering": "the server lists the procedure of which it handed out the id",
    "greptimedb.wait.reply_lost": "the procedure shows, or the settle time is over without it",
    "greptimedb.wait.table_lock": "the server releases the table's lock",
    "greptimedb.wait.preparing_target": "the target has opened the region",
    "greptimedb.wait.writes_refused": "the target leads the region; until then its writes are refused",
    "greptimedb.wait.server_retrying": "one of the server's own retries succeeds, or it gives up",
    "greptimedb.wait.rolling_back": "the server has put the source back in charge",
    "greptimedb.wait.closing_source": "the source has closed its copy",
    "greptimedb.wait.procedure_vanished": "the new metasrv leader has loaded the procedure, or the settle time is over",
    "greptimedb.wait.proving_writable": "the target datanode itself reports the region as writable",
    "greptimedb.wait.cluster_unreachable": "the frontend or metasrv answers again",
    "greptimedb.wait.draining_after_failure": "the running moves have ended; no new one is started",
}


_RUN_WIDE = {cw.ABORTING: "the running moves", "greptimedb.wait.draining_after_failure": "the running moves"}


def count_states(tracks: t.Iterable[ms.Track]) -> t.Dict[str, int]:
    """Return how many moves are in each state; every state is there."""
    counts = dict.fromkeys(ms.STATES, 0)
    for track in tracks:
        counts[track.state] += 1
    return counts


def progress(tracks: t.Sequence[ms.Track], finished_times: t.Sequence[float], started: float, clock: Clock) -> Progress:
    """Return done, running and failed with rate and ETA.

    The rate counts the moves that ended in this run: ``finished_times`` and ``started`` are seconds since the epoch.
    """
    counts = count_states(tracks)
    done = counts[ms.DONE] + counts[ms.UNCHANGED]
    before_run = done - len(finished_times)
    earlier = [(_moment(started), before_run)]
    earlier += [(_moment(at), before_run + number) for number, at in enumerate(sorted(finished_times), start=1)]
    result = Progress(len(tracks), clock, earlier=earlier)
    result.update(done, running=counts[ms.SUBMITTED], failed=counts[ms.FAILED])
    return result


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def waits(
    tracks: t.Sequence[ms.Track],
    run_wait: t.Optional[str],
    now: float,
    earlier: t.Optional[t.Mapping[str, str]] = None,
) -> t.List[t.Dict[str, t.Any]]:
    """Return one wait per reason, the one with most moves first.

    ``earlier``: by reason, since when the whole run waits for it. A move knows its own waits only.
    """
    # What is not begun because of people or the calendar waits for them, and not for its turn.
    not_begun = run_wait if run_wait in (cw.PAUSED, cw.CANNOT_READ, cw.WINDOW_CLOSED) else "greptimedb.wait.limit"
    by_reason: t.Dict[str, t.List[ms.Track]] = {}
    for track in tracks:
        if track.state in (ms.WAITING, ms.SUBMITTED):
            by_reason.setdefault(track.wait_reason or not_begun, []).append(track)
    if run_wait:
        by_reason.setdefault(run_wait, [])
    result = []
    for reason in sorted(by_reason, key=lambda one: (-len(by_reason[one]), one)):
        members = sorted(by_reason[reason], key=lambda track: (track.wait_since or now, track.region_id))
        since = members[0].wait_since if members else None
        result.append(
            Wait(
                reason=REASONS.check(reason),
                waiting_for=f"{len(members)} region moves" if members else _RUN_WIDE.get(reason, "the cluster"),
                ends_when=ENDS_WHEN[reason],
                since=iso(_moment(since)) if since else (earlier or {}).get(reason) or iso(_moment(now)),
                worst=[f"{track.label} to datanode {track.to_peer}" for track in members[:5]],
                count=len(members),
            ).as_result()
        )
    return result


def line(numbers: Progress, current_waits: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Return the one line that a person watches."""
    told = [one for one in current_waits if one["reason"] != "greptimedb.wait.limit"]
    if not told:
        return numbers.line()
    reasons = ", ".join(f"{str(one['reason']).rsplit('.wait.', 1)[-1]} ({one['count']})" for one in told[:3])
    return f"{numbers.line()}; waiting: {reasons}"


def describe(track: ms.Track) -> t.Dict[str, t.Any]:
    """Return one move as the result shows it."""
    record: t.Dict[str, t.Any] = {
        "region_id": track.region_id,
        "table": track.table,
        "from_peer": track.from_peer,
        "to_peer": track.to_peer,
        "state": track.state,
        "attempts": track.attempts,
        "procedure_id": track.procedure_id,
    }
    if track.state == ms.FAILED:
        record.update(code=track.code, msg=track.message, server_text=track.server_text)
    if track.state == ms.DONE and track.intent_at is not None and track.finished_at is not None:
        record["duration_seconds"] = round(track.finished_at - track.intent_at, 3)
    return record


def reverse_moves(tracks: t.Sequence[ms.Track]) -> t.List[t.Dict[str, t.Any]]:
    """Return the moves that undo what this run has done, last moved first."""
    done = [track for track in tracks if track.state == ms.DONE]
    done.sort(key=lambda track: (-(track.finished_at or 0.0), track.region_id))
    return [
        {
            "region_id": track.region_id,
            "table": track.table,
            "table_id": track.table_id,
            "from_peer": track.to_peer,
            "to_peer": track.from_peer,
        }
        for track in done
    ]


def summary(tracks: t.Sequence[ms.Track]) -> str:
    """Return the sentence that ends the run."""
    counts = count_states(tracks)
    if not tracks:
        return "No region has to move."
    if counts[ms.UNCHANGED] == len(tracks):
        return f"All {len(tracks)} regions were already where the plan wants them: nothing was sent."
    text = f"{counts[ms.DONE]} of {len(tracks)} regions moved and proved on their target"
    for state, words in (
        (ms.UNCHANGED, "were already there"),
        (ms.FAILED, "failed"),
        (ms.UNRESOLVED, "still running on the server"),
        (ms.WAITING, "not started"),
        (ms.ABANDONED, "ended without moving"),
    ):
        if counts[state]:
            text += f", {counts[state]} {words}"
    return text + "."


def verdict(run: RegionMigration, tracks: t.Sequence[ms.Track], control: RunControl) -> t.Optional[MigrationError]:
    """Return the failure in which a run has ended, None if it has not."""
    failed = [track for track in tracks if track.state == ms.FAILED]
    open_moves = [track for track in tracks if track.state in (ms.UNRESOLVED, ms.SUBMITTED)]
    not_begun = any(track.state == ms.WAITING for track in tracks)
    if run.expired and (open_moves or not_begun):
        running = ", ".join(str(track.region_id) for track in open_moves[:5]) or "none"
        return MigrationError(
            "deadline.expired",
            f"timeout: the time for this run is over. {summary(tracks)} Moves still running on the server:"
            f" {running}. Run again with the same journal to follow them to their end.",
        )
    if not run.finished:
        return None
    if run.fatal is not None:
        return run.fatal
    if control.aborted and not_begun:
        return control.failure(summary(tracks).rstrip("."))
    if not failed:
        return None
    first = failed[0]
    return MigrationError(
        "greptimedb.moves_failed" if len({track.code for track in failed}) > 1 else first.code,
        f"{summary(tracks)} First failure: {first.message}.",
        server_text=first.server_text or None,
    )
