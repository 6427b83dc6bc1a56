# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of README files and guides is run against the labs as it stands, or is listed with the reason why not.

What is run is told in documented.py, and what is put in the place of hosts and folders in documented_places.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest
import yaml

from lab import process
from lab.pegasus import zookeeper
from system import documented, documented_places, playbooks
from system.documented import CHAPTERS, Chapter, Step
from system.documented_steps import Labs
from tooling import commands, linked, paths, shown
from tooling.documents import SHELL, YAML, Block, all_blocks, blocks


def _marks(chapter: Chapter) -> list[pytest.MarkDecorator]:
    marks = [pytest.mark.cost(chapter.cost)]
    if chapter.thorough:
        marks.append(pytest.mark.thorough)
    needs_zookeeper = "pegasus" in chapter.document or "lab" in chapter.document
    if needs_zookeeper or any(one["engine"] == "pegasus" for one in chapter.labs):
        marks.append(pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here"))
    return marks


def test_every_command_is_run_or_listed_with_the_reason() -> None:
    """When it fails: add the command's heading to a chapter of documented.py, or its beginning to NOT_RUN there."""
    assert documented.forgotten() == []


def test_every_chapter_and_every_exception_is_of_use() -> None:
    assert [
        chapter.name
        for chapter in CHAPTERS
        if not [one for one in chapter.blocks() if one.language in (*SHELL, *(YAML if chapter.tasks else ()))]
    ] == []
    names = [chapter.name for chapter in CHAPTERS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("chapter", [pytest.param(one, id=one.name, marks=_marks(one)) for one in CHAPTERS])
def test_commands_do_what_the_document_says(chapter: Chapter, tmp_path: pathlib.Path) -> None:
    with contextlib.ExitStack() as stack:
        labs = {one["engine"]: stack.enter_context(process.start(**one)) for one in chapter.labs}
        reader = Reader(chapter, labs, tmp_path)
        stack.callback(reader.leave)
        reader.arrive()
        for block in chapter.blocks():
            reader.follow(block)
        chapter.judge(labs)
        # When it fails: `make demo > demo.log`, then `python -m tooling.shown demo.log` writes the guides anew.
        assert [one for guide in chapter.shows for one in shown.differences(guide, reader.printed)] == []


class Reader:
    """Does what a document says, in a folder of its own."""

    def __init__(self, chapter: Chapter, labs: Labs, folder: pathlib.Path) -> None:
        self._chapter, self._labs, self._folder = chapter, labs, folder
        self.printed = ""
        self._replacements = documented_places.replacements(labs, folder)
        self._environment = {
            **playbooks.environment(),
            "HOME": str(folder),
            "ANSIBLE_INVENTORY": str(folder / "inventory"),
            "PATH": f"{folder / 'bin'}{os.pathsep}{playbooks.environment()['PATH']}",
        }

    def arrive(self) -> None:
        """Lay out what a reader has: programs, hosts, files of former chapters."""
        for place in self._replacements.values():
            if place.startswith(str(self._folder)) and not place.endswith("starrocks-cluster-sync"):
                pathlib.Path(place).parent.mkdir(parents=True, exist_ok=True)
        for name in ("var/lib/dbops", "srv/migration", "opt", "bin"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        for name in (".venv", "tests"):
            (self._folder / name).symlink_to(paths.ROOT / name)
        python = f"ansible_python_interpreter={sys.executable}"
        hosts = [f"{name} ansible_connection=local {python}" for name in ("localhost", "sync.example.com")]
        (self._folder / "inventory").write_text("\n".join(hosts) + "\n")
        variables = documented_places.variables(self._labs, self._folder)
        vault = ("old_password", "new_password", "read_access_key", "read_secret_key")
        variables.update({f"vault_{name}": "" for name in vault})
        if "starrocks" in self._labs:
            tool = self._labs["starrocks"].describe
            variables.update(vault_tool_password=tool["users"]["tool"], vault_tool_sha256=tool["tool"]["sha256"])
        lab = self._folder / "lab-variables.json"
        lab.write_text(json.dumps(variables))
        programs = pathlib.Path(sys.executable).parent
        self._program("ansible-playbook", f'exec "{programs}/ansible-playbook" "$@" -e "@{lab}"')
        # What is set up already is not set up again.
        make = f'unset MAKEFLAGS; exec "{shutil.which("make")}" -C "{paths.ROOT}" -o venv -o venv-demo "$@"'
        self._program("make", make)
        self._program("vi", 'test -f "$1" || { echo "vi: there is no $1" >&2; exit 1; }')
        stand_in = f'exec env PYTHONPATH="{paths.ROOT / "tests"}" "{sys.executable}" -m system.stand_ins'
        self._program("mysql", f'{stand_in} mysql "$@"')
        # The real one asks for a password where there is no terminal.
        if shutil.which("curl") is None or "starrocks" in self._labs:
            self._program("curl", f'{stand_in} curl "$@"')
        self._program("run.sh", f'{stand_in} run.sh "$@"')
        (self._folder / "run.sh").symlink_to("bin/run.sh")
        for document in (*self._chapter.files, self._chapter.document):
            for block in blocks(document):
                if block.file:
                    self._write(block)
        for command in self._chapter.prepare:
            self._shell(command, command)

    def leave(self) -> None:
        """End a lab that a document has started and, because it failed, not stopped."""
        if (self._folder / "lab.json").exists():
            process.stop(str(self._folder / "lab.json"))

    def follow(self, block: Block) -> None:
        """Run a block, or the tasks in it."""
        if block.language in SHELL:
            given = [one for one in commands.split(block.text) if not documented.reason_not_to_run(one)]
            if given:
                self._around(self._chapter.before, block)
                self._shell("\n".join(given), block.place)
                self._around(self._chapter.after, block)
        elif block.language == "python":
            self._shell(f'PYTHONPATH="{paths.ROOT / "tests"}" .venv/bin/python - <<"END"\n{block.text}END', block.place)
        elif self._chapter.tasks and block.language in YAML and not block.file:
            self._around(self._chapter.before, block)
            self._play(block.text, block.place)
            self._around(self._chapter.after, block)

    def _around(self, steps: t.Mapping[str, t.Sequence[Step]], block: Block) -> None:
        for step in (one for part, found in steps.items() if part in block.text for one in found):
            if callable(step):
                step(self._labs)
            elif step.startswith("- "):
                self._play(step, f"before {block.place}")
            else:
                self._shell(step, f"around {block.place}")

    def _program(self, name: str, line: str) -> None:
        path = self._folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def _here(self, text: str) -> str:
        for documented_place, place in self._replacements.items():
            text = text.replace(documented_place, place)
        return text

    def _write(self, block: Block) -> None:
        path = pathlib.Path(self._here(block.file))
        path = path if path.is_absolute() else self._folder / path
        path.write_text(self._here(block.text))

    def _shell(self, text: str, place: str) -> None:
        refusal = next((said for part, said in self._chapter.refused.items() if part in text), "")
        wanted = [refusal, *(said for part, said in self._chapter.said.items() if part in f"{text}\n")]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(text)],
            check=False,
            env=self._environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
        )
        self.printed += done.stdout
        assert (done.returncode != 0) == bool(refusal), f"{place}\n{text}\n{done.stdout}"
        for said in wanted:
            assert said in done.stdout, f"{place}\n{text}\n{done.stdout}"

    def _play(self, tasks: str, place: str) -> None:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": documented_places.module_defaults(self._labs),
            "tasks": yaml.safe_load(self._here(tasks)),
        }
        path = self._folder / "documented.yml"
        path.write_text(yaml.safe_dump([play]))
        self._shell(f"ansible-playbook {path}", place)


def test_a_document_is_read_as_a_reader_reads_it() -> None:
    """The texts that are put in the place of others are in the documents, or a test would run against nothing."""
    texts = "\n".join(block.text for block in all_blocks(*SHELL, *YAML))
    assert linked.collections_root().is_dir()
    for place in ("/var/lib/dbops", "/srv/migration", "http://127.0.0.1:40801", "sync.example.com"):
        assert place in texts


@pytest.mark.parametrize("guide", shown.GUIDES)
def test_an_output_of_the_guides_that_is_out_of_date_is_found(guide: str) -> None:
    """Its own outputs are the log here; figures, places and waits may be others."""
    log = "\n\n".join(block.text for block in blocks(guide) if block.heading in shown.GUIDES[guide])
    tasks = {one.title for one in shown.sections(log)}
    assert len(tasks) > 3
    assert shown.differences(guide, log) == []
    assert shown.rewritten(guide, log) == (paths.ROOT / guide).read_text(encoding="utf-8")
    later = log.replace("   0.", "  12.").replace("10.1.0.11:", "10.1.0.99:")
    waiting = later.replace("  [", "  [   9.9 s] waiting for somebody\n  [", 1)
    assert waiting != log and shown.differences(guide, waiting) == []
    told = "the guard is armed"
    assert told in log
    (found,) = shown.differences(guide, log.replace(told, "the guard is there"))
    assert "is not as the run has it" in found and "the guard is there" in found
    (found,) = shown.differences(guide, log.replace("Tell what comes now", "Tell what comes"))
    assert "the run has no task 'Tell what comes now'" in found
