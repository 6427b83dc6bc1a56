# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs that talk as much as they can, and runs that are refused: no secret in anything that they leave (S9)."""

from __future__ import annotations

import typing as t

from chaos import starrocks_labs as labs
from chaos.starrocks_kills import Tried
from chaos.starrocks_runs import SHAPE, WholeRun
from system import playbooks

SECRETS = "secrets"
PLACE = "StarRocks 4.1 lab, secrets"
LOUD = ("-vvvv", "--diff")
MADE = "cluster_sync"
"""The tool's user where the migration makes it, with the same password as it has elsewhere."""


def _loudly(whole: WholeRun, *arguments: str, **more: t.Any) -> bool:
    done = playbooks.play("starrocks", {**whole.variables, **more}, whole.folder, *LOUD, *arguments)
    whole.outputs.append(done.output)
    return done.code == 0


def play() -> Tried:
    """Predicted, refused for a wrong password and for unreadable buckets, then run, each with all that it can say."""
    users = {f"starrocks_{side}_cluster_user": MADE for side in labs.SIDES}
    with labs.laboratory(SHAPE) as lab, WholeRun(f"{SHAPE.name}-secrets", lab, **users) as whole:
        whole.variables["starrocks_create_sync_users"] = True
        root, tool = (str(lab.describe["users"][name]) for name in (labs.ROOT, labs.TOOL))
        stranger = {**lab.describe["s3"]["users"]["stranger"]}
        keys = {"aws.s3.access_key": stranger["access_key"], "aws.s3.secret_key": stranger["secret_key"]}
        refused = [
            # Passwords of others, so that what is refused is looked for, too.
            _loudly(whole, starrocks_password=tool),
            _loudly(whole, starrocks_target_password=tool, starrocks_source_cluster_password=root),
            _loudly(whole, starrocks_volume_credentials={"*": keys}),
        ]
        predicted = _loudly(whole, "--check")
        ended = _loudly(whole)
        return whole.finish(SECRETS, PLACE, predicted and not any(refused), ended)
