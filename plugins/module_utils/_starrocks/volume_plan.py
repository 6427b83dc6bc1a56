# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What has to be sent so that storage volumes are as wanted. Pure: nothing is sent here, and every problem is told."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_sql
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import BUILTIN, Volume, Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_names import default_resource, resource

ON_CREATE, ALWAYS = "on_create", "always"
CREATE, ALTER, DROP, SET_DEFAULT = "create", "alter", "drop", "set_default"

Found = t.Mapping[str, t.Optional[Volume]]
State = t.Optional[t.Mapping[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Step:
    """One statement and the change that it makes. ``name``: of the volume. ``sql`` may hold secrets."""

    name: str
    change: Change
    sql: str = dataclasses.field(repr=False)


@dataclasses.dataclass
class Plan:
    """Steps in the order in which they are sent. With ``problems`` (sentences) none of them may be."""

    steps: t.List[Step] = dataclasses.field(default_factory=list)
    problems: t.List[str] = dataclasses.field(default_factory=list)


def is_volume(resource: str) -> bool:
    """Whether a name in the journal is one of a volume, or of which is the default one, of any cluster."""
    owner, _slash, rest = resource.partition("/")
    return owner.startswith("starrocks:") and rest.startswith(("storage_volume/", "default_storage_volume"))


def plan_present(
    cluster_id: str, wanted: t.Sequence[Wanted], found: Found, update_credentials: str = ON_CREATE, default: str = ""
) -> Plan:
    """Create what is missing, alter what differs visibly, set the default last. ``default``: the one of now, or ""."""
    plan = Plan()
    for one in wanted:
        there = found.get(one.name)
        if there is None:
            _create(cluster_id, one, plan)
        else:
            plan.problems.extend(_fixed(one, there))
            _alter(cluster_id, one, there, update_credentials, plan)
        if one.default and not one.enabled:
            plan.problems.append(f"{one.name} cannot be the default volume while it is disabled. Give enabled: true.")
        if one.default and not (there is not None and there.is_default):
            plan.steps.append(default_step(cluster_id, one.name, default))
    plan.steps.sort(key=lambda step: step.change.action == SET_DEFAULT)
    return plan


def plan_absent(cluster_id: str, names: t.Sequence[str], found: Found) -> Plan:
    """Drop what is there. The default volume and the built-in one are refused here, before anything is dropped."""
    plan = Plan()
    for name in names:
        there = found.get(name)
        if there is None:
            continue
        if there.is_default:
            plan.problems.append(
                f"{name} is the default volume, which no server drops. Make another one the default first."
            )
        elif name == BUILTIN:
            plan.problems.append(
                f"{BUILTIN} comes from fe.conf and is made again at the next start. Set enable_load_volume_from_conf "
                "to false there first, and drop it by hand."
            )
        else:
            plan.steps.append(drop_step(cluster_id, there))
    return plan


def drop_step(cluster_id: str, there: Volume) -> Step:
    """Drop a volume that was seen."""
    statement = volume_sql.drop(there.name)
    change = Change(resource(cluster_id, there.name), DROP, there.as_state(), None, statement.shown)
    return Step(there.name, change, statement.sql)


def default_step(cluster_id: str, name: str, former: str) -> Step:
    """Make a volume the default one."""
    statement = volume_sql.set_default(name)
    change = Change(
        default_resource(cluster_id),
        SET_DEFAULT,
        {"default": former or None},
        {"default": name},
        statement.shown,
    )
    return Step(name, change, statement.sql)


def alter_step(
    cluster_id: str, there: Volume, properties: t.Mapping[str, str], comment: t.Optional[str], action: str = ALTER
) -> Step:
    """Change some properties (credentials among them, perhaps) and the comment if it is not None."""
    sent = dict(properties)
    if sent:
        # Servers and manuals disagree on the default, so a SET never leaves it open.
        sent.setdefault(known.ENABLED, known.boolean(there.enabled))
    statement = volume_sql.alter(there.name, sent, comment)
    after = there.as_state()
    visible = {key: value for key, value in sent.items() if key != known.ENABLED and not known.is_secret(key)}
    after["params"] = dict(sorted({**after["params"], **visible}.items()))
    after["enabled"] = sent.get(known.ENABLED, known.boolean(there.enabled)) == "true"
    if comment is not None:
        after["comment"] = comment
    if any(known.is_secret(key) for key in sent):
        after["credentials"] = "written anew"
    change = Change(resource(cluster_id, there.name), action, there.as_state(), after, statement.shown)
    return Step(there.name, change, statement.sql)


def is_as(state: State, now: t.Optional[Volume]) -> bool:
    """Whether a volume is what a change made it."""
    return same_volume(state, None if now is None else now.as_state())


def same_volume(state: State, now: State) -> bool:
    """Whether what is there ``now`` is what a change made it: everything that the change named and a server shows.

    A server adds properties of its own to those that were sent, so more of them is no difference.
    """
    if state is None or now is None:
        return state is None and now is None
    return (
        str(state.get("type", "")).upper() == now["type"]
        and same_locations(state.get("locations", ()), now["locations"])
        and bool(state.get("enabled")) == now["enabled"]
        and str(state.get("comment") or "") == now["comment"]
        and not known.same_all(dict(state.get("params") or {}), now["params"])
    )


def same_locations(one: t.Iterable[str], other: t.Iterable[str]) -> bool:
    """Whether they are the same places; a slash at the end is none of the path."""
    return [text.rstrip("/") for text in one] == [text.rstrip("/") for text in other]


def _create(cluster_id: str, one: Wanted, plan: Plan) -> None:
    if not one.type or not one.locations:
        plan.problems.append(f"{one.name} does not exist, so it needs a type and locations. Give both.")
        return
    statement = volume_sql.create(one)
    after = {
        "type": one.type,
        "locations": list(one.locations),
        "params": dict(sorted(one.properties.items())),
        "enabled": one.enabled,
        "comment": one.comment or "",
    }
    plan.steps.append(
        Step(one.name, Change(resource(cluster_id, one.name), CREATE, None, after, statement.shown), statement.sql)
    )


def _fixed(one: Wanted, there: Volume) -> t.Iterator[str]:
    """What no ALTER can change, with the way out."""
    way_out = "Give the volume another name, or drop it first (nothing may refer to it) and let it be created anew."
    if one.type and one.type != there.type:
        yield f"{one.name} is of type {there.type}, not {one.type}, and a type cannot be altered. {way_out}"
    if one.locations and not same_locations(one.locations, there.locations):
        yield (
            f"{one.name} is at {', '.join(there.locations)}, not at {', '.join(one.locations)}, and locations cannot "
            f"be altered. {way_out}"
        )
    fixed = [key for key in known.same_all(one.properties, there.params) if key in known.FIXED]
    for key in fixed:
        yield (
            f"{one.name} has {key} {there.params.get(key, 'false')}, not {one.properties[key]}, and that cannot be "
            f"altered. {way_out}"
        )


def _alter(cluster_id: str, one: Wanted, there: Volume, update_credentials: str, plan: Plan) -> None:
    differing = known.same_all(one.properties, there.params)
    sent = {key: one.properties[key] for key in differing if key not in known.FIXED}
    if update_credentials == ALWAYS:
        sent.update(one.credentials)
    if one.enabled != there.enabled:
        sent[known.ENABLED] = known.boolean(one.enabled)
        if not one.enabled and there.is_default:
            plan.problems.append(f"{one.name} is the default volume, which cannot be disabled. Set another one first.")
    comment = one.comment if one.comment is not None and one.comment != there.comment else None
    if sent or comment is not None:
        plan.steps.append(alter_step(cluster_id, there, sent, comment))
