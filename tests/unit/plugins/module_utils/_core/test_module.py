# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK, Redactor


class Ended(SystemExit):
    pass


class FakeModule:
    def __init__(self) -> None:
        self.result: t.Dict[str, t.Any] = {}
        self.no_log_values: t.Set[str] = set()
        self.params: t.Dict[str, t.Any] = {}

    def exit_json(self, **result: t.Any) -> None:
        self.result = result
        raise Ended(0)

    def fail_json(self, **result: t.Any) -> None:
        self.result = result
        raise Ended(1)


def outcome(body: t.Callable[[], t.Mapping[str, t.Any]], **kwargs: t.Any) -> t.Tuple[t.Any, t.Dict[str, t.Any]]:
    module = FakeModule()
    with pytest.raises(Ended) as caught:
        run(module, Redactor(["hunter2hunter2"]), body, **kwargs)  # type: ignore[arg-type]
    return caught.value.code, module.result


def test_success_is_masked_and_always_says_changed() -> None:
    assert outcome(lambda: {"note": "hunter2hunter2"}) == (0, {"changed": False, "note": MASK})
    assert outcome(lambda: {"changed": True}) == (0, {"changed": True})


def test_ansible_is_told_what_it_must_not_show() -> None:
    module = FakeModule()
    with pytest.raises(Ended):
        run(module, Redactor(["hunter2hunter2"]), dict)  # type: ignore[arg-type]
    assert module.no_log_values == {"hunter2hunter2"}


def test_failure_has_code_and_is_masked() -> None:
    def body() -> t.Mapping[str, t.Any]:
        raise MigrationError("a.b", "No hunter2hunter2.", server_text="hunter2hunter2!")

    assert outcome(body) == (1, {"changed": False, "code": "a.b", "msg": f"No {MASK}.", "server_text": f"{MASK}!"})


def test_failure_keeps_what_was_done() -> None:
    def body() -> t.Mapping[str, t.Any]:
        raise MigrationError("a.b", "No.")

    code, result = outcome(body, partial=lambda: {"changed": True, "changes": [1], "msg": "overridden"})
    assert (code, result) == (1, {"changed": True, "changes": [1], "code": "a.b", "msg": "No."})


def test_details_may_tell_of_a_change() -> None:
    def body() -> t.Mapping[str, t.Any]:
        raise MigrationError("a.b", "No.", details={"changed": True})

    assert outcome(body)[1]["changed"] is True


def test_a_fault_of_ours_is_told_as_one_without_secrets() -> None:
    def body() -> t.Mapping[str, t.Any]:
        raise KeyError("hunter2hunter2")

    code, result = outcome(body)
    assert code == 1
    assert result["code"] == "internal.error"
    assert "KeyError" in result["msg"]
    assert "Traceback" in result["exception"]
    assert "hunter2" not in repr(result)


def test_secrets_are_found_by_name_at_any_depth() -> None:
    redactor = redactor_from(
        {
            "password": "first-secret",
            "s3_secret_key": "second-secret",
            "s3_session_token": "third-secret",
            "nested": [{"db_password": "fourth-secret"}],
            "client_key": "/etc/key.pem",
            "s3_access_key": "AKIAEXAMPLE",
            "username": "root",
            "absent_password": None,
            "pin_token": 123456,
        }
    )
    text = "first-secret second-secret third-secret fourth-secret /etc/key.pem AKIAEXAMPLE root 123456"
    assert redactor.mask(text) == f"{MASK} {MASK} {MASK} {MASK} /etc/key.pem AKIAEXAMPLE root {MASK}"


@pytest.mark.parametrize(
    "params",
    [
        {"properties": '{"a": {"some_password": "hunter2hunter2"}}'},
        {"properties": ' [{"token": "hunter2hunter2"}]'},
        {"addresses": "http://root:hunter2hunter2@host:80/path"},
        {"addresses": ["mysql://root:hunter2hunter2@host"]},
    ],
)
def test_secrets_in_text_are_found(params: t.Dict[str, t.Any]) -> None:
    assert redactor_from(params).secrets == {"hunter2hunter2"}


@pytest.mark.parametrize("value", ["{hunter2hunter2", "[]", "http://hunter2hunter2@host", "http://host/a:b@c", None, 7])
def test_no_secret_is_seen_where_none_is(value: t.Any) -> None:
    assert redactor_from({"addresses": value}).secrets == frozenset()
