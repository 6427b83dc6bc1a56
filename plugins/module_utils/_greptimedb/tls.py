# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""TLS by the levels that MySQL clients know, for both transports."""

from __future__ import annotations

import ssl

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection


def client_context(connection: Connection) -> ssl.SSLContext | None:
    """The TLS settings of a connection, or None for ``disable``.

    ``prefer`` and ``require`` encrypt and check nothing, ``verify-ca`` checks who signed the server's certificate,
    ``verify-full`` its host name too. Without a CA file the certificates of the system are trusted.
    """
    if connection.tls == "disable":
        return None
    context = ssl.create_default_context(cafile=connection.ca_cert)
    # Certificates made by MySQL and by many internal authorities do not pass Python 3.13's strict mode.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.check_hostname = connection.tls == "verify-full"
    verified = connection.tls in ("verify-ca", "verify-full")
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    if connection.client_cert:
        context.load_cert_chain(connection.client_cert, connection.client_key)
    return context
