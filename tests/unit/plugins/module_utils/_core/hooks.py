# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A receiver of webhooks on 127.0.0.1 that answers as it is told, and keeps what it got."""

from __future__ import annotations

import dataclasses
import http.server
import pathlib
import socket
import ssl
import struct
import threading
import types
import typing as t

RESET = -1
HANG = -2


@dataclasses.dataclass(frozen=True)
class Got:
    """One request. ``argv``: the arguments of every process of the machine meanwhile, where that was asked for."""

    path: str
    headers: t.Mapping[str, str]
    body: bytes
    argv: bytes


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP status, RESET or HANG."""

    status: int = 200
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


class Receiver:
    """Answers with each of ``answers`` in turn, and then with the last one for ever."""

    def __init__(self, *answers: Answer, tls: t.Optional[ssl.SSLContext] = None, look_at_argv: bool = False) -> None:
        self.got: t.List[Got] = []
        self._answers = list(answers) or [Answer()]
        self._look_at_argv = look_at_argv
        self._over = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self)

            def do_GET(self) -> None:
                receiver.take(self)

            def log_message(self, *_given: t.Any) -> None:
                """Nothing is said."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls is not None else "http"
        self.shown = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def take(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Keep one request and answer it."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        answer = self._answers[min(len(self.got), len(self._answers) - 1)]
        self.got.append(Got(handler.path, dict(handler.headers), body, _argv() if self._look_at_argv else b""))
        if answer.status == HANG:
            self._over.wait(30)
            return
        if answer.status == RESET:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: t.Optional[t.Type[BaseException]],
        error: t.Optional[BaseException],
        trace: t.Optional[types.TracebackType],
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _argv() -> bytes:
    found = b""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes()
        except OSError:
            continue
    return found
