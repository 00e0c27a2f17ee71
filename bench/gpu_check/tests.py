# SPDX-License-Identifier: MIT
"""The GPU's test programs, counted by test case."""
from gpu_check import catch
from gpu_check.check import FAILED, PASSED, SKIPPED, Failure, Result, Step


def run_group(check, test, gpus):
    """One group of test cases of one program, in a process. (catch.Report, what else went wrong)"""
    xml = check.path(".xml")
    command = [check.archive.program(test["program"]), *test["spec"], "-r", "xml", "-d", "yes"]
    outcome = check.call(command, gpus, xml)
    report = catch.read(xml)
    trouble = outcome.why() if not outcome.ok and not (outcome.status > 0 and report.failures and report.whole) else ""
    if trouble and report.running:
        trouble += f" in '{report.running}'"
    if not trouble and not report.whole:
        trouble = "its report is cut short"
    if not trouble and not report.cases:
        trouble = "it ran no test case"
    return report, trouble


def result_of(report, trouble):
    failed = len(report.failures) + bool(trouble)
    skipped = sum(report.skipped.values())
    text = [trouble] if trouble else []
    text += report.failures[:1] + ([f"and {len(report.failures) - 1} more"] if len(report.failures) > 1 else [])
    text += [f"{count} skipped: {why}" for why, count in report.skipped.items()]
    status = FAILED if failed else PASSED if report.passed else SKIPPED
    return Result(status, "; ".join(text), {PASSED: report.passed, FAILED: failed, SKIPPED: skipped})


def group_step(name, test, gpus):
    def run(check):
        return result_of(*run_group(check, test, gpus))

    where = {0: "without a GPU", 1: "on one GPU"}.get(gpus, f"on {gpus} GPUs")
    again = gpus > 1 and not test["name"].endswith("_multi")  # what one GPU has shown
    quick = "slow" not in test["labels"] and not again
    return Step(name, f"test cases {where}", run, test["timeout"], quick, 0, tests=True)


def repeated_step(tests, times, gpus):
    """The failure tests again and again: what they look for depends on who is first."""
    def run(check):
        if not times:
            return Result(SKIPPED, "asked for no times")
        passed = skipped = 0
        for turn in range(times):
            for test in tests:
                report, trouble = run_group(check, test, gpus)
                if trouble or report.failures:
                    raise Failure(f"{turn} of {turn + 1} times; {(report.failures or [trouble])[0]}")
                passed, skipped = passed + report.passed, skipped + sum(report.skipped.values())
        return Result(PASSED if passed else SKIPPED, f"{times} of {times} times; cases: {passed} passed, {skipped} skipped")

    return Step("test-failures-repeated", f"tests of failing GPUs, {times} times", run,
                max((t["timeout"] for t in tests), default=60), False, 1, tests=True)


def steps(check):
    """On one GPU; programs with cases for several again on all."""
    tests, gpus = check.manifest["tests"], len(check.machine.gpus)
    several = {t["program"] for t in tests if t["name"].endswith("_multi")}
    out = [group_step(t["name"], t, min(gpus, 1)) for t in tests]
    if gpus > 1:
        out += [group_step(f"{t['name']}-{gpus}-gpus", t, gpus) for t in tests if t["program"] in several]
    failing = [t for t in tests if "failure" in t["name"]]
    if failing:
        out.append(repeated_step(failing, check.options.failures, gpus))
    return out
