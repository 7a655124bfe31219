"""Cuts and garbage on a real connection: never a text that is not whole, never a wait without end."""

import random
from itertools import pairwise

from dropscribe.engines.remote.failures import Failed
from dropscribe.engines.remote.probe import probe, try_page
from dropscribe.engines.remote.transport import Exchange, Transport
from support.remote_pages import settings
from support.scripted_http import DONE, Answer, ScriptedServer, event, reset, streamed

WORDS = ["<|ref|>", "title", "<|/ref|>", "Über", " 发票", " 7", "."]
WHOLE = b"".join([*map(event, WORDS), event(finish="stop"), DONE])
FINISHED = WHOLE.index(event(finish="stop")) + len(event(finish="stop")) - 1  # what matters has come by then


def damaged(chance: random.Random) -> tuple[Answer, bool]:
    """Return an answer that is cut somewhere, in some way, and whether its text may still be taken for whole."""
    length = chance.randrange(len(WHOLE))
    places = sorted({0, length, *(chance.randrange(length + 1) for _ in range(4))})
    pieces = [WHOLE[a:b] for a, b in pairwise(places) if a < b]
    way = chance.choice(["cut", "ended", "reset", "garbage"])
    if way == "garbage":
        return streamed(*pieces, b"\n\ndata: " + chance.randbytes(30) + b"\n\n"), length >= len(WHOLE) - 2
    answer = reset(*pieces) if way == "reset" else streamed(*pieces, whole=way == "ended")
    return answer, length >= FINISHED


def test_a_damaged_stream_gives_all_of_the_text_or_none() -> None:
    chance = random.Random(20261126)
    cases = [damaged(chance) for _ in range(60)]
    with ScriptedServer(*(answer for answer, _ in cases)) as server:
        transport, remote = Transport(server.url, None, None), settings(server.url).engine.remote
        told = probe(transport, None)
        for number, (_, may_be_whole) in enumerate(cases):
            try:
                text = try_page(Exchange(transport), told, remote, "Read.", 5.0, tokens=50).reply.text
            except Failed:
                continue
            assert may_be_whole and text == "".join(WORDS), number
