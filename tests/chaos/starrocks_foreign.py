# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else changes, in every phase of a whole run, what the migration has changed too: it is kept, and told.

What can be told apart only. Where somebody pauses a routine load that the freeze has paused already, nothing shows it.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from chaos import starrocks_labs as labs
from chaos.starrocks_kills import Tried
from chaos.starrocks_moments import DRAIN, FREEZE, GATE, MOMENTS, PREPARE, PROOF, RESTORE, SWITCH, SYNC, Watch
from chaos.starrocks_runs import MOST_RUNS, SHAPE, Expected, WholeRun
from lab.client import LabClient

FOREIGN = "foreign"
PLACE = "StarRocks 4.1 lab, third parties"
GRACE, COMPACTION = "lake_autovacuum_grace_period_minutes", "lake_compaction_max_tasks"
THEIR_GRACE, THEIR_COMPACTION = "9999999", "3"
JOB = "sales.from_kafka_0"
STUCK = re.compile(r"starrocks\.target\.publish_stuck \(([\w., ]+)\)")
KEPT = '"action":"keep_theirs"'
BEHIND = (SYNC, GATE, FREEZE, DRAIN, PROOF, SWITCH, RESTORE)
"""The phases behind the preparation."""


@dataclasses.dataclass(frozen=True)
class Edit:
    """``does`` it in one of ``phases``; ``expects``: what has to come of it, from the lab as it was before."""

    name: str
    phases: tuple[str, ...]
    does: t.Callable[[LabClient], None]
    expects: t.Callable[[t.Mapping[str, t.Any]], Expected]
    ends: t.Callable[[LabClient, str], None] = lambda lab, told: None
    """What they do when a run has told them, before the same command is given again."""
    overwritten: str = ""
    """Their value, where ours is set anew, by the cutover or by the command given again: the journal tells it, and the
    first one is restored."""


def _config(side: str, key: str, value: str) -> t.Callable[[LabClient], None]:
    return lambda lab: labs.must(lab.foreign(cluster=side, config={key: value}))


def _sql(side: str, text: str) -> t.Callable[[LabClient], None]:
    return lambda lab: labs.must(lab.foreign(cluster=side, sql=text))


def _on_every_frontend(side: str, key: str, value: str, *told: str) -> t.Callable[[t.Mapping[str, t.Any]], Expected]:
    def expects(state: t.Mapping[str, t.Any]) -> Expected:
        names = [one["name"] for one in state["clusters"][side]["frontends"]]
        return Expected({f"{side} {name} {key}": value for name in names}, told)

    return expects


def _job(word: str, *told: str) -> t.Callable[[t.Mapping[str, t.Any]], Expected]:
    return lambda state: Expected({f"source routine_loads {JOB}": word}, told)


def _drop_what_is_stuck(lab: LabClient, told: str) -> None:
    """Compactions of theirs may have met a replication; then the migration says which tables that has broken."""
    for table in sorted({name for names in STUCK.findall(told) for name in names.split(", ")}):
        _sql("target", f"DROP TABLE IF EXISTS {table} FORCE")(lab)


def _let_loads_through(lab: LabClient, told: str) -> None:
    """What they have refused, and the routine load that the server may have paused for it: that is theirs, too."""
    _config("source", labs.SWITCH, "false")(lab)
    _sql("source", f"RESUME ROUTINE LOAD FOR {JOB}")(lab)


def _volume_of_theirs(state: t.Mapping[str, t.Any]) -> Expected:
    volume = {**state["clusters"]["source"]["storage_volumes"]["lake_b"], "default": False, "enabled": False}
    # Mirrors do without the partitioned prefix of their source.
    params = {key: value for key, value in volume["params"].items() if "partitioned_prefix" not in key}
    # What a statement makes or changes tells this one too; the lab's own volumes were there before.
    params["aws.s3.use_web_identity_token_file"] = "false"
    return Expected({"target volume src_lake_b": {**volume, "params": params}}, (KEPT,))


EDITS = (
    Edit(
        "grace-source",
        BEHIND,
        _config("source", GRACE, THEIR_GRACE),
        _on_every_frontend("source", GRACE, THEIR_GRACE, KEPT),
        overwritten=THEIR_GRACE,
    ),
    Edit(
        "compaction-target",
        BEHIND,
        _config("target", COMPACTION, THEIR_COMPACTION),
        _on_every_frontend("target", COMPACTION, THEIR_COMPACTION, KEPT),
        _drop_what_is_stuck,
        overwritten=THEIR_COMPACTION,
    ),
    Edit("job-paused", (PREPARE, SYNC, GATE), _sql("source", f"PAUSE ROUTINE LOAD FOR {JOB}"), _job("PAUSED")),
    Edit(
        "job-stopped",
        (PREPARE, SYNC, GATE),
        _sql("source", f"STOP ROUTINE LOAD FOR {JOB}"),
        _job("STOPPED"),
    ),
    Edit(
        "paused-job-stopped",
        (FREEZE, DRAIN, PROOF, SWITCH, RESTORE),
        _sql("source", f"STOP ROUTINE LOAD FOR {JOB}"),
        _job("STOPPED", KEPT),
    ),
    Edit(
        "volume-dropped",
        BEHIND,
        _sql("target", "DROP STORAGE VOLUME src_lake_a"),
        lambda state: Expected(),
    ),
    Edit(
        "volume-changed",
        (DRAIN, PROOF, SWITCH, RESTORE),
        lambda lab: labs.must(lab.foreign(cluster="target", volume={"name": "src_lake_b", "enabled": False})),
        _volume_of_theirs,
    ),
    Edit(
        "loads-off",
        (PREPARE, SYNC),
        _config("source", labs.SWITCH, "true"),
        lambda state: Expected(told=("starrocks.source.loads_disabled",), refuses=True),
        _let_loads_through,
    ),
)


@dataclasses.dataclass(frozen=True)
class Case:
    """One edit in one phase."""

    edit: Edit
    phase: str

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"foreign-{self.phase}-{self.edit.name}"


CASES = tuple(Case(edit, phase) for edit in EDITS for phase in edit.phases)


def play(case: Case) -> Tried:
    """A whole run in which somebody does it; the same command again as often as it takes."""
    with (
        labs.laboratory(SHAPE) as lab,
        WholeRun(
            f"{SHAPE.name}-{case.name}", lab, starrocks_compaction_ramp=[4], starrocks_compaction_ramp_time="1s"
        ) as whole,
    ):
        expected = case.edit.expects(labs.looked_at(lab))
        watch = Watch(lab, whole.journal, MOMENTS[case.phase])
        run = whole.start()
        reached = watch.wait(lambda: whole.over(run))
        if reached:
            case.edit.does(lab)
        watch.release()
        ended = whole.note(run.wait()).code == 0
        if case.edit.overwritten and (case.phase == SYNC or not ended):
            # The cutover sets it anew before its gate, and behind that the gate sees it.
            seen = ("starrocks.setting_forgotten",) if case.phase == GATE else ()
            expected = Expected(told=(f'"before":"{case.edit.overwritten}"', *seen))
        for _number in range(MOST_RUNS):
            if not ended:
                case.edit.ends(lab, whole.outputs[-1])
                ended = whole.until_ended(1)
        return whole.finish(FOREIGN, PLACE, reached, ended, expected if reached else None)
