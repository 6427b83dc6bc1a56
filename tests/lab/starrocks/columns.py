# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Column names of listings, in each version's order (facts 4.1, 4.4, 4.6)."""

from __future__ import annotations

from lab.starrocks.profiles import Profile

Names = tuple[str, ...]


def words(text: str) -> Names:
    """Column names separated by spaces."""
    return tuple(text.replace(",", " ").split())


_FRONTENDS = words(
    "Name IP EditLogPort HttpPort QueryPort RpcPort Role ClusterId Join Alive ReplayedJournalId LastHeartbeat IsHelper"
    " ErrMsg StartTime Version"
)
_DATA = ("DATA_VERSION", "VERSION_EPOCH", "VERSION_TXN_TYPE")
_SHOWN_DATA = ("DataVersion", "VersionEpoch", "VersionTxnType")
TRANSACTIONS = words(
    "TransactionId Label Coordinator TransactionStatus LoadJobSourceType PrepareTime CommitTime PublishTime FinishTime"
    " Reason ErrorReplicasCount ListenerId TimeoutMs ErrMsg"
)
COMPACTIONS = words("Partition TxnID StartTime CommitTime FinishTime Error Profile")
REPLICATIONS = words("JobID DatabaseID TableID TxnID CreatedTime FinishedTime State Progress Error")
COLOCATION = words("GroupId GroupName TableIds TableNames BucketsNum ReplicationNum DistCols IsStable")
DATABASES = words("DbId DbName TableNum Quota LastConsistencyCheckTime ReplicaQuota")
VOLUME = words("Name Type IsDefault Location Params Enabled Comment")


def frontends(profile: Profile) -> Names:
    """SHOW FRONTENDS"""
    return ("Id", *_FRONTENDS) if profile.since("3.5") else _FRONTENDS


def backends(profile: Profile) -> Names:
    """SHOW BACKENDS"""
    names = words(
        "BackendId IP HeartbeatPort BePort HttpPort BrpcPort LastStartTime LastHeartbeat Alive SystemDecommissioned"
        " ClusterDecommissioned TabletNum DataUsedCapacity AvailCapacity TotalCapacity UsedPct MaxDiskUsedPct ErrMsg"
        " Version Status DataTotalCapacity DataUsedPct CpuCores"
    )
    if profile.since("3.3.14", "3.4"):
        names += ("MemLimit",)
    names += ("NumRunningQueries", "MemUsedPct", "CpuUsedPct")
    if profile.since("3.3"):
        names += ("DataCacheMetrics",)
    if profile.since("3.2.16", "3.3"):
        names += ("Location",)
    if profile.since("3.4"):
        names += ("StatusCode",)
    if profile.shared_data:
        names += ("StarletPort", "WorkerId")
        if profile.since("3.3"):
            names += ("WarehouseName",)
    return names


def compute_nodes(profile: Profile) -> Names:
    """SHOW COMPUTE NODES"""
    names = words(
        "ComputeNodeId IP HeartbeatPort BePort HttpPort BrpcPort LastStartTime LastHeartbeat Alive SystemDecommissioned"
        " ClusterDecommissioned ErrMsg Version CpuCores"
    )
    if profile.since("3.3.14", "3.4"):
        names += ("MemLimit",)
    names += ("NumRunningQueries", "MemUsedPct", "CpuUsedPct")
    if profile.since("3.3"):
        names += ("DataCacheMetrics",)
    names += ("HasStoragePath",)
    if profile.since("3.4"):
        names += ("StatusCode",)
    if profile.shared_data:
        names += ("StarletPort", "WorkerId")
        if profile.since("3.3"):
            names += ("WarehouseName", "TabletNum")
    return names


def partitions_meta(profile: Profile) -> Names:
    """information_schema.partitions_meta"""
    names = words(
        "DB_NAME TABLE_NAME PARTITION_NAME PARTITION_ID COMPACT_VERSION VISIBLE_VERSION"
        " VISIBLE_VERSION_TIME NEXT_VERSION"
    )
    if profile.data_versions:
        names += _DATA
    names += words(
        "PARTITION_KEY PARTITION_VALUE DISTRIBUTION_KEY BUCKETS REPLICATION_NUM STORAGE_MEDIUM COOLDOWN_TIME"
        " LAST_CONSISTENCY_CHECK_TIME IS_IN_MEMORY IS_TEMP DATA_SIZE ROW_COUNT ENABLE_DATACACHE AVG_CS P50_CS MAX_CS"
        " STORAGE_PATH"
    )
    if profile.storage_size:
        names += ("STORAGE_SIZE",)
    return (*names, "METADATA_SWITCH_VERSION") if profile.metadata_switch_version else names


def partitions(profile: Profile, by_list: bool = False) -> Names:
    """SHOW PARTITIONS of a native table."""
    kind = "List" if by_list else "Range"
    size = ("DataSize", "StorageSize") if profile.storage_size else ("DataSize",)
    if profile.shared_data:
        names = words("PartitionId PartitionName CompactVersion VisibleVersion NextVersion State PartitionKey")
        names += (kind, "DistributionKey", "Buckets", *size)
        names += words("RowCount EnableDataCache AsyncWrite AvgCS P50CS MaxCS")
    else:
        names = words(
            "PartitionId PartitionName VisibleVersion VisibleVersionTime VisibleVersionHash State PartitionKey"
        )
        names += (kind,)
        names += words(
            "DistributionKey Buckets ReplicationNum StorageMedium CooldownTime LastConsistencyCheckTime",
        )
        names += (*size, "IsInMemory", "RowCount")
    if profile.data_versions:
        names += _SHOWN_DATA
    return (*names, "MetaSwitchVersion") if profile.shared_data and profile.metadata_switch_version else names


def loads(profile: Profile) -> Names:
    """information_schema.loads"""
    if profile.newer_loads:
        return words(
            "ID LABEL PROFILE_ID DB_NAME TABLE_NAME USER WAREHOUSE STATE PROGRESS TYPE PRIORITY SCAN_ROWS SCAN_BYTES"
            " FILTERED_ROWS UNSELECTED_ROWS SINK_ROWS RUNTIME_DETAILS CREATE_TIME LOAD_START_TIME LOAD_COMMIT_TIME"
            " LOAD_FINISH_TIME PROPERTIES ERROR_MSG TRACKING_SQL REJECTED_RECORD_PATH JOB_ID"
        )
    return words(
        "JOB_ID LABEL DATABASE_NAME STATE PROGRESS TYPE PRIORITY SCAN_ROWS FILTERED_ROWS UNSELECTED_ROWS SINK_ROWS"
        " ETL_INFO TASK_INFO CREATE_TIME ETL_START_TIME ETL_FINISH_TIME LOAD_START_TIME LOAD_FINISH_TIME JOB_DETAILS"
        " ERROR_MSG TRACKING_URL TRACKING_SQL REJECTED_RECORD_PATH"
    )


def show_load(profile: Profile) -> Names:
    """SHOW LOAD"""
    names = words(
        "JobId Label State Progress Type Priority ScanRows FilteredRows UnselectedRows SinkRows"
        " EtlInfo TaskInfo ErrorMsg CreateTime EtlStartTime EtlFinishTime LoadStartTime LoadFinishTime"
        " TrackingSQL JobDetails"
    )
    return (*names, "Warehouse") if profile.since("3.4") else names


def routine_load_jobs(profile: Profile) -> Names:
    """information_schema.routine_load_jobs"""
    names = words(
        "ID NAME CREATE_TIME PAUSE_TIME END_TIME DB_NAME TABLE_NAME STATE DATA_SOURCE_TYPE"
        " CURRENT_TASK_NUM JOB_PROPERTIES DATA_SOURCE_PROPERTIES CUSTOM_PROPERTIES STATISTICS PROGRESS"
        " REASONS_OF_STATE_CHANGED ERROR_LOG_URLS TRACKING_SQL OTHER_MSG LATEST_SOURCE_POSITION"
    )
    return (*names, "OFFSET_LAG", "TIMESTAMP_PROGRESS") if profile.since("3.3.14", "3.4") else names


def show_routine_load(profile: Profile) -> Names:
    """SHOW ROUTINE LOAD"""
    names = words(
        "Id Name CreateTime PauseTime EndTime DbName TableName State DataSourceType CurrentTaskNum JobProperties"
        " DataSourceProperties CustomProperties Statistic Progress TimestampProgress ReasonOfStateChanged ErrorLogUrls"
    )
    if profile.since("3.2"):
        names += ("TrackingSQL",)
    names += ("OtherMsg",)
    if profile.since("3.3") and profile.shared_data:
        names += ("Warehouse",)
    names += ("LatestSourcePosition",)
    return (*names, "OffsetLag") if profile.since("3.3.14", "3.4") else names


def tables_config(profile: Profile) -> Names:
    """information_schema.tables_config"""
    return words(
        "TABLE_SCHEMA TABLE_NAME TABLE_ENGINE TABLE_MODEL PRIMARY_KEY PARTITION_KEY DISTRIBUTE_KEY DISTRIBUTE_TYPE"
        " DISTRIBUTE_BUCKET SORT_KEY PROPERTIES TABLE_ID"
    )


def be_configs(profile: Profile) -> Names:
    """information_schema.be_configs"""
    if profile.update_be_configs:
        return ("BE_ID", "NAME", "VALUE", "TYPE", "DEFAULT", "MUTABLE")
    return ("BE_ID", "NAME", "VALUE")


def tasks(profile: Profile) -> Names:
    """information_schema.tasks"""
    if profile.since("3.3"):
        return words(
            "TASK_NAME CREATE_TIME SCHEDULE CATALOG DATABASE DEFINITION EXPIRE_TIME PROPERTIES CREATOR",
        )
    return words("TASK_NAME CREATE_TIME SCHEDULE DATABASE DEFINITION EXPIRE_TIME")


PIPES = words("DATABASE_NAME PIPE_ID PIPE_NAME PROPERTIES STATE TABLE_NAME LOAD_STATUS LAST_ERROR CREATED_TIME")
MATERIALIZED_VIEWS = words(
    "MATERIALIZED_VIEW_ID TABLE_SCHEMA TABLE_NAME REFRESH_TYPE IS_ACTIVE INACTIVE_REASON PARTITION_TYPE"
    " TASK_ID TASK_NAME LAST_REFRESH_STATE TABLE_ROWS MATERIALIZED_VIEW_DEFINITION"
)
STREAM_LOADS = words("LABEL ID LOAD_ID TXN_ID DB_NAME TABLE_NAME STATE ERROR_MSG TYPE TRACKING_SQL")
