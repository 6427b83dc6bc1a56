# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P9: does check mode predict the calls that a real run then sends? Random states; the lab's record is the witness."""

from __future__ import annotations

import dataclasses
import itertools
import random
import typing as t
import urllib.parse

from bench import modules, workshop
from bench import starrocks_labs as labs
from bench import starrocks_states as states
from bench import starrocks_volume_states as volume_states
from bench.prediction import Predicted
from bench.starrocks_labs import Runs, Shape, SyncTool
from bench.starrocks_states import Options, Scene
from bench.starrocks_windows import cutover, until_ready
from lab.client import LabClient

MASKED = "********"
FAST = {
    "meta_job_interval_seconds": 20,
    "ddl_job_interval_seconds": 2,
    "replication_job_interval_seconds": 2,
    "report_interval_seconds": 10,
}
"""The tool's intervals, in lab seconds, where cutovers are predicted."""
CUTOVER_FACTOR = 20.0


@dataclasses.dataclass(frozen=True)
class Kind:
    """A lab in which the states of some modules are played in turn."""

    name: str
    shape: Shape
    makers: t.Mapping[str, t.Callable[[Scene], Options]]
    more: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


SETTINGS: t.Mapping[str, t.Callable[[Scene], Options]] = {
    "frontend_config": states.frontend_config,
    "backend_config": states.backend_config,
    "global_variable": states.global_variable,
    "write_freeze": volume_states.write_freeze,
    "sync_user": states.sync_user,
}
VOLUMES: t.Mapping[str, t.Callable[[Scene], Options]] = {
    "storage_volume": volume_states.storage_volume,
    "storage_volume_mirror": volume_states.storage_volume_mirror,
}


def kinds(seed: int) -> list[Kind]:
    """One lab of each kind: versions, frontends on one host, volumes, containers of Docker and pods of Kubernetes."""

    def settings(name: str, profile: str, leave_out: t.Sequence[str] = (), **more: t.Any) -> Kind:
        makers = {module: maker for module, maker in SETTINGS.items() if module not in leave_out}
        return Kind(name, Shape(seed, 4, 2, profile=profile, databases=2, copied=False), makers, more)

    lake = Shape(seed, 6, 2, profile="4.1", mode="shared_data", databases=2, copied=False)
    return [
        settings("2.5", "2.5", leave_out=("backend_config", "sync_user")),
        Kind("volumes of 4.1", lake, VOLUMES),
        settings("3.1", "3.1"),
        settings("3.3, two frontends on one host", "3.3", same_host=True),
        Kind("volumes of 3.2", dataclasses.replace(lake, profile="3.2"), {"storage_volume": VOLUMES["storage_volume"]}),
        settings("3.4", "3.4"),
        settings("3.5, two frontends on one host", "3.5", same_host=True),
        settings("3.5 in containers", "3.5", container=True),
        settings("4.1", "4.1"),
        settings("3.5 in Kubernetes", "3.5", container=True, host_names=True),
        Kind("volumes of 4.1", dataclasses.replace(lake, seed=seed + 1), VOLUMES),
        settings("4.1 in Kubernetes", "4.1", container=True, host_names=True),
    ]


def play(kind: Kind, count: int) -> t.Iterator[Predicted]:
    """So many states one after another; each leaves the cluster in which the next one begins."""
    home = workshop.folder(f"prediction-starrocks-{kind.shape.seed}")
    with Runs(home) as runs, labs.laboratory(kind.shape, **kind.more) as lab:
        scene = Scene(lab, random.Random(kind.shape.seed), home)
        for module, _number in zip(itertools.cycle(kind.makers), range(count)):
            yield predicted(runs, lab, module, kind.makers[module](scene), f"{module}, {kind.name}")


def cutovers(seed: int, count: int) -> t.Iterator[Predicted]:
    """Cutovers and their ends, with the sync tool at work: cut over, then committed or lifted, as often as asked."""
    home = workshop.folder(f"prediction-starrocks-cutover-{seed}")
    rng = random.Random(seed)
    profile = rng.choice(("3.3", "3.4", "3.5", "4.1"))
    shape = Shape(seed, 12, 2, CUTOVER_FACTOR, rate=1, profile=profile, databases=2)
    same_host = rng.random() < 0.3
    with Runs(home) as runs, labs.laboratory(shape, same_host=same_host) as lab, SyncTool(lab, runs, **FAST) as tool:
        scene = Scene(lab, rng, home)
        done = 0
        while done < count:
            volume_states.jobs(scene)
            options = _cutover_options(lab, tool, str(home / f"journal-{done}.jsonl"))
            until_ready(runs, options)
            name = f"cutover, {profile}{', two frontends on one host' if same_host else ''}"
            yield predicted(runs, lab, "cutover", options, name)
            end = rng.choice(("committed", "lifted"))
            yield predicted(runs, lab, "cutover", {**options, "state": end}, f"{name}, {end}")
            done += 2
            given = {**labs.connection(lab), "journal": options["journal"], "state": "absent", "after_commit": True}
            runs.run("write_freeze", given)
            tool.start()


def _cutover_options(lab: LabClient, tool: SyncTool, journal: str) -> Options:
    found = cutover(lab, tool, CUTOVER_FACTOR, journal)
    return {**found, "budget": "120s", "meta_job_interval": "1s", "replication_job_interval": "300ms"}


def predicted(runs: Runs, lab: LabClient, module: str, options: Options, name: str) -> Predicted:
    """Check mode, then the real run of the same options."""
    lab.clear_requests()
    told = runs.run(module, options, check=True)
    unasked = sent(lab, options)
    real = runs.run(module, options)
    return Predicted(
        profile=name,
        told=tuple(calls(module, told)),
        sent=tuple(sent(lab, options)),
        told_code=_code(told) if not unasked else "check mode sent something",
        sent_code=_code(real),
        attached=0,
    )


def _code(ended: modules.Ended) -> str:
    if ended.ok:
        return ""
    return str(ended.result.get("code") or ended.output[-300:])


def calls(module: str, ended: modules.Ended) -> list[str]:
    """What a result says is sent to the servers, in order."""
    result = ended.result
    if module in ("frontend_config", "backend_config"):
        return [_plain(one.get("sql") or one["http"]) for one in result.get("calls", [])]
    requests = [one["request"] for one in result.get("changes", [])]
    if module.startswith("storage_volume"):
        return [str(one) for one in requests]
    # One request may be several changes: those of the switch on several frontends.
    alone = [one for one, _same in itertools.groupby(requests)]
    return [_plain(one.get("sql") or one["http"]) for one in alone if "sql" in one or "http" in one]


def sent(lab: LabClient, options: t.Mapping[str, t.Any]) -> list[str]:
    """What the servers got of us that changes something, in order, secrets masked as results mask them."""
    secrets = [*volume_states.KEYS.values(), str(options.get("user_password", ""))]
    found = []
    for one in lab.requests(mutating=True):
        if one.get("user", "") not in ("root", ""):
            continue
        text = _plain(one["request"])
        for secret in filter(None, secrets):
            text = text.replace(secret, MASKED)
        found.append(text)
    return found


def _plain(request: str) -> str:
    """A request as a person reads it. Only what goes over HTTP is encoded."""
    return urllib.parse.unquote_plus(request) if request.startswith(("GET ", "POST ")) else request
