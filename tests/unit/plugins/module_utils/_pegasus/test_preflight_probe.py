# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import server_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import AddedDuplication
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_probe import impossible_name, probe


class Meta:
    """Answers every addition in one way, and remembers what it was asked."""

    def __init__(self, answer: t.Union[MigrationError, AddedDuplication]) -> None:
        self._answer = answer
        self.asked: t.List[t.Tuple[str, str]] = []

    def add_duplication(self, name: str, remote: str) -> AddedDuplication:
        self.asked.append((name, remote))
        if isinstance(self._answer, MigrationError):
            raise self._answer
        return self._answer


def refusal(err: str, hint: str = "") -> MigrationError:
    return server_error(err, "add a duplication", address="m:1", hint=hint, mutating=True)


BAD = "ERR_INVALID_PARAMETERS"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refusal("ERR_APP_NOT_EXIST"), v.KNOWN),
        (refusal(BAD, "illegal operation: adding duplication to itself"), v.ITSELF),
        (refusal(BAD, "get_duplication_cluster_id(west) failed, error: ERR_OBJECT_NOT_FOUND: no such"), v.NO_ID),
        (refusal(BAD, "failed to find cluster[west] address in config [pegasus.clusters]"), v.NO_ADDRESS),
        # 2.4 release candidates leave the name out.
        (refusal(BAD, "failed to find cluster address in config [pegasus.clusters]"), v.NO_ADDRESS),
        (refusal(BAD, "something new"), v.UNCLEAR),
        (refusal(BAD), v.UNCLEAR),
        (MigrationError("pegasus.duplication_disabled", "off", server_text="ERR_SERVICE_NOT_ACTIVE"), v.DISABLED),
        (refusal("ERR_TIMEOUT"), v.UNCLEAR),
        (refusal("ERR_ACL_DENY"), v.UNCLEAR),
        # The hints are what is known; the error's name beside them may be any.
        (refusal("ERR_OBJECT_NOT_FOUND", "failed to find cluster[west] address in config [...]"), v.NO_ADDRESS),
        (refusal("ERR_APP_NOT_EXIST", "get_duplication_cluster_id(west) failed, error: none"), v.NO_ID),
        (refusal("ERR_INVALID_STATE", "illegal operation: adding duplication to itself"), v.ITSELF),
        (refusal("ERR_TIMEOUT", "failed to find cluster[west] address"), v.NO_ADDRESS),
        (refusal("ERR_OBJECT_NOT_FOUND"), v.UNCLEAR),
        # Not an answer at all, whatever its text is.
        (MigrationError("pegasus.unreachable", "failed to find cluster address"), v.UNCLEAR),
        (AddedDuplication(0, 0), v.UNCLEAR),
    ],
)
def test_the_refusal_tells_how_far_the_server_came(answer: t.Any, outcome: str) -> None:
    meta = Meta(answer)
    found = probe(meta, "west", {"temp"})
    assert found.outcome == outcome
    assert found.text
    assert [remote for _name, remote in meta.asked] == ["west"]


def test_the_name_cannot_be_that_of_a_table() -> None:
    name = impossible_name(())
    assert re.fullmatch(r"preflight\?[0-9a-f]{32}", name)
    # What pegasus's own tools let through.
    assert not re.fullmatch(r"[A-Za-z0-9_.:]+", name)
    assert impossible_name(()) != name


def test_a_name_that_is_listed_is_never_taken() -> None:
    class TakenOnce:
        def __init__(self) -> None:
            self.looked: t.List[object] = []

        def __contains__(self, name: object) -> bool:
            self.looked.append(name)
            return len(self.looked) == 1

    taken = TakenOnce()
    name = impossible_name(taken)
    assert len(taken.looked) == 2
    assert name == taken.looked[1] != taken.looked[0]
