# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which documented commands are run, against which labs, and why some are not.

The commands of a chapter are given to a shell as they stand. What a reader has and a test has not is put in their
place: hosts by variables that come last, folders by a temporary one, programs of vendors by small stand-ins.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from system import documented_steps as steps
from system import starrocks_playbooks
from system.documented_steps import Labs
from tooling import commands, shown
from tooling.documents import SHELL, Block, all_blocks, blocks

Step = t.Union[str, t.Callable[[Labs], t.Any]]
"""What a test does beside the document: a function, a command, or tasks (a text that begins with ``- ``)."""
GREPTIMEDB: dict[str, t.Any] = {"engine": "greptimedb", "profile": "1.1", "regions": 16, "writers": 2, "factor": 5}
PEGASUS: dict[str, t.Any] = {
    "engine": "pegasus",
    "profile": "2.6",
    "partitions": 4,
    "clients": 2,
    "rate": 20,
    "factor": 5,
    "copy_seconds": 6,
    "table": "orders",
}
STARROCKS: dict[str, t.Any] = {**starrocks_playbooks.SMALL, "profile": "4.1", "factor": 5}


@dataclasses.dataclass(frozen=True)
class Chapter:
    """Blocks of one document that are run one after another in one folder.

    ``headings``: whose blocks, in the document's order; empty: all. ``files``: documents whose named files (of blocks
    that begin with ``# drain-3.yml``) are laid there before. ``prepare``: commands that the reader has given before.
    ``refused``: parts of commands that fail on purpose, with a part of what they say. ``said``: the same of commands
    that end well. ``before``: what is done right before a block with this text, ``after``: right behind it. ``judge``:
    what must hold in the end. ``tasks``: whether its tasks are run, too. ``shows``: guides whose outputs have to be as
    those of its commands.
    """

    document: str
    headings: tuple[str, ...] = ()
    labs: tuple[t.Mapping[str, t.Any], ...] = ()
    files: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    refused: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    said: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    before: t.Mapping[str, t.Sequence[Step]] = dataclasses.field(default_factory=dict)
    after: t.Mapping[str, t.Sequence[Step]] = dataclasses.field(default_factory=dict)
    judge: t.Callable[[Labs], t.Any] = lambda labs: None
    tasks: bool = False
    shows: tuple[str, ...] = ()
    thorough: bool = True
    cost: int = 60

    @property
    def name(self) -> str:
        """What the test is called."""
        return "-".join((*self.document.split("/")[-2:], *self.headings[:1])).replace(" ", "_")

    def blocks(self) -> list[Block]:
        """Its blocks."""
        return [one for one in blocks(self.document) if not self.headings or one.heading in self.headings]


CUT_OVER = "These tables were cut over"
SWITCHED = "The cutover is committed and clients write to the target"
CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "docs/docsite/rst/guide_greptimedb.rst",
        labs=(GREPTIMEDB,),
        said={"migration.greptimedb -e @drain-3.yml\n": steps.REHEARSED},
        judge=steps.brought_back,
        cost=60,
    ),
    Chapter(
        "README.md",
        ("Drain a GreptimeDB datanode",),
        labs=(GREPTIMEDB,),
        judge=steps.drained,
        tasks=True,
        thorough=False,
        cost=40,
    ),
    Chapter(
        "README.md",
        ("Move Pegasus tables to another cluster",),
        labs=({**PEGASUS, "table": "orders,invoices"},),
        judge=steps.tables_moved,
    ),
    Chapter(
        "README.md",
        ("Migrate StarRocks databases to another cluster",),
        labs=(STARROCKS,),
        files=("roles/starrocks/README.md",),
        judge=steps.databases_moved,
    ),
    Chapter("roles/greptimedb/README.md", labs=(GREPTIMEDB,), judge=steps.drained),
    Chapter(
        "roles/pegasus/README.md",
        labs=(PEGASUS,),
        refused={"pegasus_rollback": CUT_OVER},
        judge=steps.tables_moved,
    ),
    Chapter(
        "roles/starrocks/README.md",
        labs=(STARROCKS,),
        files=("roles/starrocks/README.md",),
        refused={"starrocks_rollback": SWITCHED},
        judge=steps.databases_moved,
    ),
    Chapter(
        "docs/docsite/rst/guide_pegasus.rst",
        labs=(PEGASUS,),
        refused={"pegasus_rollback": CUT_OVER},
        # The forecast of the real cutover uses what the rehearsal has measured.
        before={"pegasus_cutover -e": (steps.PREDICT,)},
        said={steps.PREDICT: '"from": "rehearsal"'},
        judge=steps.tables_moved,
    ),
    Chapter(
        "docs/docsite/rst/guide_starrocks.rst",
        labs=(STARROCKS,),
        refused={"starrocks_rollback": SWITCHED},
        judge=steps.databases_moved,
    ),
    Chapter(
        "docs/docsite/rst/guide_operating.rst",
        labs=(GREPTIMEDB, PEGASUS, STARROCKS),
        files=tuple(f"docs/docsite/rst/guide_{engine}.rst" for engine in commands.ENGINES),
        prepare=(
            "ansible-playbook dbops.migration.greptimedb -e @drain-3.yml",
            steps.MIGRATE["pegasus"],
        ),
        # The cutover of this chapter went well, so its rollbacks of Pegasus are refused, as the guide says.
        refused={"pegasus_rollback": CUT_OVER},
        before={"./run.sh": (steps.fence,), "mysql": (steps.freeze,), "_set_config": (steps.freeze,)},
        after={
            "./run.sh": (steps.fence_is_lifted,),
            "mysql": (steps.freeze_is_lifted,),
            "_set_config": (steps.freeze_is_lifted,),
        },
        judge=steps.brought_back,
        cost=200,
    ),
    Chapter(
        "docs/docsite/rst/guide_operating.rst",
        ("End a switch that was handed over",),
        labs=(PEGASUS, STARROCKS),
        files=tuple(f"docs/docsite/rst/guide_{engine}.rst" for engine in steps.MIGRATE),
        prepare=tuple(steps.MIGRATE.values()),
        before={
            "name: Take the fence off orders": (steps.HAND_OVER_PEGASUS, steps.fence_is_set),
            "name: Commit orders": (steps.HAND_OVER_PEGASUS, steps.fence_is_set),
            "name: Lift the freeze": (steps.HAND_OVER_STARROCKS, steps.freeze_is_set),
            "name: Commit, as": (steps.MIGRATE["starrocks"], steps.HAND_OVER_STARROCKS, steps.freeze_is_set),
        },
        after={
            "name: Take the fence off orders": (steps.fence_is_lifted,),
            "name: Commit orders": (steps.table_is_closed,),
            "name: Lift the freeze": (steps.freeze_is_lifted,),
            "name: Commit, as": (steps.freeze_is_set,),
        },
        tasks=True,
        cost=150,
    ),
    Chapter(
        "docs/docsite/rst/guide_lab.rst",
        ("Start one to play with",),
        thorough=False,
        cost=20,
    ),
    Chapter(
        "docs/docsite/rst/guide_lab.rst", ("The control port", "Faults"), labs=(GREPTIMEDB,), thorough=False, cost=5
    ),
    Chapter("docs/docsite/rst/guide_lab.rst", ("How the tests use it",), thorough=False, cost=5),
    Chapter("docs/docsite/rst/guide_lab.rst", ("See it work",), shows=tuple(shown.GUIDES), cost=300),
    Chapter("tests/lab/README.md", ("The lab",), cost=20),
)

# Commands that no test runs as they stand: their beginnings, and why.
_SHORT = "its short parts are tests/system/test_{}_*.py; in full it takes an hour or more"
NOT_RUN: tuple[tuple[str, str], ...] = (
    (r"make (test|test-all)\b", "it is what runs this test"),
    (r"make chaos-", _SHORT.format("chaos")),
    (r"make bench-", _SHORT.format("bench")),
    (r"make demo(?![-\w])", "it is the demos of the engines one after another, which guide_lab runs"),
    (
        r"make (unit|lint|format|help|clean|docs|build)\b",
        "CI runs its steps one by one, and it would undo or repeat this run",
    ),
    (
        r"make awx\b",
        "tests/conformance/test_awx_data.py makes the same files, and compares",
    ),
    (r"make venv\b", "a test runs in it"),
    (
        r"make lab(-\w+)?\b|python -m lab \w+ start (?!.*--detach)",
        "it runs until Ctrl-C; the same with --detach is run",
    ),
    (
        r"ansible-galaxy collection install (dbops\.migration|-r requirements\.yml)",
        "it asks Galaxy, where a release is; tests/conformance/test_galaxy.py installs the built tarball",
    ),
    (
        r"ansible-galaxy collection install .*(infra\.aap_configuration|awx\.awx)",
        "it asks Galaxy for the collections of others; what their playbook would load is checked by "
        "tests/conformance/test_awx_loading.py",
    ),
    (r"(docker|podman|kubectl|helm) ", "there is no container engine where the tests run"),
    (
        r"make molecule-docker-",
        "there is no container engine where the tests run; tests/conformance/test_molecule_docker.py has its refusals",
    ),
    (r"git clone .*/incubator-pegasus\.git", "it fetches Pegasus from the network, to compile it for an hour"),
    (r"incubator-pegasus/docker/\S+\.sh ", "there is no container engine where the tests run"),
    (
        r"sed -i \S+ extensions/molecule/",
        "it changes the repository; tests/conformance/test_molecule_docker_values.py runs it on a copy",
    ),
    (r"(\.venv/bin/)?ansible-builder build", "there is no container engine; tests/conformance builds the context"),
    (r"(\.venv/bin/)?ansible-navigator ", "it needs a container engine"),
    (
        r"(awx|awxkit) |(\w+=\S+ )*ansible-playbook infra\.",
        "there is no controller where the tests run; its templates are run through ansible-runner",
    ),
)


def reason_not_to_run(command: str) -> str:
    """Why a command is not run; "" when it is to be."""
    return next((reason for pattern, reason in NOT_RUN if re.match(pattern, command)), "")


@functools.cache
def run_blocks() -> frozenset[Block]:
    """The blocks of all chapters."""
    return frozenset(block for chapter in CHAPTERS for block in chapter.blocks())


def forgotten() -> list[str]:
    """Commands that are neither run nor listed."""
    return [
        f"{block.place}: {command}"
        for block in all_blocks(*SHELL)
        if block not in run_blocks()
        for command in commands.split(block.text)
        if not reason_not_to_run(command)
    ]
