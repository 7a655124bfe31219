"""What `dropscribe read` reads and where its texts go: files, folders, standard input; terminal, folder, or beside."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dropscribe.core import file_types
from dropscribe.core.errors import UsageError
from dropscribe.core.job import printable
from dropscribe.files import durable, regular, rights
from dropscribe.files.naming import numbered, shortened
from dropscribe.formats.registry import SUFFIXES
from dropscribe.intake import ignore

STANDARD_INPUT = "standard input"
BESIDE = ""  # as a folder: each text beside its file
BINARY = ("pdf",)
TITLED = ("txt", "md")  # of several files each has a line with its name above it
ALONE = ("hocr", "alto", "pdf")  # one behind another they are no file of their kind


@dataclass(frozen=True)
class Target:
    """A file to read: its path, its name as it was given, and its folder below the one that was given."""

    path: str
    name: str
    folder: str = ""


def targets(names: Sequence[str], private: str, patterns: Sequence[str]) -> Iterator[Target]:
    """Yield what *names* mean; what comes on standard input is kept in the folder *private* meanwhile."""
    for name in names:
        if name == "-":
            yield Target(_standard_input(private), STANDARD_INPUT)
        elif os.path.isdir(name):
            yield from _below(name, patterns)
        else:
            yield Target(os.path.abspath(name), name)


def _below(folder: str, patterns: Sequence[str]) -> Iterator[Target]:
    """Yield the pictures and PDFs below *folder*, as the intake would take them; raise `UsageError` for none.

    Links are left alone, as there; one that is named itself is read.
    """
    found = False
    for place, folders, files in os.walk(os.fsencode(folder)):
        folders[:] = sorted(name for name in folders if ignore.wanted_folder(name))
        inside = os.path.relpath(place, os.fsencode(folder))
        for name in sorted(files):
            path = os.path.normpath(os.path.join(inside, name))
            whole = os.fsdecode(os.path.join(place, name))
            if file_types.wanted_name(name) and not ignore.ignored(path, patterns) and not os.path.islink(whole):
                found = True
                yield Target(os.path.abspath(whole), whole, os.path.dirname(os.fsdecode(path)))
    if not found:
        raise UsageError("read", f"there is no picture and no PDF in {folder}", "name another folder, or the files")


def _standard_input(folder: str) -> str:
    path = os.path.join(folder, STANDARD_INPUT)
    with open(path, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def check_output(form: str, output: str | None, names: Sequence[str]) -> None:
    """Raise `UsageError` for texts that have no place to go."""
    if output is None and form in BINARY and sys.stdout.isatty():
        raise UsageError("read", f"a terminal cannot show {form}", "write it into a folder: -o FOLDER")
    if output == BESIDE and "-" in names:
        raise UsageError("read", "standard input lies beside nothing", "name a folder: -o FOLDER")
    if output and not os.path.isdir(there := _nearest(output)):
        what = f"texts are written into a folder, and {there} is a file"
        raise UsageError("read", what, "name a folder: -o FOLDER, or -o alone: beside each file")


def _nearest(path: str) -> str:
    """Return *path*, or what is there of the folders above it."""
    path = os.path.abspath(path)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def has_titles(form: str, output: str | None, count: int) -> bool:
    """Say whether the texts of *count* files have titles; raise `UsageError` where they cannot be printed in a row."""
    several = output is None and count > 1
    if several and form in ALONE:
        what = f"{count} files in {form} cannot be printed one behind another"
        raise UsageError("read", what, "write them into a folder: -o FOLDER")
    return several and form in TITLED


def title(target: Target, *, first: bool) -> str:
    """Return the line above a text, as head(1) and tail(1) have it."""
    return f"{'' if first else chr(10)}==> {printable(os.fsencode(target.name))} <==\n"


def put(target: Target, files: Mapping[str, str], form: str, output: str | None, title: str = "") -> None:
    """Print the text below *title*, or copy every file of an answer (by suffix) into *output* and print their paths."""
    if output is None:
        sys.stdout.buffer.write(title.encode())
        with open(files[SUFFIXES[form]], "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    folder = os.path.dirname(target.path) if output == BESIDE else os.path.join(output, target.folder)
    durable.make_folder(os.path.abspath(os.fsencode(folder)))
    for path in _copied(os.fsencode(os.path.abspath(folder)), target, files):
        print(printable(path), flush=True)


def _copy(source: int, path: bytes, picture: str) -> None:
    """Copy the open file *source* to the new file at *path*, with the rights that a text of *picture* has there."""
    around = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        durable.copy(source, os.path.basename(path), around, rights.for_new(around, os.stat(picture)))
    finally:
        os.close(around)


def _stem(target: Target) -> bytes:
    return shortened(os.path.splitext(os.path.basename(os.fsencode(target.path)))[0])


def _copied(folder: bytes, target: Target, files: Mapping[str, str]) -> list[bytes]:
    """Copy *files* of *target* into *folder* under one free stem, over nothing; return where they are."""
    for name in numbered(_stem(target)):
        paths = {suffix: os.path.join(folder, name + os.fsencode(suffix)) for suffix in files}
        if any(os.path.lexists(path) for path in paths.values()):
            continue
        try:
            for suffix, path in paths.items():
                with regular.opened(os.fsencode(files[suffix])) as source:
                    _copy(source, path, target.path)
        except FileExistsError:
            continue  # somebody was quicker
        return list(paths.values())
    raise AssertionError("numbers do not end")
