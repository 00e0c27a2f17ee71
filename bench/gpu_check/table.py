# SPDX-License-Identifier: MIT
"""The one table at the end."""
import textwrap

from gpu_check.check import FAILED, PASSED, SKIPPED

WIDTH = 118


def lines_of(rows):
    """rows: (Step, Result, seconds)."""
    name = max([len(step.name) for step, _, _ in rows] + [4])
    head = f"{'step':<{name}}  {'':<7} {'seconds':>7}  cases: passed, failed, skipped; figure; why"
    yield head
    yield "-" * WIDTH
    for step, result, seconds in rows:
        cases = ""
        if result.cases:
            cases = f"{result.cases[PASSED]}, {result.cases[FAILED]}, {result.cases[SKIPPED]}"
        text = "; ".join(t for t in (cases, result.text) if t)
        start = f"{step.name:<{name}}  {result.status.upper() if result.status == FAILED else result.status:<7} {seconds:>7.1f}  "
        parts = textwrap.wrap(text, max(WIDTH - len(start), 40)) or [""]
        yield (start + parts[0]).rstrip()
        for part in parts[1:]:
            yield " " * len(start) + part


def counts(rows):
    """{passed, failed, skipped} of the test cases, and of the other steps."""
    cases, others = ({PASSED: 0, FAILED: 0, SKIPPED: 0} for _ in range(2))
    for step, result, _ in rows:
        if result.cases:
            for status, count in result.cases.items():
                cases[status] += count
        elif step.tests:
            cases[result.status] += 1
        else:
            others[result.status] += 1
    return cases, others


def text(rows, seconds, note):
    cases, others = counts(rows)

    def sums(name, count):
        return f"{name}: {count[PASSED]} passed, {count[FAILED]} failed, {count[SKIPPED]} skipped"

    last = f"{sums('test cases', cases)}; {sums('other steps', others)}; {seconds:.0f} s" + (f"; {note}" if note else "")
    return "\n".join([*lines_of(rows), "-" * WIDTH, last])
