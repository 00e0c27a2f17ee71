#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the commands make of their options: man pages that man reads without a complaint, completions that bash understands.
usage: test_pages.py BIN"""
import glob
import shutil
import subprocess
import sys

CASES = {("yolo-run", "--zone-v"): {"--zone-visits"}, ("yolo-run", "--encoder", "n"): {"nvenc"}, ("yolo-run", "--codec", ""): {"h264", "hevc"},
         ("yolo-run", "--codec", "="): {"h264", "hevc"}, ("yolo-run", "--encoder", "=", "n"): {"nvenc"}, ("yolo-run", "--preset", "s"): {"superfast", "slow", "slower"},
         ("yolo-run", "--frames", "1"): set(), ("yolo-run", "--csv", "/etc/host"): set(glob.glob("/etc/host*")),
         ("yolo-run", "--crops", "/us"): {"/usr"}, ("yolo-run", "/etc/pass"): {"/etc/passwd", "/etc/passwd-"},
         ("yolo-eval", "--siz"): {"--size"}, ("yolo-inspect", "--pla"): {"--plan"},
         ("yolo-fleet", "--part"): {"--part-seconds"}, ("yolo-fleet", "--jsonl", "/etc/host"): set(glob.glob("/etc/host*"))}


def page(binaries, command, option):
    return subprocess.run([f"{binaries}/{command}", option], capture_output=True, text=True, check=True).stdout


def complete(script, words):
    """What bash offers for the last word."""
    function = "_" + words[0].replace("-", "_")
    test = f'{script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); {function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-uc", test, "bash", *words], capture_output=True, text=True)
    return set(done.stdout.split()), done.stderr


def main():
    binaries, failures = sys.argv[1], []
    for command in ("yolo-run", "yolo-eval", "yolo-inspect", "yolo-fleet"):
        text = page(binaries, command, "--print-man")
        for option in ("--help", "--jsonl" if command == "yolo-fleet" else "--model"):
            if "\\fB" + option.replace("-", "\\-") not in text:
                failures.append(f"{command}: the page lacks {option}")
        for lint in (["mandoc", "-Tlint", "-Wwarning"], ["groff", "-man", "-ww", "-z"]):
            if shutil.which(lint[0]):
                done = subprocess.run(lint, input=text, capture_output=True, text=True)
                said = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line]
                if said:
                    failures.append(f"{command}: {lint[0]} says {said[:5]}")
    for words, expected in CASES.items():
        offered, error = complete(page(binaries, words[0], "--print-completion"), words)
        fits = offered <= expected and (not expected or offered) if words[-1].startswith("/") else offered == expected
        if error or not fits:
            failures.append(f"{' '.join(words)}: {offered} instead of {expected} {error}")
    print(*failures, f"{len(failures)} failures", sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    if not shutil.which("bash"):
        sys.exit(77)
    sys.exit(main())
