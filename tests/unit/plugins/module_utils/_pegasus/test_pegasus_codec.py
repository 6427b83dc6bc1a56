# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec against bytes that the genuine Go client sent and took (facts 2.5), and against everything else."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import framing, messages, schema
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import thrift_binary as tb
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Field, Gpid, ListOf, MapOf, Struct

LIST_NODES = bytes.fromhex(
    "54484654 00000000 00000030 00000000 00000029 00000000 00000000 00000000 00000580 00000000 0000000000000000"
    "80010001 00000011 5250435f434d5f4c4953545f4e4f444553 00000001 0c0001 080001 00000000 00 00"
)
ADD_DUPLICATION_BODY = bytes.fromhex(
    "80010001 00000016 5250435f434d5f4144445f4455504c49434154494f4e 00000003 0c0001 0b0001 00000004 74656d70"
    "0b0002 00000006 746172676574 00 00"
)
CLUSTER_INFO_BODY = bytes.fromhex("80010001 00000013 5250435f434d5f434c55535445525f494e464f 00000002 0c0001 00 00")
LIST_NODES_ANSWER = bytes.fromhex(
    "0000005c 00000006 4552525f4f4b 80010002 00000015 5250435f434d5f4c4953545f4e4f4445535f41434b 00000001 0c0000"
    "0c0001 00000006 4552525f4f4b 0f0002 0c 00000001 080001 00000001 0c0002 7f00000187f10001 00 00 00"
)
RPCS = {
    rpc.name: rpc for rpc in vars(messages).values() if isinstance(rpc, messages.Rpc)
}  # fmt: skip
STRUCTS = {
    item.name: item
    for rpc in RPCS.values()
    for item in (rpc.request, rpc.response)
    if isinstance(item, Struct) and item.fields
}


def encode(kind: schema.Kind, value: t.Any) -> bytes:
    out = tb.Writer()
    kind.write(out, value)
    return out.joined()


def decode(kind: schema.Kind, data: bytes) -> t.Any:
    source = tb.Reader(data)
    value = kind.read(source)
    assert source.remaining == 0
    return value


def answer(rpc: messages.Rpc, seqid: int, value: t.Any, error: str = "ERR_OK") -> bytes:
    out = tb.Writer()
    out.binary(error.encode())
    out.u32(tb.REPLY)
    out.binary(rpc.name.encode() + b"_ACK")
    out.i32(seqid)
    if error == "ERR_OK":
        out.field(rpc.response.wire, 0)
        rpc.response.write(out, value)
        out.byte(tb.STOP)
    body = out.joined()
    return (len(body) + 4).to_bytes(4, "big") + body


def outcome(call: t.Callable[[], t.Any]) -> str:
    """What became of it; any other exception goes through."""
    try:
        call()
    except framing.NotPegasus:
        return "not Pegasus"
    except MigrationError as error:
        return error.code
    return "read"


# The genuine client's bytes.


def test_list_nodes_is_sent_byte_for_byte() -> None:
    assert framing.encode_request(messages.LIST_NODES, {"status": 0}, seqid=1, timeout_ms=0x580) == LIST_NODES


def test_add_duplication_is_sent_byte_for_byte() -> None:
    fields = {"app_name": "temp", "remote_cluster_name": "target"}
    frame = framing.encode_request(messages.ADD_DUPLICATION, fields, seqid=3, timeout_ms=1)
    assert frame[16:20] == b"\0\0\0\x3f"
    assert frame[48:] == ADD_DUPLICATION_BODY


def test_cluster_info_is_sent_byte_for_byte() -> None:
    frame = framing.encode_request(messages.CLUSTER_INFO, {}, seqid=2, timeout_ms=1)
    assert frame[16:20] == b"\0\0\0\x24"
    assert frame[48:] == CLUSTER_INFO_BODY


def test_answer_to_list_nodes_is_read() -> None:
    reply = framing.decode_reply(LIST_NODES_ANSWER, {1: messages.LIST_NODES})
    assert reply == framing.Reply(
        1, "ERR_OK", {"err": "ERR_OK", "infos": [{"status": 1, "address": "127.0.0.1:34801"}]}
    )
    assert reply is not None
    assert answer(messages.LIST_NODES, 1, reply.value) == LIST_NODES_ANSWER


def test_header_of_a_partition() -> None:
    fields = {"key": b"", "increment": 0, "expire_ts_seconds": 1}
    frame = framing.encode_request(messages.INCR, fields, seqid=1, timeout_ms=0, gpid=Gpid(2, 5))
    assert frame[24:32] == b"\0\0\0\x02\0\0\0\x05"
    assert frame[32:36] == b"\0\0\0\x01", "a timeout of 0 could be dropped unanswered"
    assert frame[36:40] == (2 * 7919 + 5).to_bytes(4, "big")
    assert frame[40:48] == bytes(8)


def test_header_of_a_key() -> None:
    fields = {"key": b"", "increment": 0, "expire_ts_seconds": 1}
    highest = 0xAE8B14860A799888
    frame = framing.encode_request(messages.INCR, fields, seqid=1, timeout_ms=1, partition_hash=highest)
    assert frame[40:48] == highest.to_bytes(8, "big")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("10.0.0.1:34801", "10.0.0.1:34801"),
        ("replica-1:34801", ""),
        ("[::1]:34801", ""),
        ("10.0.0.1", ""),
        ("10.0.0.1:70000", ""),
        ("", ""),
    ],
)
def test_only_a_literal_address_can_be_told(address: str, told: str) -> None:
    assert schema.literal_address(address) == told


# Types that are no structs although they are announced as such.


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        (schema.GPID, Gpid(2, 1), "0000000100000002"),
        (schema.GPID, Gpid(-1, 0), "00000000ffffffff"),
        (schema.ADDRESS, "10.1.2.3:34601", "0a01020387290001"),
        (schema.ADDRESS, "", "0000000000000000"),
        (schema.HOST_PORT, "meta-0:34601", "00000006 6d6574612d30 8729 01"),
        (schema.HOST_PORT, "", "00000000 0000 00"),
        (schema.BLOB, b"\0\xff", "00000002 00ff"),
        (schema.ERROR_CODE, "ERR_BUSY", "00000008 4552525f42555359"),
        (schema.BOOL, True, "01"),
    ],
)
def test_placeholder(kind: schema.Kind, value: t.Any, data: str) -> None:
    assert encode(kind, value) == bytes.fromhex(data)
    assert decode(kind, bytes.fromhex(data)) == value


def values(kind: schema.Kind) -> st.SearchStrategy[t.Any]:
    """Anything that a type can hold."""
    if isinstance(kind, Struct):
        optional = {field.name: values(field.kind) for field in kind.fields}
        return st.fixed_dictionaries({}, optional=optional)
    if isinstance(kind, ListOf):
        return st.lists(values(kind.element), max_size=3)
    if isinstance(kind, MapOf):
        return st.dictionaries(values(kind.key), values(kind.value), max_size=3)
    ports = st.integers(0, 65535)
    hosts = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True)
    plain: t.Dict[schema.Kind, st.SearchStrategy[t.Any]] = {
        schema.BOOL: st.booleans(),
        schema.I32: st.integers(-(2**31), 2**31 - 1),
        schema.I64: st.integers(-(2**63), 2**63 - 1),
        schema.TEXT: st.text(),
        schema.ERROR_CODE: st.text(),
        schema.BLOB: st.binary(),
        schema.GPID: st.builds(Gpid, st.integers(-1, 2**31 - 1), st.integers(-1, 2**31 - 1)),
        schema.ADDRESS: st.one_of(st.just(""), st.builds("{}:{}".format, st.ip_addresses(v=4).map(str), ports)),
        schema.HOST_PORT: st.one_of(st.just(""), st.builds("{}:{}".format, hosts, ports)),
    }
    return plain[kind]


@given(data=st.data())
def test_messages_come_back_as_they_were(data: st.DataObject) -> None:
    message = STRUCTS[data.draw(st.sampled_from(sorted(STRUCTS)))]
    value = data.draw(values(message))
    assert decode(message, encode(message, value)) == value


def full(kind: schema.Kind) -> t.Any:
    """A value in which nothing is left out or empty."""
    if isinstance(kind, Struct):
        return {field.name: full(field.kind) for field in kind.fields}
    if isinstance(kind, ListOf):
        return [full(kind.element)] * 2
    if isinstance(kind, MapOf):
        return {full(kind.key): full(kind.value)}
    plain: t.Dict[schema.Kind, t.Any] = {
        schema.BOOL: True,
        schema.I32: 7,
        schema.I64: 2**40,
        schema.TEXT: "text",
        schema.ERROR_CODE: "ERR_OK",
        schema.BLOB: b"blob",
        schema.GPID: Gpid(3, 4),
        schema.ADDRESS: "10.0.0.1:34801",
        schema.HOST_PORT: "node-1:34801",
    }
    return plain[kind]


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_every_field_of_every_message_comes_back(name: str) -> None:
    value = full(STRUCTS[name])
    assert decode(STRUCTS[name], encode(STRUCTS[name], value)) == value


# What is cut off or no message at all.


@given(data=st.data())
def test_truncated_answers_are_refused(data: st.DataObject) -> None:
    """The length is put right, so that the frame is whole and its content ends early."""
    rpc = RPCS[data.draw(st.sampled_from(sorted(RPCS)))]
    whole = answer(rpc, 1, data.draw(values(rpc.response)))
    end = data.draw(st.integers(4, len(whole) - 1))
    cut = end.to_bytes(4, "big") + whole[4:end]
    with pytest.raises((MigrationError, framing.NotPegasus)) as caught:
        framing.decode_reply(cut, {1: rpc})
    if isinstance(caught.value, MigrationError):
        assert caught.value.code == "pegasus.decode"


@given(data=st.data())
def test_damaged_answers_never_end_in_a_crash(data: st.DataObject) -> None:
    """One byte is another one: it may be read as other data, or is refused, and nothing else."""
    rpc = RPCS[data.draw(st.sampled_from(sorted(RPCS)))]
    whole = bytearray(answer(rpc, 1, data.draw(values(rpc.response))))
    whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(lambda: framing.decode_reply(bytes(whole), {1: rpc})) in ("read", "not Pegasus", "pegasus.decode")


@given(st.binary(max_size=200), st.sampled_from(sorted(RPCS)))
def test_garbage_is_refused(garbage: bytes, name: str) -> None:
    frame = (len(garbage) + 4).to_bytes(4, "big") + garbage
    with pytest.raises((MigrationError, framing.NotPegasus)):
        framing.decode_reply(frame, {1: RPCS[name]})


@given(st.binary(max_size=60))
def test_garbage_in_the_result_is_refused_or_skipped(garbage: bytes) -> None:
    source = tb.Reader(garbage)
    assert outcome(lambda: messages.LIST_APPS.response.read(source)) in ("read", "pegasus.decode")


@pytest.mark.parametrize(
    "greeting",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"\x4a\x00\x00\x00\x0a8.0.36\x00",
        b"-ERR unknown command\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x00\x00\x00\x10garbage",
    ],
)
def test_other_protocols_are_told_apart_by_their_first_bytes(greeting: bytes) -> None:
    with pytest.raises(framing.NotPegasus):
        framing.check_length(greeting)


def test_huge_announcements_take_no_memory() -> None:
    data = encode(messages.LIST_NODES.response, {"err": "ERR_OK"})[:-1] + bytes.fromhex("0f0002 0c 7fffffff")
    with pytest.raises(MigrationError, match="announces 2147483647 elements"):
        messages.LIST_NODES.response.read(tb.Reader(data))


def test_an_answer_to_another_request_is_none() -> None:
    assert framing.decode_reply(LIST_NODES_ANSWER, {2: messages.LIST_NODES}) is None


def test_an_answer_under_the_wrong_name_is_refused() -> None:
    with pytest.raises(MigrationError, match="RPC_CM_LIST_NODES_ACK"):
        framing.decode_reply(LIST_NODES_ANSWER, {1: messages.LIST_APPS})


def test_a_header_error_has_no_value() -> None:
    frame = answer(messages.LIST_NODES, 7, None, "ERR_HANDLER_NOT_FOUND")
    reply = framing.decode_reply(frame, {7: messages.LIST_NODES})
    assert reply == framing.Reply(7, "ERR_HANDLER_NOT_FOUND")
    assert reply is not None
    assert reply.err == "ERR_HANDLER_NOT_FOUND"


# Fields of versions that are not known here.

KNOWN = Struct("known", Field(1, "number", schema.I32))


def newer(kind: schema.Kind) -> Struct:
    return Struct("known", Field(1, "number", schema.I32), Field(42, "extra", kind))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (schema.BOOL, True),
        (schema.I32, -1),
        (schema.I64, 2**40),
        (schema.TEXT, "text"),
        (ListOf(schema.TEXT), ["a", "b"]),
        (ListOf(ListOf(schema.I64)), [[1], [2, 3]]),
        (MapOf(schema.TEXT, schema.I32), {"a": 1}),
        (MapOf(schema.TEXT, ListOf(schema.I32)), {"a": [1, 2]}),
    ],
)
def test_unknown_plain_fields_are_skipped(kind: schema.Kind, value: t.Any) -> None:
    data = encode(newer(kind), {"extra": value, "number": 5})
    assert decode(KNOWN, data) == {"number": 5}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (schema.ADDRESS, "10.0.0.1:1"),
        (KNOWN, {"number": 1}),
        (ListOf(schema.HOST_PORT), ["a:1"]),
        (ListOf(KNOWN), []),
        (ListOf(ListOf(KNOWN)), [[{}]]),
        (MapOf(schema.I32, KNOWN), {1: {}}),
        (MapOf(schema.GPID, schema.I32), {Gpid(1, 1): 1}),
    ],
)
def test_unknown_struct_fields_stop_the_decoder(kind: schema.Kind, value: t.Any) -> None:
    data = encode(newer(kind), {"number": 5, "extra": value})
    with pytest.raises(MigrationError, match="field 42 of known is unknown and of type STRUCT") as caught:
        decode(KNOWN, data)
    assert caught.value.code == "pegasus.decode"


def test_a_known_field_of_another_type_stops_the_decoder() -> None:
    data = encode(Struct("known", Field(1, "number", schema.TEXT)), {"number": "5"})
    with pytest.raises(MigrationError, match=r"field 1 \(number\) of known has the type STRING instead of I32"):
        decode(KNOWN, data)


@pytest.mark.parametrize("kind", [ListOf(schema.I32), MapOf(schema.I32, schema.I32)])
def test_a_container_of_another_type_stops_the_decoder(kind: schema.Kind) -> None:
    other = ListOf(schema.TEXT) if isinstance(kind, ListOf) else MapOf(schema.TEXT, schema.TEXT)
    value: t.Any = ["a"] if isinstance(kind, ListOf) else {"abc": "b"}
    with pytest.raises(MigrationError, match="holds STRING"):
        decode(kind, encode(other, value))


def test_deep_nesting_is_refused() -> None:
    data = bytes.fromhex("0f0009") + bytes.fromhex("0f00000001") * 5000
    with pytest.raises(MigrationError, match="nested too deep"):
        KNOWN.read(tb.Reader(data))


def test_a_field_that_does_not_exist_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="known has no field other"):
        encode(KNOWN, {"other": 1})


def test_a_number_that_does_not_fit_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="does not fit 32 bits"):
        encode(KNOWN, {"number": 2**31})
