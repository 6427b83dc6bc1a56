# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""How to reach a GreptimeDB cluster. Must stay in step with module_utils/_greptimedb/options.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - PyMySQL, on the host where the module runs, for O(transport=mysql)
notes:
  - Works with GreptimeDB clusters from 0.5.1 on. The version is found out once, and the requests are chosen by it.
  - The HTTP interfaces of metasrv and datanodes have neither password nor TLS. They must be reachable from the host
    where the module runs, but from nowhere else.
options:
  frontend_host:
    description:
      - Host name or address of a frontend, without port.
      - May be left out only for clusters up to 0.7, whose regions can be moved through O(metasrv_addrs) alone.
      - Several frontends behind one address must run the same version.
      - If not given, the environment variable E(GREPTIMEDB_HOST) is used.
    type: str
  frontend_port:
    description:
      - Port of the frontend. The default is V(4002) for O(transport=mysql) and V(4000) for O(transport=http).
      - If not given, the environment variable E(GREPTIMEDB_PORT) is used.
    type: int
  transport:
    description:
      - How SQL is sent. V(mysql) is the MySQL protocol and needs PyMySQL. V(http) is the HTTP SQL API and needs
        nothing.
      - If not given, the environment variable E(GREPTIMEDB_TRANSPORT) is used.
    type: str
    choices: [mysql, http]
    default: mysql
  database:
    description:
      - The database to connect to, or C(catalog-database). Its tables are the ones that can be named without a schema.
      - The catalog must be C(greptime) for regions to be moved.
      - If not given, the environment variable E(GREPTIMEDB_DATABASE) is used.
    type: str
    default: public
  username:
    description:
      - The user. Not needed when the cluster has no user provider.
      - Reading needs no more than a read-only user. Moving regions needs a user that may write, because C(ADMIN)
        statements count as writes (from 1.0.0 on).
      - If not given, the environment variable E(GREPTIMEDB_USER) is used.
    type: str
  password:
    description:
      - The password of O(username).
      - If not given, the environment variable E(GREPTIMEDB_PASSWORD) is used.
    type: str
  tls:
    description:
      - Whether the connection to the frontend is encrypted, and what is checked.
      - V(disable) does not encrypt. V(prefer) encrypts if the server offers it, and goes on without if not; it exists
        for O(transport=mysql) only. V(require) encrypts or fails, but does not check who the server is. V(verify-ca)
        also checks that its certificate is signed by O(ca_cert). V(verify-full) also checks that the certificate names
        O(frontend_host).
      - For O(transport=http), anything but V(disable) means HTTPS, which GreptimeDB itself does not offer; it needs a
        proxy in front.
      - If not given, the environment variable E(GREPTIMEDB_TLS) is used.
    type: str
    choices: [disable, prefer, require, verify-ca, verify-full]
    default: disable
  ca_cert:
    description:
      - Path of a PEM file with the certificates that may sign the server's, for O(tls=verify-ca) and
        O(tls=verify-full). Without it, the certificates which the system trusts are used.
      - If not given, the environment variable E(GREPTIMEDB_CA_CERT) is used.
    type: path
  client_cert:
    description:
      - Path of a PEM file with the client's certificate, and its key unless O(client_key) is given.
      - If not given, the environment variable E(GREPTIMEDB_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path of a PEM file with the key of O(client_cert).
      - If not given, the environment variable E(GREPTIMEDB_CLIENT_KEY) is used.
    type: path
  metasrv_addrs:
    description:
      - Addresses of all metasrv, as C(host:port) with the gRPC port (V(3002) if left out). A list, JSON text of one, or
        comma-separated text.
      - From 0.8.0 on, the cluster itself tells them. They must be given before 0.8.0, and when the addresses that the
        cluster tells cannot be reached from here (such as names inside Kubernetes).
      - If not given, the environment variable E(GREPTIMEDB_METASRV) is used.
    type: raw
  metasrv_http_addrs:
    description:
      - The HTTP addresses of the same metasrv in the same order, as C(host:port). Only needed when the host or the port
        is not the one that O(metasrv_addrs) and O(metasrv_http_port) give, such as behind port forwards.
      - If not given, the environment variable E(GREPTIMEDB_METASRV_HTTP) is used.
    type: raw
  metasrv_http_port:
    description:
      - HTTP port of every metasrv. Maintenance mode and the procedure manager are asked there from 0.15.5 on.
    type: int
    default: 4000
  datanode_http_port:
    description:
      - HTTP port of every datanode, where its configuration is read (WAL and object storage).
    type: int
    default: 4000
  datanode_http_addrs:
    description:
      - HTTP addresses of single datanodes, a mapping of datanode id to C(host:port), or JSON text of one. Needed when a
        datanode's address in the cluster cannot be reached from here.
    type: raw
  connect_timeout:
    description:
      - How long to wait for a connection to be made, in seconds or with a unit (V(500ms), V(5s)).
    type: str
    default: 5s
  read_timeout:
    description:
      - How long to wait for an answer, in seconds or with a unit. Every request is a short one, also the submission of
        a move. When the answer to a request that changes something does not come in time, it is not sent again, but
        looked for in the state of the cluster.
    type: str
    default: 30s
"""
