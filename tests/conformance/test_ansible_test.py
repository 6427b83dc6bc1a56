# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity, units and integration, on every ansible-core that this machine can run."""

from __future__ import annotations

import os

import pytest

from tooling import ansible_test, content, cores, pythons, tree

ALL = bool(os.environ.get("DBOPS_TEST_ALL"))

# Sanity tests whose verdict does not depend on the core; that of "validate-modules" only where its rules have become
# stricter. Only "import" depends on the Python: the oldest core has the oldest one.
SAME_ON_EVERY_CORE = ("changelog", "import", "pep8", "pylint", "validate-modules", "yamllint")
# Unit tests of what ansible-core loads; module_utils hardly touch it.
NEAR_THE_CORE = [f"tests/unit/plugins/{part}/" for part in ("action", "modules", "plugin_utils")]

every_core = pytest.mark.parametrize(
    "core", [core for core in cores.ALL if ALL or core.name in cores.EVERY_TIME], ids=lambda core: str(core.name)
)
every_target = pytest.mark.parametrize("target", [(3, minor) for minor in range(8, 14)], ids=pythons.text)
only_all = pytest.mark.skipif(not ALL, reason="Other target Pythons are tested by `make test-all`.")


def _skip_unless_tested(core: cores.Core) -> None:
    reason = cores.missing(core)
    if reason:
        pytest.skip(reason)


def _core_for(target: pythons.Version) -> cores.Core:
    """ansible-core 2.19 where it runs, because it takes targets down to Python 3.8; any other one otherwise."""
    if target not in pythons.found():
        pytest.skip(f"Python {pythons.text(target)} is left out: this machine does not have it.")
    usable = [core for core in cores.ALL if not cores.missing(core) and (core.name < "2.20" or target >= (3, 9))]
    if not usable:
        pytest.skip(f"Python {pythons.text(target)} is left out: no ansible-core that takes it runs on this machine.")
    return next((core for core in usable if core.name == "2.19"), usable[-1])


@pytest.mark.cost(200)
@every_core
def test_sanity(core: cores.Core) -> None:
    """Plugins, roles and integration targets; with `make test-all` unit tests and the tools of this repository too, and
    imports on every Python of this machine. ruff and mypy judge all of it each time.

    What takes long and says the same on every core is asked on one of them each time, and by `make test-all` on all.
    """
    _skip_unless_tested(core)
    if ALL:
        ansible_test.run(core, "sanity", timeout=2400)
        return
    own = ["--python", ansible_test.python_of(core)]
    for test in SAME_ON_EVERY_CORE:
        asked = _players()[0] if test == "import" else _players()[-1]
        if core != asked:
            own += ["--skip-test", test]
    ansible_test.run(core, "sanity", *own, timeout=1500, leave_out=(*tree.OWN_TOOLS, "tests/unit"))


@pytest.mark.cost(150)
@every_core
def test_units(core: cores.Core) -> None:
    """All on the newest core, and on the others what calls ansible-core; with `make test-all` all on every core."""
    _skip_unless_tested(core)
    if not content.unit_tests():
        pytest.skip("There are no unit tests yet.")
    parts = [] if ALL or core == _players()[-1] else NEAR_THE_CORE
    ansible_test.run(core, "units", "--local", "--python", ansible_test.python_of(core), *parts, timeout=900)


@pytest.mark.cost(140)
@every_core
def test_integration(core: cores.Core) -> None:
    """Each target on one of the cores that run here; with `make test-all` every target on every core."""
    _skip_unless_tested(core)
    if not content.integration_targets():
        pytest.skip("There are no integration targets yet.")
    targets = [] if ALL else _share(core)
    own = ("--local", "--python", ansible_test.python_of(core), "--allow-destructive")
    ansible_test.run(core, "integration", *own, *targets, timeout=1200)


def _share(core: cores.Core) -> list[str]:
    """The targets that this core runs in `make test`: they are dealt out, without those that take long."""
    thorough = content.thorough_integration_targets()
    dealt = [name for name in content.modules() if name in content.integration_targets() and name not in thorough]
    players = _players()
    return dealt[players.index(core) :: len(players)]


def _players() -> list[cores.Core]:
    """The cores that `make test` uses on this machine, oldest first."""
    return [one for one in cores.ALL if one.name in cores.EVERY_TIME and not cores.missing(one)]


@only_all
@pytest.mark.cost(40)
@every_target
def test_units_on_target_python(target: pythons.Version) -> None:
    core = _core_for(target)
    if not content.unit_tests():
        pytest.skip("There are no unit tests yet.")
    version = pythons.text(target)
    ansible_test.run(core, "units", "--venv", "--python", version, label=f"-py{version}", timeout=900)
