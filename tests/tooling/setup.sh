#!/usr/bin/env bash
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# setup.sh demo|dev: makes .venv with the pinned packages of requirements/<name>.txt, and does nothing when they are there.
# Missing system packages are installed with apt-get where root or sudo is at hand; otherwise one sentence says which.
# Only Java, ZooKeeper, Chromium and promtool may stay away: then the tests that need them say so and are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly wanted=$1

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

may_install() {
    command -v apt-get > /dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2> /dev/null; }
}

# install REASON PACKAGE...
install() {
    local reason=$1
    shift
    if ! may_install; then
        echo "$reason Install the packages '$*' (on Debian or Ubuntu: apt-get install $*) and run this again;" \
            "it would be done here with root or password-free sudo." >&2
        exit 1
    fi
    echo "$reason Installing: $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

# The simulated Apache Pegasus clusters run a real ZooKeeper; everything else does without.
set_up_zookeeper() {
    local packages=()
    command -v java > /dev/null || packages+=(default-jre-headless)
    [ -e /usr/share/java/zookeeper.jar ] || packages+=(libzookeeper-java)
    [ "${#packages[@]}" -gt 0 ] || return 0
    local reason="The simulated Apache Pegasus clusters need Java and ZooKeeper, and here not both are there."
    # In a subshell, which install may end.
    if ! (install "$reason" "${packages[@]}"); then
        echo "Going on without '${packages[*]}': what needs ZooKeeper is left out, and says so." >&2
    fi
}

# The tests of the report look at it in a browser. Ubuntu has none as a package: there it stays away unless it is installed.
set_up_chromium() {
    [ "$wanted" = dev ] || return 0
    local name
    for name in chromium chromium-headless-shell chromium-browser google-chrome; do
        ! command -v "$name" > /dev/null || return 0
    done
    if ! (install "The tests of the report need a browser, and here none is there." chromium-headless-shell); then
        echo "Going on without a browser: the tests that look at the report in one are left out, and say so." >&2
    fi
}

# The tests of metrics and alert rules ask Prometheus's own tool. It is taken out of its package, which is not installed:
# that would start a server.
set_up_promtool() {
    [ "$wanted" = dev ] || return 0
    if command -v promtool > /dev/null || [ -x .venv/bin/promtool ]; then
        return 0
    fi
    local folder reason="promtool of the Debian package prometheus is not there"
    if ! command -v apt-get dpkg-deb > /dev/null; then
        echo "$reason, and neither is apt-get. Going on without it: the tests of alert rules are left out, and say so." >&2
        return 0
    fi
    folder=$(mktemp -d)
    echo "Taking promtool out of the Debian package prometheus"
    if ! download_prometheus "$folder" && may_install; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
        download_prometheus "$folder" || true
    fi
    if dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb 2> /dev/null | tar -x -O ./usr/bin/promtool > "$folder/promtool"; then
        chmod 755 "$folder/promtool"
        mv "$folder/promtool" .venv/bin/promtool
    else
        echo "$reason, and cannot be downloaded. Going on without it: the tests of alert rules are left out, and say so." >&2
    fi
    rm -rf "$folder"
}

download_prometheus() {
    (cd "$1" && apt-get download -qq prometheus > /dev/null 2>&1)
}

# Prints the path of the first Python that is 3.11 or newer and can make virtual environments.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -IEc 'import sys, ensurepip, venv; assert (3, 11) <= sys.version_info[:2] <= (3, 14)' 2> /dev/null; then
            "$name" -IEc 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

if ! command -v git > /dev/null; then
    install "git is missing." git ca-certificates
fi

stamp=.venv/.installed-$wanted-$(cat "requirements/$wanted.txt" tests/tooling/{setup.sh,packages.py} | sha256sum | cut -c1-12)
if [ -e "$stamp" ] && .venv/bin/python -c '' 2> /dev/null; then
    exit 0
fi

set_up_zookeeper
set_up_chromium

if ! python=$(find_python); then
    install "No Python from 3.11 to 3.14 that can make virtual environments was found." python3 python3-venv
    if ! python=$(find_python); then
        echo "Python 3.11 or newer is needed; the one of this system is $(python3 --version 2>&1). Put a newer one on PATH." >&2
        exit 1
    fi
fi

if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info[:2] < (3, 11))' 2> /dev/null; then
    echo "Making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "Installing the packages of requirements/$wanted.txt into .venv"
.venv/bin/python -P tests/tooling/packages.py "requirements/$wanted.txt"
set_up_promtool
touch "$stamp"
