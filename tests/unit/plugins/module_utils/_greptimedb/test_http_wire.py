# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real sockets with a server of a few lines, because what may have been seen is decided by them."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.http_wire import HttpEndpoint, Reply
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.sql_http import decode_reply

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Test: Yes\r\n\r\nok"


class Server:
    """Gives each connection the next of some answers; None closes it without one. Counts the requests."""

    def __init__(self, answers: t.Sequence[t.Sequence[t.Optional[bytes]]]) -> None:
        self._answers = answers
        self.requests = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = Address("127.0.0.1", self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answers in self._answers:
            try:
                peer, _address = self._socket.accept()
            except OSError:
                return  # closed; not every connection was made
            with peer:
                for answer in answers:
                    if not self._request(peer) or answer is None:
                        break
                    peer.sendall(answer)

    def _request(self, peer: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = peer.recv(4096)
            if not piece:
                return False
            data += piece
        self.requests += 1
        return True

    def close(self) -> None:
        # Who waits in accept has to leave before the number of the socket is given to another file.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def serve() -> t.Iterator[t.Callable[..., t.Tuple[Server, HttpEndpoint]]]:
    made: t.List[t.Any] = []

    def start(*answers: t.Sequence[t.Optional[bytes]]) -> t.Tuple[Server, HttpEndpoint]:
        server = Server(answers)
        endpoint = HttpEndpoint(server.address, connect_timeout=2, read_timeout=2)
        made.extend((endpoint, server))
        return server, endpoint

    yield start
    for one in made:
        one.close()


def test_an_answer_and_a_kept_connection(serve: t.Callable[..., t.Tuple[Server, HttpEndpoint]]) -> None:
    server, endpoint = serve([ANSWER, ANSWER])
    assert endpoint.request("GET", "/a") == Reply(200, {"content-length": "2", "x-test": "Yes"}, "ok")
    assert endpoint.request("GET", "/b").text == "ok"
    assert server.requests == 2


def test_nobody_there_means_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionLost) as caught:
        HttpEndpoint(Address("127.0.0.1", port), connect_timeout=1, read_timeout=1).request("POST", "/", mutating=True)
    assert not caught.value.sent
    assert caught.value.kind == "unreachable"


def test_a_mutating_request_whose_answer_is_lost_is_sent_once(
    serve: t.Callable[..., t.Tuple[Server, HttpEndpoint]],
) -> None:
    server, endpoint = serve([ANSWER, None], [None], [ANSWER])
    endpoint.request("GET", "/warm")
    with pytest.raises(ConnectionLost) as caught:
        endpoint.request("POST", "/change", mutating=True)
    assert caught.value.sent
    assert server.requests == 2


def test_a_read_on_a_connection_that_went_stale_is_sent_again(
    serve: t.Callable[..., t.Tuple[Server, HttpEndpoint]],
) -> None:
    server, endpoint = serve([ANSWER, None], [ANSWER])
    endpoint.request("GET", "/warm")
    assert endpoint.request("GET", "/again").text == "ok"
    assert server.requests == 3


def test_something_else_than_http(serve: t.Callable[..., t.Tuple[Server, HttpEndpoint]]) -> None:
    _server, endpoint = serve([b"J\x00\x00\x00\x0a8.0.36\x00garbage\r\n\r\n"])
    with pytest.raises(ConnectionLost) as caught:
        endpoint.request("GET", "/")
    assert caught.value.kind == "not_the_protocol"


def test_silence_is_a_timeout(serve: t.Callable[..., t.Tuple[Server, HttpEndpoint]]) -> None:
    server, _endpoint = serve([b"", ANSWER])
    patient = HttpEndpoint(server.address, connect_timeout=1, read_timeout=0.1)
    with pytest.raises(ConnectionLost) as caught:
        patient.request("GET", "/")
    patient.close()
    assert (caught.value.kind, caught.value.sent) == ("timeout", True)


def reply(text: str, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


def test_a_result_set() -> None:
    text = (
        '{"output":[{"records":{"schema":{"column_schemas":[{"name":"a","data_type":"UInt64"},{"name":"b","data_type":'
        '"String"}]},"rows":[[18446744073709551615,"x"],[1,null]],"total_rows":2}}],"execution_time_ms":1}'
    )
    rows = decode_reply(reply(text))
    assert rows.columns == ("a", "b")
    assert rows.rows == ((18446744073709551615, "x"), (1, None))
    assert decode_reply(reply('{"code":0,"output":[{"affectedrows":1}],"execution_time_ms":1}')).rows == ()


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (
            reply('{"code":1004,"error":"no","execution_time_ms":3}', 400, x_greptime_err_code="1004"),
            "InvalidArguments",
        ),
        (reply('{"code":7006,"error":"no"}', 403), "PermissionDenied"),
        (reply("no", 401, x_greptime_err_code="7002"), "UserPasswordMismatch"),
        (reply('{"code":4242,"error":"no"}', 500), "4242"),
        (reply("<html>no</html>", 404), None),
        (reply("no", 200), None),
    ],
)
def test_errors(given: Reply, status: t.Optional[str]) -> None:
    with pytest.raises(ServerError) as caught:
        decode_reply(given)
    assert caught.value.status == status
    assert "no" in caught.value.text
