# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are easy to find, looked for in all that a run leaves, and in process lists while it runs (S9)."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import stat
import threading
import typing as t
import urllib.parse

MOST_BYTES = 64 * 1024 * 1024
LOOK_EVERY = 0.1
"""Real seconds between two looks at the process list."""
_PRIVATE = 0o600


def forms(secret: str) -> set[bytes]:
    """How a secret may be written: plainly, in JSON, YAML, a URL, a Java properties file, base64."""
    escaped = secret.replace("\\", "\\\\")
    for sign in (":", "=", "#", "!"):
        escaped = escaped.replace(sign, "\\" + sign)
    texts = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        secret.replace("'", "''"),
        escaped,
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }
    return {text.encode() for text in texts}


class Canaries:
    """Secrets by name, such as "password of root". ``inputs``: names of files that are given with secrets in them.

    ``private``: files (the end of their path) that have to hold secrets, and that only their owner may read.
    """

    def __init__(
        self, secrets: t.Mapping[str, str], inputs: t.Collection[str] = (), private: t.Collection[str] = ()
    ) -> None:
        self._forms = {name: forms(secret) for name, secret in secrets.items() if secret}
        self._inputs = frozenset(inputs)
        self._private = tuple(private)

    def names_in(self, data: bytes) -> list[str]:
        """The names of the secrets that some text holds."""
        return [name for name, texts in self._forms.items() if any(text in data for text in texts)]

    def leaks(self, folder: pathlib.Path) -> list[str]:
        """In words, every file below a folder that holds a secret, and every private one that others may read."""
        found: list[str] = []
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file() or path.name in self._inputs:
                continue
            place = str(path.relative_to(folder))
            if place.endswith(self._private) and self._private:
                mode = stat.S_IMODE(path.stat().st_mode)
                if mode & ~_PRIVATE:
                    found.append(f"{place} holds secrets, and its mode is {mode:o}")
                continue
            with path.open("rb") as file:
                data = file.read(MOST_BYTES)
            found += [f"the {name} is in {place}" for name in self.names_in(data)]
        return found


class ProcessLists:
    """Looks at the command lines of all processes of the machine, as anybody may, while a `with` block runs.

    ``seen``: in words, each with the program's name and never with the secret.
    """

    def __init__(self, canaries: Canaries) -> None:
        self._canaries = canaries
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._known: set[tuple[str, bytes]] = set()
        self.seen: list[str] = []
        self.looks = 0

    def __enter__(self) -> ProcessLists:
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _watch(self) -> None:
        while not self._over.is_set():
            self._look()
            self._over.wait(LOOK_EVERY)

    def _look(self) -> None:
        self.looks += 1
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes()
                if (entry.name, line) in self._known:
                    continue
                self._known.add((entry.name, line))
                program = line.partition(b"\0")[0].decode(errors="replace")
                for name in self._canaries.names_in(line.replace(b"\0", b" ")):
                    self.seen.append(f"the {name} is in the command line of {program}")
