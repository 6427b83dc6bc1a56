# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.node_config import node_config, read_toml

CONFIG = """
mode = "distributed"
node_id = 3            # the id
require_lease_before_startup = true
init_regions_parallelism = 1_6

[wal]
provider = "kafka"
broker_endpoints = [
  "kafka-1:9092",   # second
  "kafka-0:9092",
]
backoff_max = "10s"

[storage]
type = "S3"
data_home = '/var/lib/greptimedb'
bucket = "big \\"bucket\\""
root = "a/b"
endpoint = "https://s3.example.com"

[[region_engine]]
[region_engine.mito]
num_workers = 8
[[region_engine]]
[region_engine.file]

[logging]
otlp = { endpoint = "x", on = true }
text = \"\"\"
two
lines\"\"\"
"""


def test_a_datanodes_configuration() -> None:
    found = node_config(3, CONFIG)
    assert found.problem is None
    assert found.wal_provider == "kafka"
    assert found.wal_brokers == ("kafka-0:9092", "kafka-1:9092")
    assert (found.storage_type, found.bucket, found.root) == ("S3", 'big "bucket"', "a/b")
    assert found.endpoint == "https://s3.example.com"
    assert found.data_home == "/var/lib/greptimedb"
    assert found.node_id == 3
    assert not found.local_wal
    assert not found.local_storage


def test_values() -> None:
    found = read_toml(CONFIG)
    assert found["init_regions_parallelism"] == 16
    assert found["require_lease_before_startup"] is True
    assert found["region_engine.mito.num_workers"] == 8
    assert found["logging.text"] == "two\nlines"
    assert read_toml("a.b = 1.5\r\n'c d' = 'x\\ny'") == {"a.b": 1.5, "c d": "x\\ny"}
    assert read_toml("") == {}
    assert read_toml("a = []\nb = [[1, 2], ['#']]") == {"a": [], "b": [[1, 2], ["#"]]}


def test_local_wal_and_storage() -> None:
    found = node_config(0, '[wal]\nprovider = "raft_engine"\n[storage]\ntype = "File"\n')
    assert found.local_wal
    assert found.local_storage
    assert node_config(0, '[wal]\nprovider = "noop"\n').local_wal


@pytest.mark.parametrize(
    "text", ["<html>404</html>", "key", "a = ", 'a = "open', "a = [1", "", "[logging]\nlevel = 'info'"]
)
def test_what_cannot_be_used_is_a_problem_and_never_a_guess(text: str) -> None:
    found = node_config(0, text)
    assert found.problem
    assert found.wal_provider is None
