# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rDSN's framing: the bytes of genuine clients and servers, both header versions, HTTP on the same port."""

from __future__ import annotations

import socket
import struct
from contextlib import closing

import pytest

from lab.pegasus import structs
from lab.pegasus.frames import Header, encode_request, encode_response
from lab.pegasus.thrift import DecodeError
from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import Side, rpc
from lab_tests.support import http


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", "").replace("|", ""))


LIST_NODES = _bytes(
    "54484654 00000000 00000030 00000000 00000029 00000000 00000000 00000000 00000580 00000000 0000000000000000 |"
    "80010001 00000011 5250435f434d5f4c4953545f4e4f444553 00000001 0c0001 080001 00000000 00 00"
)
ADD_DUPLICATION = _bytes(
    "80010001 00000016 5250435f434d5f4144445f4455504c49434154494f4e 00000003 0c0001 0b0001 00000004 74656d70"
    "0b0002 00000006 746172676574 00 00"
)
CLUSTER_INFO = _bytes("80010001 00000013 5250435f434d5f434c55535445525f494e464f 00000002 0c0001 00 00")
NODES_ANSWER = _bytes(
    "0000005c 00000006 4552525f4f4b 80010002 00000015 5250435f434d5f4c4953545f4e4f4445535f41434b 00000001 0c0000"
    "0c0001 00000006 4552525f4f4b 0f0002 0c 00000001 080001 00000001 0c0002 7f000001 87f1 0001 00 00 00"
)


def test_golden_requests() -> None:
    nodes = structs.encode("list_nodes_request", {"status": 0})
    assert encode_request("RPC_CM_LIST_NODES", 1, nodes, Header(timeout=0x580)) == LIST_NODES
    values = {"app_name": "temp", "remote_cluster_name": "target"}
    frame = encode_request("RPC_CM_ADD_DUPLICATION", 3, structs.encode("duplication_add_request", values), Header())
    assert frame[48:] == ADD_DUPLICATION
    assert frame[16:20] == struct.pack(">I", 0x3F)
    frame = encode_request("RPC_CM_CLUSTER_INFO", 2, structs.encode("cluster_info_request", {}), Header())
    assert frame[48:] == CLUSTER_INFO


def test_golden_response() -> None:
    values = {"err": "ERR_OK", "infos": [{"status": 1, "address": "127.0.0.1:34801"}]}
    result = structs.encode("list_nodes_response", values)
    assert encode_response("RPC_CM_LIST_NODES", 1, "ERR_OK", result) == NODES_ANSWER
    assert structs.decode("list_nodes_response", result) == values


def test_data_header_and_placeholders() -> None:
    frame = encode_request(
        "RPC_RRDB_RRDB_GET", 1, structs.encode("blob", b"k"), Header(2, 5, 100, partition_hash=2**63)
    )
    assert struct.unpack(">iiiiQ", frame[24:48]) == (2, 5, 100, 2 * 7919 + 5, 2**63)
    assert structs.encode("gpid", (2, 5)) == struct.pack(">q", 2 + (5 << 32))
    assert structs.encode("host_port", "a.example:34601") == b"\0\0\0\x09a.example" + struct.pack(">H", 34601) + b"\x01"
    assert structs.decode("host_port", structs.encode("host_port", "")) == ""
    assert structs.decode("address", bytes(8)) == ""


def test_unknown_fields() -> None:
    """Plain ones are passed over; a STRUCT may be a placeholder, so it is named instead."""
    plain = b"\x0b\x00\x63\x00\x00\x00\x01x" + structs.encode("list_nodes_request", {"status": 2})
    assert structs.decode("list_nodes_request", plain) == {"status": 2}
    with pytest.raises(DecodeError, match="list_nodes_request field 99: unknown field of type 12"):
        structs.decode("list_nodes_request", b"\x0c\x00\x63\x00\x00")
    with pytest.raises(KeyError, match="list_nodes_request has no field colour"):
        structs.encode("list_nodes_request", {"colour": 1})


def test_both_headers_and_http_on_one_port(pegasus_lab: LabFactory) -> None:
    side = Side(pegasus_lab("2.6"))
    for version in (0, 1):
        found = rpc(side.metas[0], "RPC_CM_LIST_NODES", {"status": 1}, Header(version=version))
        assert [node["address"] for node in found["infos"]] == side.nodes
        assert [node["hp_node"] for node in found["infos"]] == side.nodes
    assert http("http://%s/version" % side.metas[0])[0] == 200
    assert rpc(side.metas[0], "RPC_CM_NO_SUCH_THING") == "ERR_HANDLER_NOT_FOUND"
    assert rpc(side.nodes[0], "RPC_CM_LIST_NODES", {"status": 0}) == "ERR_HANDLER_NOT_FOUND"


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-x", b"THFT\0\0\0\0\0\0\0\x31" + bytes(60), b"THFT\0\0\0\x07" + bytes(60)]
)
def test_garbage_closes_the_connection(pegasus_lab: LabFactory, garbage: bytes) -> None:
    host, port = Side(pegasus_lab("2.5")).metas[0].rsplit(":", 1)
    with closing(socket.create_connection((host, int(port)), 5)) as connection:
        connection.sendall(garbage)
        try:
            assert connection.recv(100) == b""
        except ConnectionResetError:
            pass


def test_several_requests_in_pieces_on_one_connection(pegasus_lab: LabFactory) -> None:
    host, port = Side(pegasus_lab("2.4")).metas[0].rsplit(":", 1)
    data = LIST_NODES + encode_request("RPC_CM_CLUSTER_INFO", 9, b"\0", Header())
    with closing(socket.create_connection((host, int(port)), 5)) as connection:
        for at in range(0, len(data), 7):
            connection.sendall(data[at : at + 7])
        received = b""
        while received.count(b"_ACK") < 2:
            received += connection.recv(65536)
    assert b"RPC_CM_LIST_NODES_ACK\0\0\0\x01" in received
    assert b"RPC_CM_CLUSTER_INFO_ACK\0\0\0\x09" in received
