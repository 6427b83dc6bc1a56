# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""How to reach Pegasus clusters. Must stay in step with module_utils/_pegasus/options.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
notes:
  - Works with Apache Pegasus 2.4, 2.5 and the development line after them (2.6.0-SNAPSHOT). The version is found out
    once, and the requests are chosen by it.
  - Clusters with authentication (C(enable_auth)) are not supported.
  - The ports of all meta servers and replica servers must be reachable from the host where the module runs, under the
    addresses that the cluster itself uses. They have neither password nor TLS, so they should be reachable from nowhere
    else but the clients.
options:
  meta_servers:
    description:
      - The meta servers of the cluster, each as C(host:port). For a module that knows two, those of the source.
      - A list, JSON text of one, or comma-separated text. The primary among them is found and followed.
      - Not the address of a MetaProxy, which answers nothing but clients' queries.
      - If not given, the environment variable E(PEGASUS_META_SERVERS) is used.
    type: raw
  connect_timeout:
    description:
      - How long to wait for a connection to be made, in seconds or with a unit (V(500ms), V(3s)).
    type: str
    default: 3s
  rpc_timeout:
    description:
      - How long one request may take in all, connecting and repeating included, in seconds or with a unit. Every
        request is a short one. When the answer to a request that changes something does not come in time, it is not
        sent again.
    type: str
    default: 10s
"""

    TARGET = r"""
options:
  target_meta_servers:
    description:
      - The meta servers of the cluster that the table moves to, each as C(host:port), in the same forms as
        O(meta_servers).
      - If not given, the environment variable E(PEGASUS_TARGET_META_SERVERS) is used.
    type: raw
"""

    REMOTE = r"""
options:
  remote_cluster:
    description:
      - The target, by the name that it has in section C([pegasus.clusters]) of the source's configuration. By default
        the name that the target tells.
    type: str
"""

    SWITCH = r"""
options:
  zookeeper_hosts:
    description:
      - The ZooKeeper of the MetaProxies, as C(host:port,host:port), with C(/chroot) at its end if there is one. A list
        is accepted too. Needed with O(switch=metaproxy).
      - If not given, the environment variable E(PEGASUS_ZOOKEEPER_HOSTS) is used.
    type: raw
  zookeeper_root:
    description:
      - The znode below which there is one znode for each table, as C(zookeeper.root) of MetaProxy's configuration.
        Needed with O(switch=metaproxy).
      - If not given, the environment variable E(PEGASUS_ZOOKEEPER_ROOT) is used.
    type: str
  zookeeper_timeout:
    description:
      - How long to wait for ZooKeeper, in seconds or with a unit.
    type: str
    default: 10s
  target_meta_addrs:
    description:
      - The addresses of the target that MetaProxies are to use, at least two. The default is O(target_meta_servers).
    type: raw
"""
