# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading awx/config a second time, with other variables than the first time, changes no credential.

What the controller does with a row is retold from awx.awx 24.6.1: `state: exists` leaves what is there alone; else the
row is compared with what the API shows, where a secret is a wild card, and if anything differs all inputs are replaced.
"""

from __future__ import annotations

import copy
import typing as t

import jinja2
import pytest

from tooling import paths
from tooling.awx import writing

CONFIG = paths.ROOT / "awx" / "config"
HIDDEN = "$encrypted$"
Row = t.Mapping[str, t.Any]


def _rows(name: str) -> t.Any:
    return writing.load((CONFIG / f"{name}.yml").read_text(encoding="utf-8"))[f"controller_{name}"]


SECRETS = {
    kind["name"]: {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")}
    for kind in _rows("credential_types")
}
FIRST = {
    "GREPTIMEDB_USER": "ops",
    "GREPTIMEDB_PASSWORD": "secret",
    "AWS_ACCESS_KEY_ID": "AK",
    "AWS_SECRET_ACCESS_KEY": "SK",
}


def rendered(variables: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
    """The credentials as Ansible makes them of an environment."""

    def lookup(plugin: str, term: str) -> str:
        assert plugin == "ansible.builtin.env"
        return variables.get(term, "")

    def filled(text: str) -> str:
        return str(jinja2.Template(text, undefined=jinja2.StrictUndefined).render(lookup=lookup))

    return [
        {**row, "inputs": {key: filled(text) for key, text in row["inputs"].items()}} for row in _rows("credentials")
    ]


class Stored:
    """The credentials of a controller by name, each with its inputs."""

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, str]] = {}

    def load(self, rows: t.Iterable[Row]) -> None:
        for row in rows:
            name, before = row["name"], self.inputs.get(row["name"])
            if before is None:
                self.inputs[name] = dict(row["inputs"])
                continue
            if row.get("state", "present") == "exists":
                continue
            shown = {key: HIDDEN if key in SECRETS[name] and value else value for key, value in before.items()}
            wild = () if row.get("update_secrets", True) else (HIDDEN,)
            same = set(shown) == set(row["inputs"]) and all(
                shown[key] in (value, *wild) for key, value in row["inputs"].items()
            )
            if not same:
                self.inputs[name] = dict(row["inputs"])


@pytest.mark.parametrize("second", [{}, {"GREPTIMEDB_HOST": "db.example.com"}, {"GREPTIMEDB_PASSWORD": "other"}])
def test_a_second_load_changes_no_credential(second: t.Mapping[str, str]) -> None:
    stored = Stored()
    stored.load(rendered(FIRST))
    assert stored.inputs["dbops.migration GreptimeDB"]["password"] == "secret"
    # Filled in later, in the controller.
    stored.inputs["dbops.migration GreptimeDB"]["frontend_host"] = "frontend.example.com"
    stored.inputs["dbops.migration StarRocks"]["password"] = "typed"
    before = copy.deepcopy(stored.inputs)
    stored.load(rendered(second))
    assert stored.inputs == before


def test_a_credential_that_is_gone_is_made_anew() -> None:
    stored = Stored()
    stored.load(rendered(FIRST))
    del stored.inputs["dbops.migration journal in S3"]
    stored.load(rendered(FIRST))
    assert stored.inputs["dbops.migration journal in S3"]["s3_secret_key"] == "SK"
