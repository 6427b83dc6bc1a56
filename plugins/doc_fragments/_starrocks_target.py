# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""How to reach the cluster that is migrated to. Must stay in step with module_utils/_starrocks/options.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  target_frontends:
    description:
      - Frontends (FEs) of the target cluster, each as C(host:query_port). The port is V(9030) if it is left out.
      - A list, JSON text of one, or comma-separated text. All other frontends are found by asking one of these, so
        that one would do; several keep working when one is down.
      - Not a load balancer. Frontends have settings of their own, so each one is talked to under its own address.
      - If not given, the environment variable E(STARROCKS_TARGET_FRONTENDS) is used.
    type: raw
  target_username:
    description:
      - The user of the target cluster. Settings, C(SHOW PROC) and lists of nodes need C(OPERATE ON SYSTEM). All roles
        that are granted to the user are activated.
      - If not given, the environment variable E(STARROCKS_TARGET_USERNAME) is used.
    type: str
    default: root
  target_password:
    description:
      - The password of O(target_username).
      - If not given, the environment variable E(STARROCKS_TARGET_PASSWORD) is used.
    type: str
  target_tls:
    description:
      - Whether the connections to the query ports are encrypted, and what is checked.
      - V(disable) does not encrypt. V(prefer) encrypts if the frontend offers it, and goes on without if not.
        V(require) encrypts or fails, but does not check who the frontend is. V(verify-ca) also checks that its
        certificate is signed by O(target_ca_cert). V(verify-full) also checks the name in it.
      - HTTP to frontends, BEs and CNs is not encrypted. It is used only where SQL cannot do the same.
      - If not given, the environment variable E(STARROCKS_TARGET_TLS) is used.
    type: str
    choices: [disable, prefer, require, verify-ca, verify-full]
    default: disable
  target_ca_cert:
    description:
      - Path of a PEM file with the certificates that may sign the frontends'. Without it, those which the system trusts
        are used.
      - If not given, the environment variable E(STARROCKS_TARGET_CA_CERT) is used.
    type: path
  target_client_cert:
    description:
      - Path of a PEM file with the client's certificate, and its key unless O(target_client_key) is given.
      - If not given, the environment variable E(STARROCKS_TARGET_CLIENT_CERT) is used.
    type: path
  target_client_key:
    description:
      - Path of a PEM file with the key of O(target_client_cert).
      - If not given, the environment variable E(STARROCKS_TARGET_CLIENT_KEY) is used.
    type: path
  target_address_map:
    description:
      - Where nodes are reached that cannot be reached under the address which the cluster has of them, such as those in
        Kubernetes or behind NAT.
      - A mapping, or JSON text of one. A key is a host as the column C(IP) of C(SHOW FRONTENDS), C(SHOW BACKENDS) or
        C(SHOW COMPUTE NODES) has it. A value is C(mappedHost), or C(mappedHost;srcPort:dstPort,srcPort:dstPort), as in
        C(hosts.properties) of the synchronisation tool.
      - If not given, the environment variable E(STARROCKS_TARGET_ADDRESS_MAP) is used.
    type: raw
  target_assume_version:
    description:
      - The release that the target cluster is made of, for builds that call themselves V(UNKNOWN) or by the name of a
        branch.
      - If not given, the environment variable E(STARROCKS_TARGET_ASSUME_VERSION) is used.
    type: str
  target_connect_timeout:
    description:
      - How long to wait for a connection to be made, in seconds or with a unit (V(500ms), V(5s)).
    type: str
    default: 5s
  target_read_timeout:
    description:
      - How long to wait for the answer to one statement, in seconds or with a unit. A change of which the answer does
        not come in time is not sent again before it was looked at.
    type: str
    default: 60s
"""
