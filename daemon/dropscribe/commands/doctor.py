"""`dropscribe doctor`: the checklist, as text or JSON; `doctor memory`: how much memory there is and who uses it."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict

from dropscribe import config
from dropscribe.commands.common import EXIT_DONE, EXIT_FAILED, settings_of, settings_to_ask
from dropscribe.core.errors import ConfigError
from dropscribe.doctor import processes as running
from dropscribe.doctor.checklist import examine, examine_without_settings
from dropscribe.doctor.values import Check, State
from dropscribe.memory import processes
from dropscribe.memory.policy import size
from dropscribe.memory.processes import Leftover, MemoryReport
from dropscribe.memory.values import COUNTED


def doctor(given: argparse.Namespace) -> int:
    """Run the checklist; exit 1 if there is any fault."""
    if given.what == "memory":
        return _memory(given)
    checks: list[Check] = []
    for check in _checks(given):
        checks.append(check)
        if not given.json:
            print(line(check), flush=True)  # one by one: some of them take seconds
    faults = sum(check.state is State.FAULT for check in checks)
    if given.json:
        print(json.dumps({"ok": not faults, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        warnings = sum(check.state is State.WARNING for check in checks)
        print(f"\n{_count(faults, 'fault')}, {_count(warnings, 'warning')}.")
    if given.report:
        _report(given, checks)
    return EXIT_FAILED if faults else EXIT_DONE


def _report(given: argparse.Namespace, checks: list[Check]) -> None:
    """Write the report into the present folder and say where it is."""
    from dropscribe.doctor import report

    print("Now one picture is read in a temporary folder; that may take some minutes.", file=sys.stderr, flush=True)
    values = report.make(settings_of(given), [asdict(check) for check in checks])
    path = os.path.abspath(time.strftime("dropscribe-report-%Y%m%d-%H%M%S.json"))
    with open(path, "x", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
    print(
        f"{path}: no names, texts or settings of yours are in it; look through it before you send it", file=sys.stderr
    )


def _checks(given: argparse.Namespace) -> Iterable[Check]:
    path = given.config or config.default_path()
    try:
        settings = settings_of(given)
    except ConfigError as error:
        return examine_without_settings(error.faults)
    return examine(settings, path if os.path.exists(path) else "the built-in settings")


def line(check: Check) -> str:
    """Return one check as text: its state, what was found, and below it what to try."""
    text = f"{check.state:8} {check.name}: {check.detail}"
    return f"{text}\n         try: {check.remedy}" if check.remedy else text


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _memory(given: argparse.Namespace) -> int:
    report = processes.memory_report()
    daemon = running.running(settings_to_ask(given)[0].folders.state)
    checks = list(running.leftover_workers(daemon, report.workers))
    lost = any(check.state is State.FAULT for check in checks)
    values = {"ok": not lost, "checks": [asdict(check) for check in checks], **asdict(report)}
    print(json.dumps(values, indent=2) if given.json else "\n".join(_memory_lines(report, daemon.worker)))
    return EXIT_FAILED if lost else EXIT_DONE


def _memory_lines(report: MemoryReport, own: int | None) -> list[str]:
    lines = [
        f"memory     {size(report.total_bytes)}, {size(report.available_bytes)} available, {report.percent:.0f} % "
        f"{COUNTED}, pressure {report.pressure}",
        f"wired      {size(report.wired_bytes)}",
        f"compressed {size(report.compressed_bytes)}",
        f"swap       {size(report.swap_used_bytes)} of {size(report.swap_total_bytes)} in use",
    ]
    lines += [_process_line("worker" if worker.pid == own else "other's", worker) for worker in report.workers]
    lines += [_process_line("dropscribe", other) for other in report.others]
    return [*lines, "", *report.advice]


def _process_line(what: str, process: Leftover) -> str:
    return f"{what:10} {process.pid}, {size(process.footprint_bytes)}, started by {process.parent_pid}"
