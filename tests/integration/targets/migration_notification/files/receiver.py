# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes webhooks on 127.0.0.1: writes its port to one file, each request to another, and ends at a POST to /stop."""

from __future__ import annotations

import http.server
import json
import pathlib
import sys
import threading

FOLDER = pathlib.Path(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    """The first request is answered with 503, as by a receiver that is just being restarted."""

    seen = 0

    def do_POST(self) -> None:
        """Keep it and answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8")
        if self.path != "/stop":
            Handler.seen += 1
            with (FOLDER / "requests.jsonl").open("a", encoding="utf-8") as file:
                told = {"path": self.path, "headers": {key.lower(): one for key, one in self.headers.items()}}
                file.write(json.dumps({**told, "body": body}) + "\n")
        self.send_response(503 if Handler.seen == 1 and self.path != "/stop" else 204)
        self.end_headers()
        if self.path == "/stop":
            threading.Thread(target=self.server.shutdown).start()


def main() -> None:
    """Serve until /stop."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    (FOLDER / "requests.jsonl").touch()
    part = FOLDER / "port.part"
    part.write_text(str(server.server_address[1]), encoding="ascii")
    part.rename(FOLDER / "port")
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
