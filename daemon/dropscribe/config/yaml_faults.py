"""What is wrong with a file that is no YAML, in a sentence: the parser's own words are about itself. Pure."""

import re

import yaml

_END = "stream end|end of stream"
# What the parser says, and what a person can do something with; the first that fits holds.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"(.+ is there twice)", r"\1"),
    (r"found character '\\t'", "it begins with a tab; indent with blanks"),
    (r"mapping values are not allowed", "a colon where none may be; check the indentation, or put the text in quotes"),
    (r"could not find expected ':'", "a colon is missing behind the name of the setting"),
    (r"expected <block end>", "it does not fit the lines above it; check the indentation"),
    (r"undefined alias|alphabetic or numeric", "a text that begins with * or & must be in quotes"),
    (r"constructor for the tag", "a text that begins with ! must be in quotes"),
)


def sentence(error: Exception) -> str:
    """Return what *error*, raised while a file was parsed, says of the file."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return _marked(error, error.problem_mark)
    if isinstance(error, yaml.reader.ReaderError):
        return f"is not valid YAML: it has a character that is no text (#x{error.character:02x})"
    if isinstance(error, UnicodeDecodeError):
        return "is not valid YAML: it is not text in UTF-8"
    if isinstance(error, RecursionError):
        return "is not valid YAML: it is nested too deep"
    return "is not valid YAML: " + " ".join(str(error).split())


def _marked(error: yaml.MarkedYAMLError, mark: yaml.Mark) -> str:
    """Return what is wrong in the line that the parser names, or in the one where the part in question begins."""
    line, problem = mark.line + 1, error.problem or ""
    context = error.context_mark
    begun = context.line + 1 if context is not None and context.index < mark.index else None
    if re.search(_END, problem):
        where = f"line {begun}: what is opened there" if begun else f"line {line}: a bracket or quotation mark above"
        return f"is not valid YAML: {where} is not closed before the end of the file"
    if "expected ':'" in problem and begun:
        line = begun  # it looks for the colon in the next line too
    found = ((re.search(said, problem), words) for said, words in _WORDS)
    told = next((match.expand(words) for match, words in found if match), " ".join(problem.split()))
    return f"is not valid YAML: line {line}: {told}"
