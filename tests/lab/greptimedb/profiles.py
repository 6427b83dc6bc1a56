# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version profiles: everything that differs between GreptimeDB versions, derived from one version."""

from __future__ import annotations

from lab.greptimedb.versions import Version

PROFILES = {
    "0.4": "0.4.4",
    "0.6": "0.6.0",
    "0.7": "0.7.2",
    "0.8": "0.8.2",
    "0.9.2": "0.9.2",
    "0.9.5": "0.9.5",
    "0.12": "0.12.2",
    "0.15": "0.15.4",
    "0.17": "0.17.2",
    "1.0": "1.0.2",
    "1.1": "1.1.4",
    "standalone": "1.1.4",
    "not-greptimedb": "0.4.4",
}
"""Profile name -> the version it simulates. Any other exact version ("0.14.4") is a profile too."""


class Profile:
    """The behaviour of one GreptimeDB version. Frontend, datanodes and metasrv each follow one."""

    def __init__(self, version: str) -> None:
        self.version = Version(version)

    # --- dialect of the frontend ---

    @property
    def mysql_version(self) -> str:
        """Version string of the MySQL handshake."""
        return "8.4.2" if self.version >= "0.9.2" else "5.1.10-alpha-msql-proxy"

    def sql_version(self, over_http: bool) -> str:
        """What SELECT version() says."""
        if over_http and self.version >= "0.9.4":
            return str(self.version)
        if self.version >= "1.0.0":
            return "8.4.2-GreptimeDB-%s" % self.version
        return "%s-greptimedb-%s" % ("8.4.2" if self.version >= "0.9.4" else "5.7.20", self.version)

    @property
    def admin_statement(self) -> bool:
        """ADMIN fn(...) works."""
        return self.version >= "0.9.3"

    @property
    def select_functions(self) -> bool:
        """SELECT migrate_region(...) and its like resolve."""
        return "0.7.0" <= self.version < "0.9.3" or self.version >= "0.17.0"

    @property
    def user_modes(self) -> bool:
        """Users carry a mode (rw, ro, wo) and ADMIN is a write."""
        return self.version >= "1.0.0-beta.1"

    @property
    def swallows_set_variable(self) -> bool:
        """SET @@x is answered without an engine."""
        return self.version < "0.15.0"

    @property
    def show_warnings_columns(self) -> bool:
        """SHOW WARNINGS has columns."""
        return self.version >= "1.0.0-beta.2"

    # --- information_schema ---

    @property
    def region_peers(self) -> str:
        """The placement table's name; empty when there is none."""
        if self.version < "0.7.0":
            return ""
        return "region_peers" if self.version >= "0.8.0" else "greptime_region_peers"

    @property
    def region_peers_with_table(self) -> bool:
        """Table columns come first, and followers are listed."""
        return self.version >= "0.14.0"

    @property
    def region_peers_predicate_bug(self) -> bool:
        """Rows after one that fails a pushed-down predicate are lost for that table."""
        return self.version < "1.0.0"

    @property
    def logical_shows_physical(self) -> bool:
        """A logical table lists its physical table's region ids."""
        return self.version < "0.9.0"

    @property
    def cluster_info_peer_id_bug(self) -> bool:
        """WHERE peer_id = n on cluster_info never matches."""
        return self.version <= "0.17.2"

    @property
    def downgraded_word(self) -> str:
        """Status of a leader in the middle of a migration."""
        return "DOWNGRADING" if self.version >= "0.9.4" else "DOWNGRADED"

    # --- metasrv ---

    @property
    def http_submission(self) -> bool:
        """/admin/region-migration exists."""
        return "0.5.1" <= self.version < "0.8.0"

    @property
    def default_timeout_sql(self) -> float:
        """Seconds of a SQL submission that gives none."""
        if self.version < "0.9.4":
            return 10.0
        return 300.0 if self.version >= "0.14.0" else 30.0

    @property
    def timeout_is_budget(self) -> bool:
        """The timeout caps downgrade and upgrade together (before: each try of the replay)."""
        return self.version >= "0.9.4"

    @property
    def peer_down_code(self) -> str:
        """Status code of a dead or unknown peer."""
        return "Unexpected" if self.version >= "0.17.0" else "Internal"

    @property
    def already_there_is_error(self) -> bool:
        """Already on the target is an error (before: no pid)."""
        return self.version >= "0.15.0"

    @property
    def duplicate_guard(self) -> bool:
        """A second migration of a region is refused while one runs."""
        return self.version >= "0.9.0"

    @property
    def table_lock(self) -> str:
        """Lock on the table that a migration holds: Share, Exclusive or none."""
        if self.version < "0.11.1":
            return "Share"
        return "Exclusive" if self.version < "0.15.0" else ""

    @property
    def max_running_procedures(self) -> int:
        """Over this many a pid is handed out that never exists; 0 is no limit."""
        return 128 if self.version >= "0.14.0" else 0

    @property
    def procedure_rollback(self) -> bool:
        """Exhausted retries roll the route back."""
        return self.version >= "0.11.1"

    @property
    def pre_flush(self) -> bool:
        """The source is flushed while still writable."""
        return self.version >= "0.15.0"

    @property
    def open_timeout(self) -> float:
        """Mailbox timeout of opening the candidate, seconds (later versions: half the timeout if that is more)."""
        return 10.0 if self.version >= "0.14.0" else 1.0

    @property
    def admin_on_http_port(self) -> bool:
        """/admin/* is served on the metasrv's HTTP port as well, and there with strict methods."""
        return self.version >= "0.16.0" or "0.15.5" <= self.version < "0.16.0"

    @property
    def maintenance_api(self) -> str:
        """ "" none, "set" 0.7.2, "text" 0.8-0.14, "json" 0.15.0-0.15.4, "paths" 0.15.5/0.16+."""
        if self.admin_on_http_port:
            return "paths"
        if self.version >= "0.15.0":
            return "json"
        if self.version >= "0.8.0":
            return "text"
        return "set" if self.version >= "0.7.2" else ""

    @property
    def events(self) -> bool:
        """greptime_private.events is written."""
        return self.version >= "0.16.0"

    # --- datanode ---

    @property
    def flush_on_downgrade(self) -> bool:
        """The downgrade flushes the source; local logs are not replayed."""
        return self.version >= "0.9.4"

    @property
    def close_source(self) -> bool:
        """The source closes its copy at the end."""
        return self.version >= "0.11.1"

    @property
    def refuses_local_storage(self) -> bool:
        """A migration to local file storage is refused at once (before: EmptyRegionDir and retries)."""
        return self.version >= "1.1.0"

    def write_refused(self, region: str) -> tuple[str, str]:
        """(status code, text) of a write to a region that is being downgraded; ``region`` as ids are rendered."""
        if self.version < "0.8.0":
            return "RegionReadonly", "Region %s is read only" % region
        if self.version < "0.9.4":
            return "RegionNotReady", "Region %s is in ReadOnly state, expect: Writable" % region
        expect = "Leader(Writable)" if self.version >= "0.14.0" else "Writable"
        return "RegionNotReady", "Region %s is in Leader(Downgrading) state, expect: %s" % (region, expect)
