"""A page as two overlapping halves."""

import pytest
from PIL import Image

from dropscribe.core.pages import Block
from dropscribe.engines.vlm.halves import cut, joined, seamless
from dropscribe.engines.vlm.parsers.values import Parsed


@pytest.mark.parametrize(
    ("size", "sizes", "corner"),
    [((600, 1000), ((600, 550), (600, 550)), (0, 450)), ((2000, 1000), ((1100, 1000), (1100, 1000)), (900, 0))],
    ids=["one above the other", "left and right of a spread"],
)
def test_halves_overlap_and_cover_the_page(size: tuple[int, int], sizes: object, corner: tuple[int, int]) -> None:
    """A tenth of the page is in both."""
    (first, *at), (second, left, top) = cut(Image.new("RGB", size))

    assert (first.size, second.size) == sizes
    assert (at, (left, top)) == ([0, 0], corner)


def test_lines_read_twice_are_kept_once() -> None:
    """Lines cut through by the edge go too."""
    above = "one\ntwo\nthree and a half\nfour lines here\nf0ur and a b1t"
    below = "tw0 cut\nthree and a half\nfour lines here\nfive\nsix"

    assert seamless(above, below) == "one\ntwo\nthree and a half\nfour lines here\nfive\nsix"


def test_halves_with_nothing_in_common_are_both_kept_whole() -> None:
    """No guess without evidence."""
    assert seamless("one\ntwo", "three\nfour") == "one\ntwo\nthree\nfour"
    assert seamless("", "three") == "three"


def test_blocks_of_the_second_half_move_to_their_place() -> None:
    """Boxes are in pixels of the whole page; a block that both halves hold whole is kept once."""
    shared = Block("text", "in the overlap", (0, 460, 100, 480))
    first = Parsed("a\nin the overlap", "a\nin the overlap", (Block("text", "a", (0, 0, 9, 9)), shared), True, 0)
    second = Parsed("in the overlap\nb", "in the overlap\nb", (Block("text", "in the overlap", (0, 10, 100, 30)),
                    Block("text", "b", (5, 50, 9, 60))), True, 1)  # fmt: skip
    both = joined(first, second, 0, 450)

    assert [block.text for block in both.blocks] == ["a", "in the overlap", "b"]
    assert both.blocks[-1].box == (5, 500, 9, 510)
    assert both.text == "a\nin the overlap\nb"
    assert both.figures == 1
