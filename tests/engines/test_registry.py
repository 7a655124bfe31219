"""What is said of an engine before it is made."""

from pathlib import Path

import pytest

from dropscribe.engines import registry


def test_who_reads_other_scripts_is_said_of_the_embedded_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert registry.other_scripts("rapidocr") == "no tesseract for other scripts than Latin, Chinese, Japanese"
    assert registry.other_scripts("remote") == ""

    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert registry.other_scripts("rapidocr") == f"other scripts by {program}"
