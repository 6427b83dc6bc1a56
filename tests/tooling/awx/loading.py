# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files below awx/config as a controller gets them: the names of settings.yml filled in, what is empty left out."""

from __future__ import annotations

import re
import typing as t

import jinja2
import jinja2.nativetypes

from tooling import paths
from tooling.awx import writing

FOLDER = paths.ROOT / "awx" / "config"
PREFIX = "dbops_migration_"
_NAMED = re.compile(r"{{.*\bdbops_migration_")
_OMIT = object()


def load(**settings: str) -> dict[str, t.Any]:
    """All files as one; ``settings`` are names of settings.yml, without their prefix, that somebody has changed."""
    found: dict[str, t.Any] = {}
    for path in sorted(FOLDER.glob("*.yml")):
        found.update(writing.load(path.read_text(encoding="utf-8")))
    given = {f"{PREFIX}{name}": value for name, value in settings.items()}
    names = {name: value for name, value in found.items() if name.startswith(PREFIX)}
    assert set(given) <= set(names), "settings.yml has no such name"
    environment = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    environment.globals.update({**names, **given}, omit=_OMIT)
    return {name: _filled(value, environment) for name, value in {**found, **given}.items()}


def _filled(value: t.Any, environment: jinja2.Environment) -> t.Any:
    if isinstance(value, dict):
        filled = {key: _filled(one, environment) for key, one in value.items()}
        return {key: one for key, one in filled.items() if one is not _OMIT}
    if isinstance(value, list):
        return [_filled(one, environment) for one in value]
    if isinstance(value, str) and not isinstance(value, writing.Unsafe) and _NAMED.search(value):
        return environment.from_string(value).render()
    return value
