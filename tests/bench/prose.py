"""Running text for made-up pages: sentences, headings, names; English from Python's own manual, Chinese, Japanese."""

import random
import re
from functools import cache
from pydoc_data.topics import topics

from sheets import listed

PLAIN = re.compile(r"[A-Za-z ,.;:()'-]+")

# From "Peach Blossom Spring" (Tao Yuanming, 421) and "I Am a Cat" (Natsume Soseki, 1905).
CHINESE = (
    "晉太元中，武陵人捕魚為業。緣溪行，忘路之遠近。忽逢桃花林，夾岸數百步，中無雜樹，芳草鮮美，落英繽紛。漁人甚異之，復前行，欲窮其林。"
    "林盡水源，便得一山，山有小口，彷彿若有光。便捨船，從口入。初極狹，才通人。復行數十步，豁然開朗。土地平曠，屋舍儼然，有良田、美池、桑竹之屬。"
    "阡陌交通，雞犬相聞。其中往來種作，男女衣著，悉如外人。黃髮垂髫，並怡然自樂。見漁人，乃大驚，問所從來。具答之。便要還家，設酒殺雞作食。"
)
JAPANESE = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。"
    "吾輩はここで始めて人間というものを見た。しかもあとで聞くとそれは書生という人間中で一番獰悪な種族であったそうだ。"
    "この書生というのは時々我々を捕えて煮て食うという話である。しかしその当時は何という考もなかったから別段恐しいとも思わなかった。"
    "ただ彼の掌に載せられてスーと持ち上げられた時何だかフワフワした感じがあったばかりである。"
)
NAMES = listed(
    "Abel, Brook, Carter, Dunn, Evans, Foster, Grant, Hayes, Irwin, Jonas, Keller, Lane, Moss, Nolan, Owens, "
    "Price, Quinn, Reed"
)
FIRST = listed(
    "Anna, Bob, Carl, Dora, Emil, Fay, Gus, Hana, Ivan, Jill, Karl, Lena, Max, Nora, Otto, Pia, Rolf, Sara, Tom, Uma"
)
TOWNS = listed("Ashford, Bedale, Colby, Denton, Epping, Frome, Goole, Hythe, Ilkley, Kelso, Leek, Malton")
STREETS = listed("Mill Lane, Oak Road, Park Row, High Street, Station Road, Church Walk, Garden Street, River Road")
GOODS = listed(
    "bolt, hinge, bracket, cable, socket, switch, valve, pump, filter, hose, lamp, motor, belt, bearing, spring"
)
DISHES = listed(
    "Onion soup, Green salad with walnuts, Roast chicken, Grilled trout, Lamb stew, Potato cakes, Apple pie, "
    "Lemon tart, Rice pudding, Mushroom risotto, Fish pie, Bread and butter, Pickled beetroot, Plum crumble, "
    "Cheese board"
)


@cache
def sentences() -> tuple[str, ...]:
    """Return the sentences of the manual that hold nothing but words, in its order."""
    paragraphs = [p for topic in topics.values() for p in topic.split("\n\n") if not re.search(r"^[ *\[-]|\n ", p)]
    flat = [" ".join(p.split()) for p in paragraphs]
    found = [s for p in flat if p.endswith(".") for s in re.split(r"(?<=[a-z]\.) (?=[A-Z])", p)]
    return tuple(s for s in found if PLAIN.fullmatch(s) and s[0].isupper() and s[-1] == "." and 5 < len(s.split()) < 46)


def paragraph(rng: random.Random, words: int) -> str:
    """Return sentences that follow each other in the manual, about *words* words in all."""
    start, taken = rng.randrange(len(sentences()) - 60), list[str]()
    while sum(len(s.split()) for s in taken) < words:
        taken.append(sentences()[start + len(taken)])
    return " ".join(taken)


def heading(rng: random.Random, words: int) -> str:
    """Return the first *words* words of a sentence, as a heading has them."""
    return " ".join(rng.choice(sentences()).split()[:words]).rstrip(".,;:").capitalize()


def person(rng: random.Random) -> str:
    """Return a first and a family name."""
    return f"{rng.choice(FIRST)} {rng.choice(NAMES)}"


def address(rng: random.Random) -> list[str]:
    """Return two lines: street, town."""
    return [f"{rng.randint(1, 99)} {rng.choice(STREETS)}", f"{rng.choice(TOWNS)} {rng.randint(10000, 99999)}"]


def clause(rng: random.Random, text: str, characters: int) -> str:
    """Return about *characters* characters of *text*, from the beginning of a sentence to the end of one."""
    parts = re.findall(r"[^。]+。", text)
    start, result = rng.randrange(len(parts)), ""
    while len(result) < characters:
        result += parts[start % len(parts)]
        start += 1
    return result
