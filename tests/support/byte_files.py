"""Small files by their bytes, for tests of what becomes of them."""


def put(path: bytes, data: bytes) -> bytes:
    with open(path, "wb") as file:
        file.write(data)
    return path


def read(path: bytes) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
