# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Unpacking the sync tool's archive: nothing lands or points outside, and the layout is checked before it counts."""

from __future__ import annotations

import gzip
import os
import posixpath
import shutil
import tarfile
import typing as t
import zlib

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

START = "bin/start.sh"
STOP = "bin/stop.sh"
SYNC_PROPERTIES = "conf/sync.properties"
HOSTS_PROPERTIES = "conf/hosts.properties"
REQUIRED = (START, SYNC_PROPERTIES)
"""What the vendor's manual says of the layout, as far as it is needed. Source: its steps 1 to 3."""

_MOST_MEMBERS = 20_000
_MOST_BYTES = 4 << 30


def unpack(archive: t.BinaryIO, folder: str) -> None:
    """Unpack a tar archive (compressed or not) into the empty ``folder``, without the one folder all of it is in.

    Only files, folders and links that stay inside are taken. Modes lose set-id bits and everybody's right to write.

    Of a member that is there twice the last one counts, as for tar.

    :raises MigrationError: ``starrocks.tool_archive_unsafe``, ``starrocks.tool_archive_damaged`` or
        ``starrocks.tool_layout``; the folder may then hold a part
    :raises OSError: the folder cannot be written
    """
    try:
        with tarfile.open(fileobj=archive, mode="r:*") as tar:
            members = _checked(tar)
            prefix = _prefix(members)
            _check_layout(members, prefix)
            links = [one for one in members if _is_link(one[1])]
            for name, member in members:
                if not _is_link(member):
                    _place(tar, member, folder, _inside(name, prefix))
            _link(links, folder, prefix)
            missing = missing_parts(folder)
            if missing:
                raise _no_tool(members, prefix, missing)
            start = os.path.join(folder, START)
            mode = os.stat(start).st_mode | 0o111
            os.chmod(start, mode)
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, ValueError) as error:
        raise MigrationError(
            "starrocks.tool_archive_damaged",
            f"The archive is no whole tar archive ({_first_line(error)}); get it again.",
        ) from error


def _first_line(error: Exception) -> str:
    """What is wrong, without the list of what each compression says to it."""
    lines = str(error).splitlines()
    return lines[0].rstrip(":") if lines else type(error).__name__


def missing_parts(folder: str) -> t.List[str]:
    """What of the layout a folder lacks."""
    return [part for part in REQUIRED if not os.path.isfile(os.path.join(folder, part))]


Named = t.Tuple[str, tarfile.TarInfo]


def _checked(tar: tarfile.TarFile) -> t.List[Named]:
    """Every member under its normal name, the last of each; the first one that is not safe ends it all."""
    members: t.Dict[str, tarfile.TarInfo] = {}
    size = 0
    for count, member in enumerate(tar, 1):
        name = posixpath.normpath(member.name)
        if member.name.startswith("/") or name == ".." or name.startswith("../") or "\0" in name:
            raise _unsafe(member, "lies outside of the archive")
        if not (member.isreg() or member.isdir() or _is_link(member)):
            raise _unsafe(member, "is neither a file, a folder nor a link")
        size += member.size
        if count > _MOST_MEMBERS or size > _MOST_BYTES:
            raise _unsafe(member, f"is one too many: more than {_MOST_MEMBERS} members or {_MOST_BYTES >> 30} GiB")
        # GNU tar stores a file that it was told of twice the second time as a link to itself.
        itself = member.islnk() and posixpath.normpath(member.linkname) == name and name in members
        # macOS puts what its files have besides their content into files of such names.
        if name != "." and not itself and not posixpath.basename(name).startswith("._"):
            members[name] = member
    folders = {name[:at] for name in members for at, letter in enumerate(name) if letter == "/"}
    for name in sorted(folders & set(members)):
        # What is below it would be written through a link, or not at all.
        if not members[name].isdir():
            raise _unsafe(members[name], "is not a folder, and there are others in it")
    return list(members.items())


def _is_link(member: tarfile.TarInfo) -> bool:
    return member.issym() or member.islnk()


def _prefix(members: t.Sequence[Named]) -> str:
    """The one folder that everything is in, "" if there is none."""
    tops = {name.split("/", 1)[0] for name, _member in members}
    top = next(iter(tops)) if len(tops) == 1 else ""
    return top if any(name.startswith(top + "/") for name, _member in members) and top not in ("bin", "conf") else ""


def _inside(name: str, prefix: str) -> str:
    return posixpath.relpath(name, prefix) if prefix else name


def _check_layout(members: t.Sequence[Named], prefix: str) -> None:
    """Before gigabytes of something else are unpacked. Where a link leads to is seen when all is there."""
    there = {_inside(name, prefix): member for name, member in members}
    missing = []
    for part in REQUIRED:
        way = (part, posixpath.dirname(part))
        if not any(one in there and (_is_link(there[one]) or (one == part and there[one].isreg())) for one in way):
            missing.append(part)
    if missing:
        raise _no_tool(members, prefix, missing)


def _no_tool(members: t.Sequence[Named], prefix: str, missing: t.Sequence[str]) -> MigrationError:
    tops = sorted({_inside(name, prefix).split("/", 1)[0] for name, _member in members} - {"."})
    return MigrationError(
        "starrocks.tool_layout",
        f"The archive is not the sync tool: it has no {' and no '.join(missing)}. It has "
        f"{', '.join(tops[:8]) or 'nothing'}{f' in {prefix}' if prefix else ''}.",
        details={"missing": list(missing), "found": tops[:50]},
    )


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: str, name: str) -> None:
    path = os.path.join(folder, name)
    if member.isdir():
        os.makedirs(path, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    mode = 0o755 if member.mode & 0o111 else 0o644
    source = tar.extractfile(member)
    if source is None:
        raise _unsafe(member, "has no content")
    # The folder was empty, and every name is there once.
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
    with source, os.fdopen(target, "wb") as file:
        shutil.copyfileobj(source, file)
    os.chmod(path, mode)


def _link(links: t.Sequence[Named], folder: str, prefix: str) -> None:
    """Links come last, when nothing can be written through them any more, and each must end inside."""
    root = os.path.realpath(folder)
    for name, member in links:
        path = os.path.join(folder, _inside(name, prefix))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if member.issym():
            os.symlink(member.linkname, path)
        else:
            original = os.path.join(folder, _inside(posixpath.normpath(member.linkname), prefix))
            if not _within(original, root) or not os.path.isfile(original):
                raise _unsafe(member, f"points to {member.linkname}, outside of the archive")
            shutil.copy2(original, path)
    for name, member in links:
        path = os.path.join(folder, _inside(name, prefix))
        if not _within(path, root):
            raise _unsafe(member, f"points to {member.linkname}, outside of the archive")


def _within(path: str, root: str) -> bool:
    return os.path.realpath(path).startswith(root + os.sep)


def _unsafe(member: tarfile.TarInfo, why: str) -> MigrationError:
    return MigrationError(
        "starrocks.tool_archive_unsafe",
        f"The archive is refused: its member {member.name!r} {why}. Get it from the vendor again.",
        details={"member": member.name},
    )
