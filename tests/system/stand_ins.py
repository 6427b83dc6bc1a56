# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that documented commands call and a test machine does not have: `python -m system.stand_ins NAME ...`.

They take the arguments of the real ones and speak the real protocols to the lab.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import sys
import typing as t
import urllib.request

import pymysql
from pymysql.constants import CLIENT

from lab.pegasus.reference_calls import Calls

_DELETE = 2


def mysql(arguments: t.Sequence[str]) -> None:
    """MySQL's client with ``-e``. ``-p`` asks nobody: the users of the lab have no password."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-h", dest="host", required=True)
    parser.add_argument("-P", dest="port", type=int, required=True)
    parser.add_argument("-u", dest="user", required=True)
    parser.add_argument("-p", action="store_true")
    parser.add_argument("-e", dest="sql", required=True)
    given = parser.parse_args(arguments)
    connection = pymysql.connect(
        host=given.host, port=given.port, user=given.user, client_flag=CLIENT.MULTI_STATEMENTS, autocommit=True
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(given.sql)
        while cursor.nextset():
            pass


def run_sh(arguments: t.Sequence[str]) -> None:
    """Pegasus's ``run.sh shell``: the commands ``use`` and ``del_app_envs`` from its standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tool", choices=["shell"])
    parser.add_argument("--cluster", required=True)
    calls = Calls(parser.parse_args(arguments).cluster.split(","), factor=1.0, lab_time=0.0, reads_host_ports=True)
    asyncio.run(_shell(calls, sys.stdin.read()))


async def _shell(calls: Calls, text: str) -> None:
    table = ""
    for line in text.splitlines():
        word, *rest = line.split()
        if word == "use":
            (table,) = rest
        elif word == "del_app_envs":
            await calls.meta("RPC_CM_UPDATE_APP_ENV", {"app_name": table, "op": _DELETE, "keys": rest, "values": []})
        else:
            raise SystemExit(f"the shell has no command {word!r}")
    calls.close()


def curl(arguments: t.Sequence[str]) -> None:
    """curl, as far as the control port of a lab and a frontend of StarRocks need it; nobody has a password."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-sS", action="store_true")
    parser.add_argument("-X", dest="method", default="")
    parser.add_argument("-d", dest="data")
    parser.add_argument("-u", dest="user")
    given = parser.parse_args(arguments)
    data = given.data.encode() if given.data is not None else None
    before, _brace, rest = given.url.partition("{")
    several, _brace, after = rest.partition("}")
    for one in several.split(","):
        request = urllib.request.Request(before + one + after, data=data, method=given.method or None)
        if given.user:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{given.user}:".encode()).decode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            print(answer.read().decode())


PROGRAMS: t.Mapping[str, t.Callable[[t.Sequence[str]], None]] = {"curl": curl, "mysql": mysql, "run.sh": run_sh}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](sys.argv[2:])
