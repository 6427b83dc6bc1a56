# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP pages and remote commands that meta and replica servers have in common."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from lab.http_server import HttpResponse
from lab.pegasus.profiles import Profile


def time_text(epoch: int) -> str:
    """Calendar time as the servers print it."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def common(profile: Profile, started: int, path: str) -> HttpResponse | None:
    """The page of a path that every server has; None for any other."""
    if path == "/version":
        return HttpResponse(200, {"Version": profile.version, "GitCommit": profile.commit})
    if path == "/recentStartTime":
        return HttpResponse(200, {"RecentStartTime": time_text(started)})
    if path == "/":
        names = ("/", "/version", "/recentStartTime", "/config", "/configs", "/updateConfig")
        return HttpResponse(200, dict.fromkeys(names, ""))
    return None


def server_info(profile: Profile, started: int) -> str:
    """The remote command server-info: text until 2.5, JSON from 2.6 on."""
    if profile.newest:
        info = {"version": profile.version, "build_type": "Release", "git_SHA": profile.commit}
        return json.dumps(dict(info, start_time=time_text(started)))
    return "Pegasus Server %s (%s) Release, Started at %s" % (profile.version, profile.commit, time_text(started))
