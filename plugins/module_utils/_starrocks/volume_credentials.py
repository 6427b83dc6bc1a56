# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The option that holds credentials of storage volumes, apart from all else so that Ansible can keep it out of logs."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known

CREDENTIALS = "credentials"
ANY = "*"

ByVolume = t.Dict[str, t.Dict[str, str]]


def read_credentials(params: t.Mapping[str, t.Any], problems: t.List[InvalidOption]) -> ByVolume:
    """Secret properties by the name of a volume, or by ``*`` for those without an entry of their own.

    What is wrong is added to ``problems``; no message holds a value.
    """
    found: ByVolume = {}
    try:
        given = as_mapping(params.get(CREDENTIALS), CREDENTIALS)
    except InvalidOption:
        problems.append(InvalidOption(CREDENTIALS, "it is not a mapping", "Give keys and values by name of a volume"))
        return found
    for volume, entries in given.items():
        place = f"{CREDENTIALS}[{volume}]"
        if not isinstance(entries, t.Mapping):
            problems.append(
                InvalidOption(
                    place, "it is not a mapping", f"Give properties and their values, such as {known.ACCESS_KEY}"
                )
            )
            continue
        found[volume] = {}
        for key, value in entries.items():
            problem = _problem(str(key), value, place)
            if problem is not None:
                problems.append(problem)
            else:
                found[volume][str(key)] = known.text(value)
        pair = {known.ACCESS_KEY, known.SECRET_KEY} & set(found[volume])
        if len(pair) == 1:
            missing = known.SECRET_KEY if known.ACCESS_KEY in pair else known.ACCESS_KEY
            problems.append(InvalidOption(place, f"{missing} is not given", "Give both keys"))
    return found


def of_volume(credentials: ByVolume, name: str) -> t.Dict[str, str]:
    """The credentials of one volume."""
    return dict(credentials.get(name, credentials.get(ANY, {})))


def volume_redactor(params: t.Mapping[str, t.Any]) -> Redactor:
    """Masks the passwords of the options and every value of ``credentials``, even where that cannot be read.

    Secrets that stand among visible properties are refused, but must not be shown for that.
    """
    misplaced = [*_secrets(params.get("volumes")), *_secrets(params.get("properties"))]
    given = [read_credentials(params, []), params.get(CREDENTIALS), misplaced]
    return redactor_from({**params, CREDENTIALS: given})


def _secrets(value: t.Any) -> t.Iterator[str]:
    """The values of secret properties anywhere in an option that may be JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, t.Mapping):
        for key, item in value.items():
            if isinstance(item, (t.Mapping, list, tuple)):
                yield from _secrets(item)
            elif item is not None and (known.is_secret(str(key)) or known.dropped(str(key)) == "refuse"):
                yield str(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item)


def _problem(key: str, value: t.Any, place: str) -> t.Optional[InvalidOption]:
    if known.dropped(key) == "refuse":
        return dropped_problem(key, place)
    if not known.is_secret(key):
        return InvalidOption(place, f"{key} is no secret", "Give it under properties; only secrets belong here")
    if not isinstance(value, (str, int)) or isinstance(value, bool) or not str(value).strip():
        return InvalidOption(place, f"{key} has no value", "Give the secret as text, best from a vault")
    return None


def dropped_problem(key: str, place: str) -> InvalidOption:
    """A property without which temporary credentials do not work, and which the server does not keep."""
    return InvalidOption(
        place,
        f"the server takes {key} without an error and forgets it, so temporary credentials that need it cannot work",
        "Give a long-term access key made for the migration, and revoke it afterwards",
    )
