"""A server of the OpenAI API that answers each page after a fixed time: for measuring a client."""

import asyncio
import json
import sys

WORDS = [f"word{number} " for number in range(100)]


def event(text: str | None, finish: str | None) -> bytes:
    """Return one event of a stream, as a chunk."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    data = b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Answer one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0]) if "content-length:" in head else 0
    body = await reader.readexactly(length)
    if head.startswith("get"):
        data = json.dumps({"data": [{"id": "delayed", "owned_by": "bench"}]}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
    else:
        tiny = b'"max_tokens": 1,' in body or b'"max_tokens": 1}' in body
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        begun = asyncio.get_running_loop().time()
        for number, word in enumerate(WORDS[: 1 if tiny else None]):
            due = begun + number * delay / len(WORDS)  # from the beginning: sleeps that are late do not add up
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            writer.write(event(word, None))
            await writer.drain()
        writer.write(event("", "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()
    writer.close()


async def main() -> None:
    """Serve with a delay of so many seconds, the first argument, until killed."""
    delay = float(sys.argv[1])
    server = await asyncio.start_server(lambda r, w: serve(r, w, delay), "127.0.0.1", 0, limit=1 << 25)
    print("listening", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
