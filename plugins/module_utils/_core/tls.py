# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""TLS by the levels that MySQL clients know, for every transport: the options, and what Python makes of them."""

from __future__ import annotations

import dataclasses
import os
import ssl
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

TLS_LEVELS = ("disable", "prefer", "require", "verify-ca", "verify-full")
FILES = ("ca_cert", "client_cert", "client_key")


@dataclasses.dataclass(frozen=True)
class TlsSettings:
    """A level out of ``TLS_LEVELS``, and paths of PEM files."""

    level: str = "disable"
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def context(self) -> ssl.SSLContext | None:
        """What Python needs to connect, or None for ``disable``.

        ``prefer`` and ``require`` encrypt and check nothing, ``verify-ca`` checks who signed the server's certificate,
        ``verify-full`` its host name too. Without a CA file the certificates of the system are trusted.
        """
        if self.level == "disable":
            return None
        context = ssl.create_default_context(cafile=self.ca_cert)
        # Certificates made by MySQL and by many internal authorities do not pass Python 3.13's strict mode.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        context.check_hostname = self.level == "verify-full"
        verified = self.level in ("verify-ca", "verify-full")
        context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
        if self.client_cert:
            context.load_cert_chain(self.client_cert, self.client_key)
        return context


def read_tls(params: t.Mapping[str, t.Any], prefix: str = "") -> tuple[TlsSettings, list[InvalidOption]]:
    """The settings of ``tls``, ``ca_cert``, ``client_cert`` and ``client_key``, and what is wrong with them.

    :param prefix: what stands before the names of these options, such as ``target_``
    """

    def text(name: str) -> str | None:
        value = params.get(prefix + name)
        return None if value is None or str(value) == "" else str(value)

    settings = TlsSettings(str(params[prefix + "tls"]), text("ca_cert"), text("client_cert"), text("client_key"))
    return settings, list(_problems(settings, prefix))


def _problems(settings: TlsSettings, prefix: str) -> t.Iterator[InvalidOption]:
    level = settings.level
    files = [name for name in FILES if getattr(settings, name)]
    for name in files:
        path = os.path.expanduser(getattr(settings, name))
        if not os.path.isfile(path) or not os.access(path, os.R_OK):
            yield InvalidOption(
                prefix + name, f"{path!r} is not a readable file", "Give the path of a PEM file on this host"
            )
    if files and level == "disable":
        yield InvalidOption(
            f"{prefix}tls",
            f"it is 'disable' although {', '.join(prefix + name for name in files)} is given",
            f"Set {prefix}tls to one of {', '.join(TLS_LEVELS[1:])}, or leave the files out",
        )
    if settings.client_key and not settings.client_cert:
        yield InvalidOption(
            f"{prefix}client_cert", f"{prefix}client_key is given without it", "Give the certificate of the key too"
        )
    if settings.ca_cert and level in ("prefer", "require"):
        yield InvalidOption(
            f"{prefix}ca_cert",
            f"{prefix}tls is {level!r}, which does not check the certificate",
            f"Set {prefix}tls to verify-ca or verify-full, or leave {prefix}ca_cert out",
        )
