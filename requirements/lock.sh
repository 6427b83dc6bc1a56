#!/usr/bin/env bash
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes <name>.txt from <name>.in: every package pinned, for every Python the name supports.
# Needs `uv` on PATH (https://pypi.org/project/uv/). Run it to move the pins, then `make test-all`.
set -euo pipefail
cd "$(dirname "$0")"

lock() {
    local name=$1 floor=$2
    shift 2
    {
        head -n 3 "${name}.in"
        echo "#"
        echo "# Written by lock.sh from ${name}.in: change that file, not this one."
        uv pip compile --quiet --universal --python-version "$floor" --no-header --no-annotate "$@" "${name}.in"
    } > "${name}.txt.new"
    mv "${name}.txt.new" "${name}.txt"
    echo "${name}.txt: $(grep -c == "${name}.txt") packages"
}

lock uv 3.11
lock dev 3.11
lock demo 3.11 --constraint dev.txt
lock quality 3.11
lock docs 3.11
lock core-2.17 3.11
lock core-2.18 3.11
lock core-2.19 3.11
lock core-2.20 3.12
lock core-2.21 3.12
