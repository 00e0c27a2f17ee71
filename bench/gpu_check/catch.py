# SPDX-License-Identifier: MIT
"""What a Catch2 program reported with `-r xml`, case by case, also if it did not live to finish the report."""
from dataclasses import dataclass, field
from xml.etree import ElementTree

FAILURES = ("Expression", "Exception", "Failure", "FatalErrorCondition")


@dataclass
class Report:
    passed: int = 0
    skipped: dict = field(default_factory=dict)  # why: how many cases
    failures: list = field(default_factory=list)  # "NAME (file:line): what"
    whole: bool = False  # the report has its last line
    running: str = ""  # the case that it was in when it ended early

    @property
    def cases(self):
        return self.passed + sum(self.skipped.values()) + len(self.failures)


def text_of(element):
    return " ".join((element.text or "").split()) if element is not None else ""


def failure_of(case):
    """The first check that failed, in a line."""
    for element in case.iter():
        if element.tag in FAILURES and element.get("success") != "true":
            what = text_of(element.find("Original")) or text_of(element) or element.tag
            return f"{case.get('name')} ({(element.get('filename') or '').rsplit('/', 1)[-1]}:{element.get('line')}): {what}"
    return f"{case.get('name')}: failed"


def skip_of(case):
    """Why it was skipped; None if it was not. A case that warned of nothing but what it skips has skipped itself."""
    warnings = [text_of(w) for w in case.iter("Warning")]
    if not warnings or not all(w.startswith("skipped: ") for w in warnings):
        return None
    why = warnings[0][len("skipped: "):]
    name = " ".join(case.get("name").split()) + ": "
    return why[len(name):] if why.startswith(name) else why


def events_of(path):
    """Its elements as they begin and end, up to where the file is cut short; then None if it is."""
    parser = ElementTree.XMLPullParser(("start", "end"))
    with open(path, "rb") as f:
        parser.feed(f.read())
    try:
        yield from parser.read_events()
        parser.close()
    except ElementTree.ParseError:
        yield None


def read(path):
    report = Report(whole=True)
    for event in events_of(path):
        if event is None:
            report.whole = False
        elif event[1].tag == "TestCase" and event[0] == "start":
            report.running = event[1].get("name")
        elif event[1].tag == "TestCase":
            report.running = ""
            add_case(report, event[1])
    return report


def add_case(report, case):
    why = skip_of(case)
    if case.find("OverallResult").get("success") != "true":
        report.failures.append(failure_of(case))
    elif why is not None:
        report.skipped[why] = report.skipped.get(why, 0) + 1
    else:
        report.passed += 1
