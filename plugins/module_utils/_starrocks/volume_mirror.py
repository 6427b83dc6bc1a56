# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The ``src_`` volumes that give the target's nodes read access to the source's object storage. Pure.

The sync tool looks up ``src_<name of the source's volume>`` on the target: same type and locations, credentials that
can read, enabled, and the partitioned prefix off whatever the source has, since files are read by their full path.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import (
    BUILTIN,
    LONGEST_MIRRORED,
    Volume,
    Wanted,
    mirror_name,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_credentials import (
    CREDENTIALS,
    ByVolume,
    of_volume,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_use import Destinations, Use

COMMENT = "Read access to the source while it is migrated; to be dropped afterwards"
# What tells the server to take its credentials from somewhere else than from a key.
_WITHOUT_KEY = (known.INSTANCE_PROFILE, known.SDK_DEFAULT, known.WEB_IDENTITY)
_ROLE = (known.ROLE, known.EXTERNAL_ID)


@dataclasses.dataclass(frozen=True)
class Mirror:
    """One volume of the source in use, what it becomes on the target, and where its tables go.

    ``asked``: the names of properties and credentials that come from the options, and not from the source.
    """

    use: Use
    source: Volume
    wanted: Wanted
    destination: str
    asked: t.FrozenSet[str] = frozenset()


def mirror_of(
    use: Use,
    source: Volume,
    destinations: Destinations,
    profile: Profile,
    credentials: ByVolume,
    overrides: t.Mapping[str, t.Mapping[str, str]],
) -> Mirror:
    """The mirror of a volume. ``credentials`` and ``overrides`` (visible properties) by the source's name, or ``*``."""
    secrets = of_volume(credentials, source.name)
    properties = dict(source.params)
    for key in known.FIXED:
        properties.pop(key, None)
    if known.ACCESS_KEY in secrets:
        # A key takes the place of whatever the source's own nodes use.
        properties.update({key: "false" for key in _WITHOUT_KEY if key in properties})
        for key in _ROLE:
            properties.pop(key, None)
    own = {**overrides.get("*", {}), **overrides.get(source.name, {})}
    properties.update(own)
    if source.type == "S3" and profile.partitioned_prefix:
        properties[known.PARTITIONED_PREFIX] = "false"
    wanted = Wanted(
        name=mirror_name(source.name),
        type=source.type,
        locations=source.locations,
        properties=properties,
        credentials=secrets,
        enabled=True,
        comment=COMMENT,
    )
    return Mirror(use, source, wanted, destinations.of(source.name), frozenset({*secrets, *own}))


def use_problems(use: Use, source: t.Optional[Volume]) -> t.Iterator[str]:
    """What keeps a volume in use from being mirrored at all."""
    tables = _tables(use)
    if len(use.volume) > LONGEST_MIRRORED:
        yield (
            f"{use.volume} has {len(use.volume)} characters, and {LONGEST_MIRRORED} is the most for a volume whose "
            f"mirror is called {mirror_name('<name>')}. Exclude {tables} (exclude_data_list), or move them into a "
            "volume with a shorter name."
        )
    if source is None:
        yield (
            f"{use.volume}, used by {tables}, cannot be described on the source. Grant the user a privilege on it "
            "(USAGE is enough)."
        )


def missing_credentials(mirror: Mirror) -> t.List[str]:
    """What the source's volume has, no server tells, and nobody gave."""
    return sorted(key for key in mirror.source.hidden if key not in mirror.wanted.credentials)


def mirror_problems(mirror: Mirror) -> t.Iterator[str]:
    """What is wrong with the definition of one mirror."""
    name = mirror.source.name
    hidden = missing_credentials(mirror)
    if hidden:
        yield (
            f"{name} has {', '.join(hidden)}, which no server tells. Give credentials that can read "
            f"{', '.join(mirror.source.locations)} under {CREDENTIALS}[{name}]."
        )
    # A property that the source itself tells may be newer than this list.
    for key in sorted(mirror.asked):
        if not known.is_known(key, mirror.source.type):
            yield f"{name} is of type {mirror.source.type}, which has no {key}. Remove it from the options."


def destination_problems(mirrors: t.Iterable[Mirror], rules: Destinations, found: t.Mapping[str, t.Any]) -> t.List[str]:
    """Volumes of the target in which tables are to be made, and that are missing or disabled. Each is told once."""
    problems: t.List[str] = []
    for name, users in _by_destination(mirrors).items():
        why = rules.why(users[0].source.name)
        tables = sum(len(one.use.tables) for one in users)
        volume = found.get(name)
        if isinstance(volume, Volume) and not volume.enabled:
            problems.append(
                f"{name} on the target, where {tables} tables are to be made ({why}), is disabled. Enable it."
            )
        elif volume is None and name == BUILTIN:
            problems.append(
                f"{BUILTIN} does not exist on the target, where {tables} tables are to be made ({why}). It comes from "
                "fe.conf only (enable_load_volume_from_conf and cloud_native_storage_type, ...): set it up there, or "
                "give target_cluster_storage_volume."
            )
        elif volume is None:
            problems.append(
                f"{name} does not exist on the target, where {tables} tables are to be made ({why}). Create it there "
                "with a place of its own, or give target_cluster_storage_volume."
            )
    return problems


def table_volume_problems(asked: str, default: str, found: t.Optional[Volume]) -> t.Iterator[str]:
    """What keeps tables of a shared-nothing source from being made on a shared-data target.

    :param asked: the tool's target_cluster_storage_volume, "" for the target's default
    :param default: the name of the default, "" if there is none
    :param found: the volume of the first that is given
    """
    name = asked or default
    why = "target_cluster_storage_volume" if asked else "its default volume"
    if not name:
        yield (
            "The target has no default storage volume that the user may see, so no table can be made there. Give it "
            "one (SET ... AS DEFAULT STORAGE VOLUME), or give target_cluster_storage_volume."
        )
    elif found is None:
        yield (
            f"{name} does not exist on the target, where all tables are to be made ({why}), or the user has no "
            "privilege on it. Create it there, grant USAGE on it, or give another one."
        )
    elif not found.enabled:
        yield f"{name} on the target, where all tables are to be made ({why}), is disabled. Enable it."


def destination_names(mirrors: t.Iterable[Mirror]) -> t.List[str]:
    """The volumes of the target that tables are made in, each once."""
    return list(_by_destination(mirrors))


def _by_destination(mirrors: t.Iterable[Mirror]) -> t.Dict[str, t.List[Mirror]]:
    found: t.Dict[str, t.List[Mirror]] = {}
    for mirror in mirrors:
        found.setdefault(mirror.destination, []).append(mirror)
    return found


def _tables(use: Use) -> str:
    shown = ", ".join(use.tables[:3])
    return shown + (f" and {len(use.tables) - 3} more tables" if len(use.tables) > 3 else "")
