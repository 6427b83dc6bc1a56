# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the config modules, checked before anything is contacted."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool, as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import is_secret

STATES = ("present", "restored")
FRONTEND_STATES = (*STATES, "default")
PERSISTENT = ("auto", "never", "always")
UNREACHED = ("fail", "skip")

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.]*", re.ASCII)
_ITEM_KEYS = ("key", "value", "optional")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One config and the value it should have. ``optional``: left out where the version does not know the key."""

    key: str
    value: t.Any
    optional: bool
    option: str
    """Where it stands in the options, for messages: ``settings[0]``."""


@dataclasses.dataclass(frozen=True)
class ConfigOptions:
    """``settings`` in the order in which they are sent.

    With ``restored``, only their keys count (none: all that are recorded); with ``default`` too. ``live``: the action
    of the changes where the control text is obeyed; "" where it is not, and what it limits is left alone.
    """

    settings: t.Tuple[Wanted, ...]
    state: str
    unreached: str
    persistent: str = "never"
    keep_theirs: bool = False
    live: str = ""

    @property
    def restoring(self) -> bool:
        """Whether former values are put back."""
        return self.state == "restored"


def read_options(params: t.Mapping[str, t.Any], dead: str) -> ConfigOptions:
    """The options; InvalidOption, or InvalidInput with all problems at once.

    :param dead: the name of the option that says what to do about frontends or nodes that are down
    """
    state = str(params["state"])
    problems: t.List[InvalidOption] = []
    settings = _settings(params.get("settings"), state != "present", problems)
    if state != "restored" and not settings and not problems:
        problems.append(InvalidOption("settings", "there is none", "Give a list of mappings with key and value"))
    raise_problems(problems)
    return ConfigOptions(
        settings,
        state,
        str(params[dead]),
        str(params.get("persistent") or "never"),
        bool(params.get("keep_theirs")),
    )


def read_settings(value: t.Any, keys_only: bool, option: str = "settings") -> t.Tuple[Wanted, ...]:
    """The option ``settings`` alone; InvalidOption, or InvalidInput with all problems at once."""
    problems: t.List[InvalidOption] = []
    found = _settings(value, keys_only, problems, option)
    raise_problems(problems)
    return found


def settings_redactor(params: t.Mapping[str, t.Any], options: t.Sequence[str] = ("settings",)) -> Redactor:
    """Masks the passwords of the options, and the values of settings that are refused because they are secrets."""
    hidden: t.List[t.Any] = []
    for option in options:
        try:
            items = [as_mapping(item, option) for item in _items(params.get(option), option) if not _is_key(item)]
        except InvalidOption:
            continue
        hidden += [item.get("value") for item in items if is_secret(str(item.get("key")))]
    return redactor_from({**params, "credentials": hidden})


def _is_key(item: t.Any) -> bool:
    return isinstance(item, str) and not item.lstrip().startswith("{")


def _settings(
    value: t.Any, restoring: bool, problems: t.List[InvalidOption], option: str = "settings"
) -> t.Tuple[Wanted, ...]:
    found: t.List[Wanted] = []
    for index, item in enumerate(_items(value, option)):
        place = f"{option}[{index}]"
        if restoring and _is_key(item):
            item = {"key": item}
        try:
            one = _setting(as_mapping(item, place), place, restoring)
        except InvalidOption as problem:
            problems.append(problem)
            continue
        if any(one.key == other.key for other in found):
            problems.append(InvalidOption(place, f"{one.key} is given twice", "Give every key once"))
        found.append(one)
    return tuple(found)


def _items(value: t.Any, option: str) -> t.List[t.Any]:
    return [value] if isinstance(value, t.Mapping) else as_list(value, option)


def _setting(item: t.Mapping[str, t.Any], place: str, restoring: bool) -> Wanted:
    unknown = sorted(set(item) - set(_ITEM_KEYS))
    if unknown:
        raise InvalidOption(f"{place}.{unknown[0]}", "there is no such key", "Use " + ", ".join(_ITEM_KEYS))
    key = str(item.get("key") or "").strip()
    if not _KEY.fullmatch(key):
        raise InvalidOption(f"{place}.key", f"{key!r} is no name of a config", "Give it as the server's manual has it")
    if is_secret(key):
        raise InvalidOption(
            f"{place}.key",
            f"{key} holds a secret, which could not be recorded for being put back",
            "Set it by hand in the configuration file",
        )
    if item.get("value") is None and not restoring:
        raise InvalidOption(f"{place}.value", f"{key} has no value", 'Give one (an empty text is written "")')
    return Wanted(key, item.get("value"), as_bool(item.get("optional", False), f"{place}.optional"), place)
