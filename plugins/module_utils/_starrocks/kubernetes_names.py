# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether a host is a pod or a service of Kubernetes, by the name under which its cluster knows it."""

from __future__ import annotations

import re

_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_NAMES = (
    # <service>.<namespace>.svc, with or without a pod before it: svc is no top level domain.
    rf"({_LABEL}\.){{2,}}svc",
    # The cluster domain that nearly all clusters have. The manual's own example leaves the namespace out.
    rf"({_LABEL}\.){{2,}}(svc|pod)\.cluster\.local",
    # Any other cluster domain: a pod of a StatefulSet. Without its number it could be any company's svc.example.com.
    rf"({_LABEL})?-[0-9]+\.{_LABEL}\.{_LABEL}\.svc(\.{_LABEL})+",
)
_KUBERNETES = re.compile("|".join(f"(?:{name})" for name in _NAMES), re.IGNORECASE)


def is_kubernetes_name(host: str) -> bool:
    """Whether only Kubernetes gives such names: of a service, or of a pod of a StatefulSet. Addresses tell nothing.

    :param host: as the column IP of ``SHOW FRONTENDS`` has it, such as ``fe-0.fe-search.prod.svc.cluster.local``
    """
    return _KUBERNETES.fullmatch(host.strip().rstrip(".")) is not None
