# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The short path of the storage volume modules against the lab: predicted, made, dropped again."""

from __future__ import annotations

import contextlib
import json
import pathlib
import typing as t

from lab.embedded import EmbeddedLabs
from system.starrocks_modules import sent
from system.starrocks_volumes import LAKE, keys, masked, mirror, one, told, volume


def test_volumes_are_made_and_dropped_again(tmp_path: pathlib.Path) -> None:
    journal: dict[str, t.Any] = {"journal": str(tmp_path / "journal.jsonl")}
    with contextlib.closing(EmbeddedLabs()) as labs:
        lab = labs.start(**LAKE)
        secret = json.dumps({"*": keys(lab)})
        predicted = mirror(lab, check=True, credentials=secret)
        assert sent(lab) == []
        made = mirror(lab, credentials=secret, **journal)
        assert predicted["changes"] == made["changes"] and masked(sent(lab), lab) == told(made)
        assert {found["status"] for found in made["buckets"]} == {"readable"}
        volume(lab, volumes=one(lab), credentials=json.dumps({"*": keys(lab, "target")}), **journal)
        lab.clear_requests()
        back = volume(lab, state="restored", **journal)
        assert {record["action"] for record in back["restore"]} == {"restore"}
        dropped = [f"DROP STORAGE VOLUME `{found['name']}`" for found in made["volumes"]]
        assert sent(lab) == ["DROP STORAGE VOLUME `extra`", *reversed(dropped)]


def test_mirrors_of_another_migration_are_told(tmp_path: pathlib.Path) -> None:
    """Its restore drops them, so whoever copies by them must know; a migration does not warn of its own."""
    journals = [{"journal": str(tmp_path / name), "migration_id": name} for name in ("mine", "theirs")]
    mine, theirs = t.cast(list[dict[str, t.Any]], journals)
    with contextlib.closing(EmbeddedLabs()) as labs:
        lab = labs.start(**LAKE)
        secret = json.dumps({"*": keys(lab)})
        names = [found["name"] for found in mirror(lab, credentials=secret, **theirs)["volumes"]]
        more: dict[str, t.Any] = {
            "volumes": one(lab, name="src_extra"),
            "credentials": json.dumps({"*": keys(lab, "target")}),
        }
        volume(lab, **more, **theirs)
        for result in (mirror(lab, credentials=secret, **theirs), volume(lab, **more, **theirs)):
            assert "end that one first" not in json.dumps(result.get("warnings", []))
        lab.clear_requests()
        for check in (True, False, False):
            found = json.dumps(mirror(lab, check, credentials=secret, **mine)["warnings"])
            assert [name for name in names if f"{name} is there already" not in found] == []
            assert "src_extra is there already" in json.dumps(volume(lab, check, **more, **mine)["warnings"])
        assert names and not sent(lab)
