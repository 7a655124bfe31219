"""Who may look: whoever opened the address that `dropscribe web` gave out. Secrets only; the gate is in `safety`."""

import hmac
import secrets

BYTES = 32


class Session:
    """One cookie for the life of the process, and the tokens that are exchanged for it."""

    def __init__(self) -> None:
        self._cookie = secrets.token_urlsafe(BYTES)
        self._lasting = secrets.token_urlsafe(BYTES)
        self._once: set[str] = set()

    @property
    def cookie(self) -> str:
        """The value of the cookie that lets a browser in."""
        return self._cookie

    @property
    def token(self) -> str:
        """The token for the terminal, from which it may be copied more than once."""
        return self._lasting

    def single_use_token(self) -> str:
        """Return a token that is good once: it is given to another program, whose arguments everybody may list."""
        token = secrets.token_urlsafe(BYTES)
        self._once.add(token)
        return token

    def admits(self, token: str) -> bool:
        """Say whether *token* may be exchanged for the cookie; a single-use one is used up by that."""
        if _same(token, self._lasting):
            return True
        known = next((one for one in self._once if _same(token, one)), None)
        self._once.discard(known or "")
        return known is not None

    def knows(self, cookie: str) -> bool:
        """Say whether *cookie* is ours."""
        return _same(cookie, self._cookie)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
