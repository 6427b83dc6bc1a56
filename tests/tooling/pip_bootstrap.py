# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills ansible-test's cache with the pip it wants, taken from the package index.

ansible-test makes environments without pip and then fetches a get-pip script from the CI file host of the Ansible
project. Machines that reach a package index only cannot do that. The script is looked for in ~/.ansible/test/cache
first, so a small stand-in there, beside the wheels it installs, answers without the file host.
"""

from __future__ import annotations

import pathlib
import re
import sys

from tooling import paths, process, venvs

_STAND_IN = '''\
"""Installs pip from the wheel that lies beside this file; stands in for get-pip."""

import glob
import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
version = re.search(r"get_pip_([0-9_]+)", os.path.basename(__file__)).group(1).replace("_", ".")
wheel = glob.glob(os.path.join(here, "pip-%s-*.whl" % version))[0]
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
command = [sys.executable, os.path.join(wheel, "pip"), "install", "--no-index", "--find-links", here]
os.execv(sys.executable, command + arguments)
'''


def wanted(bins: pathlib.Path) -> dict[str, set[str]]:
    """Package -> versions that the ansible-test of this environment puts into empty environments."""
    source = next(bins.parent.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"\b(pip|setuptools|wheel)='([0-9.]+)'", source.read_text(encoding="utf-8")):
        found.setdefault(name, set()).add(version)
    if "pip" not in found:
        raise AssertionError(f"No pip version found in {source}: has ansible-test changed how it bootstraps?")
    return found


def prime(home: str, bins: pathlib.Path) -> None:
    """Put wheels and stand-ins into build/home/<home>/.ansible/test/cache, unless they lie there."""
    cache = paths.HOMES / home / ".ansible" / "test" / "cache"
    env = process.environment(home)
    with venvs.locked(f"pip-bootstrap-{home}"):
        cache.mkdir(parents=True, exist_ok=True)
        for name, versions in wanted(bins).items():
            for version in sorted(versions):
                if not list(cache.glob(f"{name}-{version}-*.whl")):
                    process.run(
                        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
                        + ["--dest", cache, f"{name}=={version}"],
                        log=f"bootstrap-{home}-{name}-{version}",
                        cwd=paths.ROOT,
                        env=env,
                        timeout=300,
                    )
                if name == "pip":
                    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(_STAND_IN, encoding="utf-8")
