# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The one way a module ends: a masked result, a failure with a code, or an internal error with a masked traceback."""

from __future__ import annotations

import functools
import json
import re
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor

_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#\"'<>:@]*:([^\s/?#\"'<>]+)@")
_SECRET_NAMES = ("password", "passphrase", "secret", "secret_key", "token", "credential", "credentials")


def redactor_from(params: t.Mapping[str, t.Any]) -> Redactor:
    """A redactor for the values of all options that are secrets by their name (``password``, ``s3_secret_key``, ...).

    Nested mappings and lists are searched too, as JSON text also, and passwords in URLs count.
    """
    return Redactor(_secrets(params))


def _secrets(value: t.Any, secret: bool = False) -> t.Iterator[str]:
    if isinstance(value, str) and not secret:
        if "://" in value and "@" in value:
            yield from _USERINFO.findall(value)
        value = _parsed(value)
    if isinstance(value, t.Mapping):
        for name, item in value.items():
            named = secret or _names_a_secret(str(name))
            if named or isinstance(item, (str, t.Mapping, list, tuple)):
                yield from _secrets(item, named)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item, secret)
    elif secret and value is not None and not isinstance(value, bool):
        yield str(value)


@functools.lru_cache(maxsize=None)
def _names_a_secret(name: str) -> bool:
    return any(name == word or name.endswith("_" + word) for word in _SECRET_NAMES)


def _parsed(value: str) -> t.Any:
    """What JSON text of a list or mapping holds, None for any other text."""
    if value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def run(
    module: AnsibleModule,
    redactor: Redactor,
    body: t.Callable[[], t.Mapping[str, t.Any]],
    partial: t.Callable[[], t.Mapping[str, t.Any]] | None = None,
) -> None:
    """Run ``body`` and end the module with its result.

    A failed body may already have changed something: ``partial`` returns what it did (``changed``, ``changes``, ...)
    and is merged into the failure. A MigrationError's details may hold ``changed`` too.
    """
    # Ansible adds the options to every result by itself, and knows of secrets in options of their own only.
    module.no_log_values.update(redactor.secrets)
    try:
        _check_what_every_module_takes(module.params)
        result = dict(body())
    except MigrationError as error:
        failure = _failure(partial, error.details.get("changed"))
        failure.update(error.as_result())
    except Exception as error:  # pylint: disable=broad-except
        failure = _failure(partial, None)
        failure.update(
            code="internal.error",
            msg=f"This is a fault of the collection, please report it: {type(error).__name__}: {error}",
            exception=traceback.format_exc(),
        )
    else:
        result.setdefault("changed", False)
        module.exit_json(**redactor.mask(result))
    module.fail_json(**redactor.mask(failure))


def _check_what_every_module_takes(params: t.Mapping[str, t.Any]) -> None:
    if params.get("metrics_file"):
        # Imported here, since every task pays for what it imports, and most modules have no journal.
        from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import require_metrics_file

        require_metrics_file(params)


def _failure(partial: t.Callable[[], t.Mapping[str, t.Any]] | None, changed: t.Any) -> dict[str, t.Any]:
    failure: dict[str, t.Any] = {"changed": False}
    if partial is not None:
        failure.update(partial())
    if changed is not None:
        failure["changed"] = bool(changed)
    return failure
