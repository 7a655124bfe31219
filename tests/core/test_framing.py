"""Messages arrive whole and in order however the stream is cut, and nothing else is taken for one."""

import json
import os
import socket
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.core.framing import HEADER, LONGEST, BrokenStream, Inbound, Message, pack, receive

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5)


@given(MESSAGES, st.lists(st.integers(0, 400), max_size=6))
def test_messages_survive_any_cutting(messages: list[Message], cuts: list[int]) -> None:
    stream, inbound = b"".join(pack(m) for m in messages), Inbound()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    got = [m for a, b in pairwise(edges) for m in inbound.feed(stream[a:b])]

    assert got == messages


def test_undecodable_names_and_line_ends_arrive_as_they_were() -> None:
    name = os.fsdecode(b"\xff\n\0\xc3.png")

    (message,) = Inbound().feed(pack({"path": name}))

    assert os.fsencode(message["path"]) == b"\xff\n\0\xc3.png"


def test_an_empty_feed_and_half_a_header_give_nothing() -> None:
    inbound = Inbound()

    assert list(inbound.feed(b"")) == []
    assert list(inbound.feed(b"\0\0")) == []
    assert list(inbound.feed(b"\0\2{}")) == [{}]


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"kind"', b"", b"{", b"\xff\xfe", b"{} {}"])
def test_what_is_no_mapping_breaks_the_stream(body: bytes) -> None:
    with pytest.raises(BrokenStream):
        list(Inbound().feed(HEADER.pack(len(body)) + body))


def test_a_stream_out_of_step_is_noticed_at_the_header_without_waiting_for_more() -> None:
    with pytest.raises(BrokenStream, match=str(LONGEST + 1)):
        list(Inbound().feed(HEADER.pack(LONGEST + 1)))
    with pytest.raises(BrokenStream):
        list(Inbound().feed(b"Traceback (most recent call last):"))


def test_a_long_message_crosses_a_socket_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(True)
        wanted = {"text": "ä" * 150_000}
        data, inbound, got = pack(wanted), Inbound(), list[Message]()
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
        inbound = Inbound()
        assert receive(ours, inbound) == []

        theirs.sendall(pack({"kind": "bye"}) + pack({"kind": "half"})[:-1])
        theirs.close()

        assert receive(ours, inbound) == [{"kind": "bye"}]
        assert receive(ours, inbound) is None


def test_the_body_is_ascii_json_behind_its_length() -> None:
    data = pack({"kind": "ä"})

    assert HEADER.unpack(data[:4])[0] == len(data) - 4
    assert json.loads(data[4:].decode("ascii")) == {"kind": "ä"}
