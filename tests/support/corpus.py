"""The corpora of real pictures beside the checkout, where there are any."""

import json
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"


def corpus_entries(**wanted: str) -> list[dict[str, Any]]:
    """Return the entries of the corpora's index with these values; none where the corpora are not there."""
    index = CORPORA / "index.jsonl"
    if not index.is_file():
        return []
    entries = [json.loads(line) for line in index.read_text("utf-8").splitlines()]
    return [e for e in entries if all(e.get(k) == v for k, v in wanted.items()) and (CORPORA / e["path"]).is_file()]
