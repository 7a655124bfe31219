"""Text as the letters that two readers must agree on, each with its place in the text that it came from.

Compared are letters and digits alone: case, marks over letters, width, blanks, hyphens, punctuation and markup are how
a reader writes, not what it reads. Blanks too: one reader loses them, Chinese has none. Pure.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

TAG = re.compile(
    r"</?(?:table|thead|tbody|tr|t[dh]|caption|br|hr|p|div|span|center|h[1-6]|b|i|u|s|em|strong|su[bp]|ul|ol|li|img)"
    r"(?:\s[^<>]{0,200})?/?>"
)
NOISE = re.compile(rf"{TAG.pattern}|!?\[\]\([^()\n]{{0,300}}\)|\]\([^()\n]{{0,300}}\)|&(?:[a-z]{{2,6}}|#\d{{1,6}});")
COMMAND = re.compile(r"\\[A-Za-z]+")
# Between its delimiters, and with something that prose has not: amounts of dollars are no formulas.
FORMULA = re.compile(
    r"\\\(.{1,2000}?\\\)|\\\[.{1,2000}?\\\]|\$\$.{1,2000}?\$\$|\$(?=[^$\n]{0,300}[\\^_{])[^$\n]{1,300}\$", re.DOTALL
)
CJK = re.compile(r"[\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff]|[\U00020000-\U0003ffff]")
READ = re.compile(rf"[0-9a-zæœøđðłþħŋı]|{CJK.pattern}")  # what the embedded weights know, marks aside
# One shape, or nearly: which of them it is, a reader guesses from what stands around it.
SHAPES = str.maketrans("oil", "011")
WITHIN = frozenset(".,'’:/-–")  # between the digits of one number
CJK_WEIGHT = 3.0  # letters; a Chinese word has 1.6 characters, an English one 4.7


@dataclass(frozen=True)
class Letters:
    """The letters of a text: `at[i]` is the place of the i-th in `source`, `judged[i]` whether it can be judged."""

    source: str
    text: str
    at: tuple[int, ...]
    judged: tuple[bool, ...]

    def is_digit(self, i: int) -> bool:
        """Say whether letter *i* is a digit in the source, not a letter of its shape."""
        return self.source[self.at[i]].isdecimal()

    def together(self, i: int) -> bool:
        """Say whether letters *i* - 1 and *i* are of one word or one number."""
        number = self.is_digit(i)
        between = self.source[self.at[i - 1] + 1 : self.at[i]]
        return self.is_digit(i - 1) == number and (set(between) <= WITHIN if number else not between)

    def passage(self, start: int, end: int) -> str:
        """Return what stands in the source from letter *start* to letter *end*, whole words."""
        left, right = self.at[start], self.at[end - 1] + 1
        while left > 0 and _of_word(self.source[left - 1]) and _of_word(self.source[left]):
            left -= 1
        while right < len(self.source) and _of_word(self.source[right]) and _of_word(self.source[right - 1]):
            right += 1
        return " ".join(self.source[left:right].split())


def letters(source: str) -> Letters:
    """Return the letters of *source*."""
    formulas = [found.span() for found in FORMULA.finditer(source)]
    visible = COMMAND.sub(_blank, NOISE.sub(_blank, source))
    text: list[str] = []
    at: list[int] = []
    for place, sign in enumerate(visible):
        for letter in _folded(sign):
            text.append(letter)
            at.append(place)
    in_formula = {place for start, end in formulas for place in range(start, end)}
    judged = tuple(bool(READ.match(x)) and i not in in_formula for x, i in zip(text, at, strict=True))
    return Letters(source, "".join(text), tuple(at), judged)


def weight(text: str) -> float:
    """Return how much *text* (letters) says, in letters of a Latin text."""
    return len(text) + (CJK_WEIGHT - 1) * len(CJK.findall(text))


@lru_cache(maxsize=4096)
def _folded(sign: str) -> str:
    plain = unicodedata.normalize("NFKD", sign).casefold()
    return "".join(c for c in plain if c.isalnum()).translate(SHAPES)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _of_word(sign: str) -> bool:
    return sign.isalnum() and not CJK.match(sign)
