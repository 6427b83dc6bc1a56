# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random states of storage volumes and of what loads into the source, with what is wanted there."""

from __future__ import annotations

import json
import typing as t

from bench import starrocks_labs as labs
from bench.starrocks_states import Options, Scene

VOLUMES = ("vol_a", "vol_b", "vol_c", "vol_d")
REGIONS = ("us-east-1", "eu-west-1")
COMMENTS = (None, "", "for the archive", 'it\'s "new"')
KEYS = {"aws.s3.access_key": "bench-access-key", "aws.s3.secret_key": "bench-secret-key"}
JOB_STATES = ("RUNNING", "NEED_SCHEDULE", "PAUSED")
MOST_JOBS = 4


def storage_volume(scene: Scene) -> Options:
    """Volumes made, altered, dropped, put back; others do the same by hand."""
    rng, lab = scene.rng, scene.lab
    there = labs.clusters(lab)["clusters"]["target"]["storage_volumes"]
    for name in VOLUMES:
        if name in there and rng.random() < 0.3:
            if rng.random() < 0.3 and not there[name]["default"]:
                scene.other(cluster="target", sql=f"DROP STORAGE VOLUME {name}")
            else:
                changed = {"params": {"aws.s3.region": rng.choice(REGIONS)}, "comment": rng.choice(COMMENTS) or ""}
                scene.other(cluster="target", volume={"name": name, **changed})
    given = {**labs.connection(lab, "target"), **scene.journal("storage_volume")}
    chosen = rng.sample(VOLUMES, rng.randint(1, len(VOLUMES)))
    roll = rng.random()
    if roll < 0.2:
        return {**given, "state": "restored"}
    if roll < 0.4:
        return {**given, "state": "absent", "volumes": json.dumps(chosen)}
    wanted = [_volume(scene, name) for name in chosen]
    if rng.random() < 0.3:
        wanted[-1].update(default=True)
    update = rng.choice(("on_create", "on_create", "always"))
    return {
        **given,
        "volumes": json.dumps(wanted),
        "credentials": json.dumps({"*": KEYS}),
        "update_credentials": update,
    }


def _volume(scene: Scene, name: str) -> dict[str, t.Any]:
    rng = scene.rng
    place = name if rng.random() < 0.95 else "elsewhere"
    return {
        "name": name,
        "type": rng.choice(("S3", "s3")),
        "locations": [f"s3://lab-target/{place}"],
        "properties": {"aws.s3.region": rng.choice(REGIONS), "aws.s3.endpoint": "http://127.0.0.1:9"},
        "enabled": rng.random() < 0.8,
        "comment": rng.choice(COMMENTS),
    }


def storage_volume_mirror(scene: Scene) -> Options:
    """The source's volumes mirrored for some tables, or dropped; others change or drop the mirrors by hand."""
    rng, lab = scene.rng, scene.lab
    for name, one in labs.clusters(lab)["clusters"]["target"]["storage_volumes"].items():
        if name.startswith("src_") and not one["default"] and rng.random() < 0.3:
            if rng.random() < 0.4:
                scene.other(cluster="target", sql=f"DROP STORAGE VOLUME {name}")
            else:
                changed = {"params": {"aws.s3.region": rng.choice(REGIONS)}, "comment": rng.choice(COMMENTS) or ""}
                scene.other(cluster="target", volume={"name": name, "enabled": rng.random() < 0.7, **changed})
    target = {**labs.connection(lab, "target", "target_"), **scene.journal("storage_volume_mirror")}
    if rng.random() < 0.35:
        return {**target, "state": "absent"}
    tables = sorted(f"{database}.{name}" for database, listed in _tables(lab).items() for name in listed)
    some = rng.sample(tables, rng.randint(1, len(tables))) if rng.random() < 0.6 else None
    return {
        **target,
        **labs.connection(lab),
        **({"include_data_list": json.dumps(some)} if some else {}),
        "credentials": json.dumps({"*": KEYS}),
        "properties": json.dumps({"*": {"aws.s3.region": rng.choice(REGIONS)}}) if rng.random() < 0.3 else "{}",
        "update_credentials": rng.choice(("on_create", "on_create", "always")),
        "check_buckets": False,
    }


def write_freeze(scene: Scene) -> Options:
    """Writes stopped, or let go on, where jobs come, run and rest, and the switch is somebody else's here and there."""
    rng, lab = scene.rng, scene.lab
    jobs(scene)
    if rng.random() < 0.3:
        frontend = rng.choice(lab.describe["clusters"]["source"]["frontends"])
        address = f"{frontend['host']}:{frontend['query_port']}"
        scene.other(config={"frontend": address, "disable_load_job": rng.choice(("true", "false"))})
    given = {**labs.connection(lab), **scene.journal("write_freeze")}
    return given if rng.random() < 0.55 else {**given, "state": "absent"}


def jobs(scene: Scene) -> None:
    """Some more routine loads and pipes, in any state, and some that somebody pauses or resumes."""
    rng, lab = scene.rng, scene.lab
    state = labs.clusters(lab)["clusters"]["source"]
    database, listed = rng.choice(sorted(_tables(lab).items()))
    table = rng.choice(sorted(listed))
    if len(state["routine_loads"]) < MOST_JOBS and rng.random() < 0.4:
        name = f"load_{len(state['routine_loads'])}"
        job = {"name": name, "database": database, "table": table, "state": rng.choice(JOB_STATES)}
        scene.other(routine_load=job)
    if state["pipes"] and len(state["pipes"]) < MOST_JOBS and rng.random() < 0.3:
        name = f"pipe_{len(state['pipes'])}"
        scene.other(
            pipe={"name": name, "database": database, "table": table, "state": rng.choice(("RUNNING", "SUSPEND"))}
        )
    for kind, word in (("routine_loads", "ROUTINE LOAD FOR"), ("pipes", "PIPE")):
        for name, now in state[kind].items():
            if rng.random() < 0.25:
                scene.other(sql=_turn(word, name, now in ("PAUSED", "SUSPEND")))


def _turn(word: str, name: str, rests: bool) -> str:
    if word == "PIPE":
        return f"ALTER PIPE {name} {'RESUME' if rests else 'SUSPEND'}"
    return f"{'RESUME' if rests else 'PAUSE'} {word} {name}"


def _tables(lab: t.Any) -> dict[str, t.Any]:
    databases = lab.state()["clusters"]["source"]["databases"]
    return {name: listed for name, listed in databases.items() if not name.startswith("_") and listed}
