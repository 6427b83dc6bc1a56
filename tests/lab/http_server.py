# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP/1.1 server: enough of the protocol for admin APIs and ordinary clients, keep-alive included."""

from __future__ import annotations

import asyncio
import json
import ssl
import typing as t
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.gate import ConnectionDropped
from lab.listener import Listener

MAX_BODY = 64 * 1024 * 1024


@dataclass
class HttpRequest:
    """One request. ``query`` keeps the last value of a repeated name; header names are lower-case."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    gone: t.Callable[[], bool]

    def form(self) -> dict[str, str]:
        """Fields of a form body, over those of the query string."""
        fields = dict(self.query)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            fields.update(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        return fields

    def json(self) -> t.Any:
        """The body as JSON; an empty body is an empty object."""
        return json.loads(self.body) if self.body.strip() else {}


@dataclass
class HttpResponse:
    """One response; str bodies are text, everything else JSON."""

    status: int = 200
    body: t.Any = ""
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self, keep_alive: bool) -> bytes:
        """The response as bytes on the wire."""
        if isinstance(self.body, str):
            content, content_type = self.body.encode(), "text/plain; charset=utf-8"
        else:
            content, content_type = json.dumps(self.body).encode(), "application/json"
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = ["HTTP/1.1 %d %s" % (self.status, phrase)]
        headers = {"content-type": content_type, **self.headers, "content-length": str(len(content))}
        headers["connection"] = "keep-alive" if keep_alive else "close"
        lines += ["%s: %s" % item for item in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


HttpHandler = t.Callable[[HttpRequest], t.Awaitable[HttpResponse]]


class HttpServer(Listener):
    """Serves one handler on one port."""

    def __init__(self, handler: HttpHandler, ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__(self._connection, ssl_context)
        self._http_handler = handler

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep_alive = True
        while keep_alive:
            request = await _read_request(reader, writer)
            if request is None:
                return
            keep_alive = request.headers.get("connection", "").lower() != "close"
            try:
                response = await self._http_handler(request)
            except ConnectionDropped:
                writer.transport.abort()
                return
            writer.write(response.encode(keep_alive))
            await writer.drain()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *rest = head.decode("latin-1").split("\r\n")
    try:
        method, target, _version = first.split(" ", 2)
    except ValueError:
        return None
    headers: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    elif headers.get("content-length"):
        length = int(headers["content-length"])
        if length > MAX_BODY:
            return None
        body = await reader.readexactly(length)
    parts = urlsplit(target)

    def gone() -> bool:
        return reader.at_eof() or reader.exception() is not None

    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return HttpRequest(method.upper(), target, unquote(parts.path), query, headers, body, gone)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    while True:
        size = int((await reader.readline()).split(b";")[0].strip(), 16)
        chunks.append(await reader.readexactly(size))
        await reader.readline()
        if size == 0:
            return b"".join(chunks)
