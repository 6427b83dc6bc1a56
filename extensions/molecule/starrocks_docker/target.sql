-- Copyright (c) 2026, the dbops.migration contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A volume of the same name on both clusters, so that tables keep theirs. Properties as documentation-samples/MCP of StarRocks/demo
-- has them for MinIO.
CREATE STORAGE VOLUME IF NOT EXISTS lake
TYPE = S3
LOCATIONS = ('s3://target/')
PROPERTIES (
    'enabled' = 'true',
    'aws.s3.region' = 'us-east-1',
    'aws.s3.endpoint' = 'http://172.30.65.10:9000',
    'aws.s3.access_key' = 'starrocks',
    'aws.s3.secret_key' = 'not-a-secret-here',
    'aws.s3.use_instance_profile' = 'false',
    'aws.s3.use_aws_sdk_default_behavior' = 'false'
);
SET lake AS DEFAULT STORAGE VOLUME;
