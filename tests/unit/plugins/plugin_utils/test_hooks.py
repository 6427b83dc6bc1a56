# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files belong to a phase, and what is wrong with those that are given."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, MigrationError
from ansible_collections.dbops.migration.plugins.plugin_utils._hooks import PHASES, Hooks, edges_of, hooks_of

GIVEN = {"before_migrate": "/srv/ask.yml", "after_cutover": "/srv/close.yml", "failed": "/srv/page.yml"}


def there(_path: str) -> bool:
    return True


@pytest.mark.parametrize("given", [GIVEN, json.dumps(GIVEN)])
def test_a_phase_has_its_own_and_the_one_for_failures(given: t.Any) -> None:
    assert hooks_of(given, "pegasus_hooks", "migrate", is_file=there) == Hooks("/srv/ask.yml", "", "/srv/page.yml")
    assert hooks_of(given, "pegasus_hooks", "cutover", is_file=there) == Hooks("", "/srv/close.yml", "/srv/page.yml")


@pytest.mark.parametrize("given", [None, "", {}, "{}", {"before_migrate": "", "failed": None}])
def test_nothing_is_no_hook(given: t.Any) -> None:
    assert hooks_of(given, "pegasus_hooks", "migrate", is_file=lambda path: False) == Hooks("", "", "")


def test_mistakes_of_all_phases_are_told_at_once() -> None:
    given = {"before_cut": "/srv/a.yml", "after_restore": "b.yml", "before_rollback": "/srv/c.yml"}
    with pytest.raises(InvalidInput) as caught:
        hooks_of(given, "pegasus_hooks", "migrate", is_file=lambda path: False)
    first, second, third = caught.value.problems
    assert "no edge 'before_cut'" in first
    assert all(edge in first for edge in edges_of(PHASES))
    assert second.startswith("pegasus_hooks.after_restore: 'b.yml' is not absolute")
    assert third.startswith("pegasus_hooks.before_rollback: /srv/c.yml is no file on the controller")


@pytest.mark.parametrize("edge", ["before_rehearse", "after_rehearse", "before_plan", "after_plan"])
def test_an_edge_that_nothing_would_run_at_is_no_edge(edge: str) -> None:
    phases = [phase for phase in PHASES if phase != "plan"]
    with pytest.raises(MigrationError, match=f"^pegasus_hooks: there is no edge '{edge}'") as caught:
        hooks_of({edge: "/srv/ask.yml"}, "pegasus_hooks", "migrate", phases, there)
    assert "plan" not in caught.value.message.split("Take one of these")[1]


def test_something_else_than_a_mapping() -> None:
    with pytest.raises(MigrationError, match=r"^pegasus_hooks: .* is not a mapping"):
        hooks_of(["/srv/ask.yml"], "pegasus_hooks", "migrate", is_file=there)
