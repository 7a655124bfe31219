"""Which prompts ask for a page's text."""

import pytest

from dropscribe.engines.crosscheck.prompts import asks_for_text


@pytest.mark.parametrize(
    "prompt",
    ["markdown", "text", "Free OCR.", "OCR this image.", "<|grounding|>OCR this image.", "Text Recognition:",
     "document parsing.", "Transcribe the page.", "Convert this page to docling."],
)  # fmt: skip
def test_these_do(prompt: str) -> None:
    assert asks_for_text(prompt)


@pytest.mark.parametrize(
    "prompt",
    ["figure", "describe", "Translate the text into English.", "Summarise this.", "What is the total?",
     "Locate <|ref|>the total<|/ref|> in the text.", "Count the numbers.", "Recite the poem.",
     "Only the first text line."],
)  # fmt: skip
def test_these_do_not(prompt: str) -> None:
    assert not asks_for_text(prompt)
