# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between versions of StarRocks, as the facts about 2.5 to 4.1 give it, to the patch release."""

from __future__ import annotations

import re
from dataclasses import dataclass

PROFILES = {
    "2.5": "2.5.0",
    "3.0": "3.0.0",
    "3.1": "3.1.17",
    "3.2": "3.2.16",
    "3.3": "3.3.14",
    "3.4": "3.4.4",
    "3.5": "3.5.0",
    "4.1": "4.1.0",
}
COMMIT = "37c7c51"
SHARED_NOTHING, SHARED_DATA = "shared_nothing", "shared_data"
RUN_MODES = (SHARED_NOTHING, SHARED_DATA)
Number = tuple[int, int, int]


def _number(text: str) -> Number:
    parts = [int(part) for part in text.split(".")]
    return parts[0], parts[1], parts[2] if len(parts) > 2 else 0


@dataclass(frozen=True)
class Profile:
    """One cluster's version and everything that follows from it."""

    version: str
    number: Number
    run_mode: str = SHARED_NOTHING

    @classmethod
    def choose(cls, name: str, run_mode: str = SHARED_NOTHING) -> Profile:
        """The profile of a name or of an exact version; ValueError with one sentence for anything else."""
        version = PROFILES.get(name, name)
        found = re.match(r"\d+\.\d+\.\d+(-rc\d+)?$", version)
        if not found:
            raise ValueError("not a StarRocks version: %r" % name)
        number = _number(version.partition("-")[0])
        if number < (2, 5, 0):
            raise ValueError("%r: the lab knows 2.5 and later" % name)
        if run_mode not in RUN_MODES:
            raise ValueError("run mode: %r is neither %s nor %s" % (run_mode, *RUN_MODES))
        if run_mode == SHARED_DATA and number < (3, 0, 0):
            raise ValueError("%r: shared_data came with 3.0" % name)
        return cls(version, number, run_mode)

    def since(self, *releases: str) -> bool:
        """True from these releases on: each is the first of its own minor line, later lines have it from the start."""
        numbers = sorted(_number(release) for release in releases)
        for number in numbers:
            if number[:2] == self.number[:2]:
                return self.number >= number
        return self.number >= numbers[-1]

    # --- run mode ---

    @property
    def shared_data(self) -> bool:
        """True when data lies in storage volumes."""
        return self.run_mode == SHARED_DATA

    @property
    def table_engine(self) -> str:
        """TABLE_ENGINE of native tables in tables_config."""
        return "CLOUD_NATIVE" if self.shared_data else "OLAP"

    # --- configuration (facts 1) ---

    @property
    def set_config_on_leader(self) -> bool:
        """3.5: ADMIN SET is forwarded to the leader; before, the connected FE runs it."""
        return self.since("3.5")

    @property
    def with_persistent(self) -> bool:
        """3.5: the clause exists."""
        return self.since("3.5")

    @property
    def set_config_failed(self) -> tuple[int, str, str]:
        """(code, SQLSTATE, prefix) of a setting that did not reach every FE."""
        if self.since("3.5"):
            return 5101, "F0000", "Set config failed: "
        return 5076, "42000", "set config failed: "

    # --- errors ---

    @property
    def access_denied(self) -> tuple[int, str]:
        """(code, SQLSTATE) of a missing privilege."""
        if self.since("3.3"):
            return 5203, "42000"
        return (1252, "42000") if self.since("3.1") else (1227, "42000")

    @property
    def role_hint(self) -> bool:
        """3.3: a refusal names the session's roles."""
        return self.since("3.3")

    @property
    def unknown_database(self) -> tuple[int, str]:
        """(code, SQLSTATE)"""
        return (5501, "3F000") if self.since("3.3") else (1049, "42000")

    @property
    def unknown_table(self) -> tuple[int, str]:
        """(code, SQLSTATE)"""
        return (5502, "42602") if self.since("3.3") else (1051, "42S02")

    @property
    def unsupported_in_mode(self) -> tuple[int, str]:
        """(code, SQLSTATE) of SHOW WAREHOUSES in shared_nothing mode."""
        return (5907, "0A000") if self.since("3.5") else (10007, "HY000")

    @property
    def begin_refused(self) -> tuple[int, str, str]:
        """(code, SQLSTATE, text) of a transaction's begin while disable_load_job is true (facts 7)."""
        reason = "disable_load_job is set to true, all load jobs are "
        if self.since("3.3"):
            return 5301, "55P03", "Failed to begin transaction: %srejected" % reason
        return 1064, "HY000", reason + "prevented"

    @property
    def commit_refused(self) -> tuple[int, str, str]:
        """(code, SQLSTATE, text) of a commit or prepare while disable_load_job is true."""
        return 1064, "HY000", "disable_load_job is set to true, all load jobs are prevented"

    @property
    def proc_path_detail(self) -> bool:
        """An unknown proc path is explained after "msg:"; from when on the facts leave open (3.3 here)."""
        return self.since("3.3")

    # --- identity ---

    @property
    def facade(self) -> str:
        """VERSION() and the greeting: MySQL's, not StarRocks'."""
        return "8.0.33" if self.since("3.4") else "5.1.0"

    @property
    def node_version(self) -> str:
        """Version column of SHOW FRONTENDS and of the nodes."""
        return "%s-%s" % (self.version, COMMIT)

    @property
    def version_comment(self) -> str:
        """@@version_comment"""
        return self.node_version if self.since("3.1") else "StarRocks version %s" % self.version

    @property
    def current_version(self) -> str:
        """current_version()"""
        return self.node_version if self.number[0] > 2 else "%s %s" % (self.version, COMMIT)

    # --- accounts ---

    @property
    def roles(self) -> bool:
        """3.0: SET ROLE, db_admin and its like."""
        return self.since("3.0")

    # --- storage volumes (facts 3) ---

    @property
    def storage_volumes(self) -> bool:
        """3.1: the statements exist."""
        return self.since("3.1")

    @property
    def volume_types(self) -> tuple[str, ...]:
        """Known types."""
        found: tuple[str, ...] = ("S3", "HDFS")
        if self.since("3.1.1"):
            found += ("AZBLOB",)
        if self.since("3.4"):
            found += ("ADLS2",)
        return found + ("GS",) if self.since("4.0") else found

    @property
    def partitioned_prefix(self) -> bool:
        """aws.s3.enable_partitioned_prefix is known."""
        return self.since("3.2.4", "3.3")

    @property
    def web_identity_token(self) -> bool:
        """Params tell aws.s3.use_web_identity_token_file ("newer" in the facts: 3.4 here)."""
        return self.since("3.4")

    @property
    def masks_invalid_params(self) -> bool:
        """The text about an incomplete credential set hides secrets; before, it prints them."""
        return self.since("3.1.17", "3.2.16", "3.3.14", "3.4")

    @property
    def default_volume_missing(self) -> tuple[int, str, str]:
        """(code, SQLSTATE, text) of a table without any volume."""
        if self.since("3.3"):
            text = "The default storage volume does not exist. "
            text += "Please set a default storage volume or specify one in the properties."
            return 5506, "55000", text
        return 1064, "HY000", "Default storage volume not exists, it should be created first"

    # --- proc nodes, information_schema ---

    @property
    def replications_proc(self) -> bool:
        """SHOW PROC '/replications' exists."""
        return self.since("3.1.16", "3.2.11", "3.3.4", "3.4")

    @property
    def replications_proc_forwarded(self) -> bool:
        """... and is answered by the leader."""
        return self.since("3.2.12", "3.3.4", "3.4")

    @property
    def transactions_by_name(self) -> bool:
        """SHOW PROC '/transactions/<name>' is known beside the id."""
        return self.since("3.1.8", "3.2")

    @property
    def partitions_meta(self) -> bool:
        """information_schema.partitions_meta and tables_config' properties exist."""
        return self.since("3.1.9", "3.2.4", "3.3")

    @property
    def partitions_meta_on_leader(self) -> bool:
        """The scan asks the leader, not the connected FE."""
        return self.since("3.2.12", "3.3.6", "3.4")

    @property
    def data_versions(self) -> bool:
        """DATA_VERSION, VERSION_EPOCH and VERSION_TXN_TYPE are shown."""
        return self.since("3.3.2", "3.4")

    @property
    def storage_size(self) -> bool:
        """STORAGE_SIZE is shown."""
        return self.since("3.4.4", "3.5")

    @property
    def metadata_switch_version(self) -> bool:
        """METADATA_SWITCH_VERSION is shown (main, so 4.x)."""
        return self.since("4.0")

    @property
    def data_version_from_source(self) -> bool:
        """A replication's commit writes the source's data version into DATA_VERSION (facts 4.5)."""
        return self.since("3.3.10", "3.4.1", "3.5")

    @property
    def pipes(self) -> bool:
        """information_schema.pipes"""
        return self.since("3.2")

    @property
    def generation_expression(self) -> bool:
        """columns.GENERATION_EXPRESSION is filled."""
        return self.since("3.2.10", "3.3.3", "3.4")

    @property
    def update_be_configs(self) -> bool:
        """UPDATE information_schema.be_configs, and its columns DEFAULT and MUTABLE."""
        return self.since("3.1")

    @property
    def newer_loads(self) -> bool:
        """information_schema.loads has its newer columns."""
        return self.since("3.3.14", "3.4")

    # --- migration ---

    @property
    def replication_target(self) -> bool:
        """The tool can copy into this version."""
        return self.since("3.1.8", "3.2.3", "3.3")

    @property
    def lake_source(self) -> bool:
        """As a target it copies from shared-data sources."""
        return self.since("4.1")

    @property
    def tablet_reshard(self) -> bool:
        """Range distribution and information_schema.tablet_reshard_jobs (facts 2.3)."""
        return self.since("4.1")
