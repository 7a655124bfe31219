"""Messages arrive whole and in order however the stream is cut, and nothing else is taken for one."""

import os
import socket
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.core.framing import HEADER, LONGEST, BrokenStream, Inbound, pack, receive


class Note(msgspec.Struct, tag=True):
    """A message of any values."""

    values: dict[str, Any] = {}
    path: bytes = b""


class Bye(msgspec.Struct, tag=True):
    """A message of none."""


Kind = Note | Bye
NUMBERS = st.integers(-(2**63), 2**64 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NOTES = st.builds(Note, st.dictionaries(st.text(), VALUES, max_size=4), st.binary())
MESSAGES = st.lists(NOTES | st.builds(Bye), max_size=5)


def framed(body: bytes) -> bytes:
    """Return *body* behind its length."""
    return HEADER.pack(len(body)) + body


@given(MESSAGES, st.lists(st.integers(0, 400), max_size=6))
def test_messages_survive_any_cutting(messages: list[Kind], cuts: list[int]) -> None:
    stream, inbound = b"".join(pack(m) for m in messages), Inbound[Kind](Kind)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    got = [m for a, b in pairwise(edges) for m in inbound.feed(stream[a:b])]

    assert got == messages


def test_undecodable_names_and_line_ends_arrive_as_they_were() -> None:
    name = b"\xff\n\0\xc3.png"

    (message,) = Inbound[Note](Note).feed(pack(Note(path=name)))

    assert message.path == name and os.fsencode(os.fsdecode(message.path)) == name


def test_an_empty_feed_and_half_a_header_give_nothing() -> None:
    inbound, data = Inbound[Kind](Kind), pack(Bye())

    assert list(inbound.feed(b"")) == []
    assert list(inbound.feed(data[:2])) == []
    assert list(inbound.feed(data[2:])) == [Bye()]


@pytest.mark.parametrize(
    "body",
    [
        *(msgspec.msgpack.encode(values) for values in ([], 1, None, "type", {}, {"values": {}}, {"type": 5})),
        b"",
        b"\x81",  # a mapping with nothing in it
        b"\xc1",  # a byte that MessagePack never uses
        b"\x81\xa4type\xa1\xff",  # text that is no UTF-8
        msgspec.msgpack.encode(Bye()) * 2,
        b'{"type":"Bye"}',
    ],
)
def test_what_is_no_message_breaks_the_stream(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        list(Inbound[Kind](Kind).feed(framed(body)))


def test_what_is_nested_without_end_breaks_the_stream() -> None:
    deep = b"\x82\xa4type\xa4Note\xa6values\x81\xa1x" + b"\x91" * 100_000

    with pytest.raises(BrokenStream):
        list(Inbound[Kind](Kind).feed(framed(deep)))


def test_messages_before_a_broken_one_still_arrive() -> None:
    got, inbound = list[Kind](), Inbound[Kind](Kind)

    with pytest.raises(BrokenStream):
        for message in inbound.feed(pack(Note({"n": 1})) + framed(b"\xc1") + pack(Bye())):
            got.append(message)

    assert got == [Note({"n": 1})]


def test_a_stream_out_of_step_is_noticed_at_the_header_without_waiting_for_more() -> None:
    with pytest.raises(BrokenStream, match=str(LONGEST + 1)):
        list(Inbound[Kind](Kind).feed(HEADER.pack(LONGEST + 1)))
    with pytest.raises(BrokenStream):
        list(Inbound[Kind](Kind).feed(b"Traceback (most recent call last):"))


def test_a_long_message_crosses_a_socket_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(True)
        wanted = Note({"text": "ä" * 150_000})
        data, inbound, got = pack(wanted), Inbound[Kind](Kind), list[Kind]()
        while not got:
            if data:
                data = data[theirs.send(data[:50_000]) :]
            part = receive(ours, inbound)
            assert part is not None
            got += part

        assert got == [wanted]


def test_the_end_of_the_stream_is_none_and_an_idle_one_is_empty() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        inbound = Inbound[Kind](Kind)
        assert receive(ours, inbound) == []

        theirs.sendall(pack(Bye()) + pack(Note({"half": 1}))[:-1])
        theirs.close()

        assert receive(ours, inbound) == [Bye()]
        assert receive(ours, inbound) is None


def test_the_body_is_message_pack_behind_its_length() -> None:
    data = pack(Note({"a": "ä"}))

    assert HEADER.unpack(data[:4])[0] == len(data) - 4
    assert msgspec.msgpack.decode(data[4:]) == {"type": "Note", "values": {"a": "ä"}, "path": b""}
