# SPDX-License-Identifier: MIT
"""gpu-check with programs that are made up: what it counts, prints and returns, without a GPU."""
import os
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fakes
from fakes import BEGUN, FAIL, NOTE, PASS, SKIP, SKIP_PLAINLY, FakeArchive, report


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.archive = FakeArchive(f"{self.folder}/archive")

    def step(self, steps, name, status, text=""):
        self.assertEqual(steps[name]["status"], status, steps[name])
        self.assertIn(text, steps[name]["text"])

    def gone(self, pid):
        for _ in range(50):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                        return True
            except FileNotFoundError:
                return True
            time.sleep(0.05)
        return False


class Tests(GpuCheck):
    def test_cases_are_counted(self):
        self.archive.says("mixed", report(PASS, SKIP, SKIP_PLAINLY, NOTE, PASS))
        self.archive.says("all_skipped", report(SKIP, SKIP))
        status, text, steps = self.archive.run("--only", "mixed|all_skipped")
        self.assertEqual(status, 0, text)
        self.step(steps, "mixed", "passed", "1 skipped: needs 2 GPUs; 1 skipped: not here")
        self.assertEqual(steps["mixed"]["cases"], {"passed": 3, "failed": 0, "skipped": 2})
        self.step(steps, "all_skipped", "skipped", "2 skipped: needs 2 GPUs")
        self.assertIn("test cases: 3 passed, 0 failed, 4 skipped", text)
        self.assertRegex(text, r"(?m)^mixed +passed +\d+\.\d  3, 0, 2; 1 skipped: needs 2 GPUs")

    def test_a_failed_case_is_named(self):
        self.archive.says("bad", report(PASS, FAIL, FAIL, SKIP), 2)
        status, text, steps = self.archive.run("--only", "bad")
        self.assertEqual(status, 1)
        self.step(steps, "bad", "failed", "bad (a.cpp:9): 1 == 2; and 1 more; 1 skipped: needs 2 GPUs")
        self.assertEqual(steps["bad"]["cases"], {"passed": 1, "failed": 2, "skipped": 1})
        self.assertRegex(text, r"(?m)^bad +FAILED")

    def test_what_is_no_whole_report_is_a_failure(self):
        self.archive.test("crashes", f"echo '{report(PASS, BEGUN, cut=True)}'; kill -SEGV $$")
        self.archive.says("ends_early", report(PASS, cut=True))
        self.archive.says("empty", "")
        self.archive.says("no_case", report())
        self.archive.says("odd_status", report(PASS), 3)
        self.archive.test("is_missing", None)
        status, _, steps = self.archive.run("--only", "crashes|ends_early|empty|no_case|odd_status|is_missing")
        self.assertEqual(status, 1)
        self.step(steps, "crashes", "failed", "crashed: SIGSEGV in 'fatal'")
        self.step(steps, "ends_early", "failed", "cut short")
        self.step(steps, "empty", "failed", "cut short")
        self.step(steps, "no_case", "failed", "ran no test case")
        self.step(steps, "odd_status", "failed", "exit status 3")
        self.step(steps, "is_missing", "failed", "is_missing is missing")
        self.assertEqual(steps["crashes"]["cases"], {"passed": 1, "failed": 1, "skipped": 0})

    def test_what_hangs_is_killed_with_its_children(self):
        self.archive.test("hangs", f"sleep 600 & echo $! >'{self.folder}/child'; wait", timeout=2)
        self.archive.says("next", report(PASS))
        status, _, steps = self.archive.run("--only", "hangs|next")
        self.assertEqual(status, 1)
        self.step(steps, "hangs", "failed", "hung: killed after")
        self.step(steps, "next", "passed")
        with open(f"{self.folder}/child", encoding="utf-8") as f:
            self.assertTrue(self.gone(int(f.read())))

    def test_one_gpu_then_all_of_those_that_may_be_used(self):
        say = f"echo $CUDA_VISIBLE_DEVICES >>'{self.folder}/seen'; echo '{report(PASS)}'"
        self.archive.test("plain", say)
        self.archive.test("t", say)
        self.archive.test("t_multi", None, program="t")
        status, _, steps = self.archive.run("--only", "plain|^t", gpus=2, CUDA_VISIBLE_DEVICES="5,3,1")
        self.assertEqual(status, 0)
        self.assertLessEqual({"t", "t_multi", "t-2-gpus", "t_multi-2-gpus", "plain"}, set(steps))
        self.assertNotIn("plain-2-gpus", steps)
        with open(f"{self.folder}/seen", encoding="utf-8") as f:
            self.assertEqual(f.read().split(), ["5", "5", "5", "5,3", "5,3"])

    def test_failures_are_repeated(self):
        self.archive.test("test_gpu_failure", f"echo x >>'{self.folder}/count'; n=$(wc -l <'{self.folder}/count')\n"
                          f"[ $n -lt 4 ] && echo '{report(PASS)}' || echo '{report(FAIL)}'")
        status, _, steps = self.archive.run("--only", "repeated", "--failures", "3")
        self.assertEqual(status, 0)
        self.step(steps, "test-failures-repeated", "passed", "3 of 3 times; cases: 3 passed, 0 skipped")
        status, _, steps = self.archive.run("--only", "repeated", "--failures", "2")
        self.assertEqual(status, 1)
        self.step(steps, "test-failures-repeated", "failed", "0 of 1 times; bad (a.cpp:9)")


class Options(GpuCheck):
    def setUp(self):
        super().setUp()
        self.archive.says("first", report(PASS))
        self.archive.says("long_slow", report(PASS), labels=("gpu", "slow"))

    def test_list_and_quick(self):
        status, text, _ = self.archive.run("--list")
        self.assertEqual(status, 0)
        self.assertRegex(text, r"(?m)^first +quick ")
        self.assertRegex(text, r"(?m)^long_slow +test cases")
        _, quick, _ = self.archive.run("--list", "--quick")
        self.assertNotIn("long_slow", quick)
        self.assertIn("network-32", quick)

    def test_wrong_usage(self):
        self.assertEqual(self.archive.run("--only", "no such step")[0], 2)
        self.assertEqual(self.archive.run("--nonsense")[0], 2)
        os.remove(f"{self.archive.root}/manifest.json")
        self.assertEqual(self.archive.run()[0], 2)

    def test_without_a_gpu(self):
        status, text, steps = self.archive.run(gpus=0)
        self.assertEqual(status, 0, text)
        self.step(steps, "machine", "skipped", "no GPU")
        self.step(steps, "network-32", "skipped", "needs a GPU")
        status, _, steps = self.archive.run("--only", "machine", "--require-gpu", gpus=0)
        self.assertEqual(status, 1)
        self.step(steps, "machine", "failed", "1 GPUs are required")
        self.assertEqual(self.archive.run("--only", "machine", "--require-gpu", "2", gpus=1)[0], 1)
        self.assertEqual(self.archive.run("--only", "machine", "--require-gpu", "2", gpus=2)[0], 0)

    def test_budget(self):
        self.archive.test("waits", "sleep 600")
        self.archive.says("too_late", report(FAIL), 1)
        status, text, steps = self.archive.run("--only", "first|waits|too_late", "--budget", "3")
        self.assertEqual(status, 0, text)
        self.step(steps, "first", "passed")
        self.step(steps, "waits", "skipped", "no time left: cut off")
        self.step(steps, "too_late", "skipped", "no time left")

    def test_interrupted(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.archive.test("waits", f"echo $$ >'{self.folder}/child'; exec sleep 600")
            self.archive.says("never", report(PASS))
            process = self.archive.start("--only", "first|waits|never")
            while not os.path.exists(f"{self.folder}/child"):
                time.sleep(0.02)
            time.sleep(0.1)
            process.send_signal(number)
            text, _ = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 130, text)
            self.assertRegex(text, r"(?m)^first +passed")
            self.assertRegex(text, r"(?m)^waits +skipped +0.0  interrupted")
            self.assertRegex(text, r"(?m)^never +skipped +0.0  interrupted")
            with open(f"{self.folder}/child", encoding="utf-8") as f:
                self.assertTrue(self.gone(int(f.read())))
            os.remove(f"{self.folder}/child")
            self.archive.tests = self.archive.tests[:2]


class Figures(GpuCheck):
    NAMES = ("weights first-start network-32 network-1 decode-h264 run-h264 wall-clock scaling preprocess jpeg "
             "postprocess decode-hevc run-hevc small-h264 small-hevc start network-32-own soak conv").split()

    def figures(self, flaw="", gpus=2, *more):
        archive = FakeArchive(f"{self.folder}/figures {flaw}", flaw=flaw)
        return archive.run("--only", "^(" + "|".join(self.NAMES) + ")$", *more, gpus=gpus)

    def test_all(self):
        status, text, steps = self.figures()
        self.assertEqual(status, 0, text)
        for name in self.NAMES:
            self.step(steps, name, "passed")
        self.step(steps, "network-32", "passed", "3.000 ms = 10,667 pictures/s")
        self.step(steps, "run-h264", "passed", "1 segments decoded by the CPU")
        self.step(steps, "wall-clock", "passed", "frames on 2: ")
        self.step(steps, "scaling", "passed", "2 GPUs to one: network 1.00×")
        self.step(steps, "conv", "passed", "ours 50 µs, fastest of all 40; where a library has a row: library/ours 0.67")
        self.step(steps, "jpeg", "passed", "16 threads, frames/s: nv12 70")
        self.step(steps, "soak", "passed", "9 whole inputs of 24 frames")
        for name in ("network-32", "wall-clock", "small-hevc"):
            self.assertTrue(os.path.exists(f"{self.folder}/figures /out/{name}.json"))

    def test_what_is_wrong_is_a_failure(self):
        for flaw, name, text in (("no decode", "decode-h264", "exit status 1: convoy-bench: decode cannot be done"),
                                 ("wrong", "conv", "wrong: ours for 3x3"), ("soak", "soak", "{24: 9, 23: 3}"),
                                 ("lost", "wall-clock", "119 records of 120 frames")):
            status, _, steps = self.figures(flaw, 1, "--quick")
            self.assertEqual(status, 1)
            self.step(steps, name, "failed", text)
            self.step(steps, "scaling", "skipped", "needs 2 GPUs")
            self.step(steps, "network-32", "passed")

    def test_without_nvjpeg_its_figure_is_skipped(self):
        archive = FakeArchive(f"{self.folder}/no nvJPEG", flaw="no nvJPEG")
        status, _, steps = archive.run("--only", "^jpeg$", gpus=1)
        self.assertEqual(status, 0)
        self.step(steps, "jpeg", "skipped", "cuda:0: no libnvjpeg")

    def compare(self, factor, *more):
        other = FakeArchive(f"{self.folder}/other{factor}", factor)
        return self.archive.run("--compare", other.root, "--only", "network-32$|decode-h264|run-h264|start|conv", *more)

    def test_two_archives(self):
        status, text, _ = self.compare(1.0, "--turns", "1")
        self.assertEqual(status, 0, text)
        for name in ("network-32", "network-32 network_alone", "decode-h264 ms a frame", "run-h264 latency, ms",
                     "start ready", "conv 3x3 ours", "conv sums ours_us"):
            self.assertRegex(text, rf"(?m)^{name} +[\d.]+ +[\d.]+  x1.000")
        self.assertEqual(text.count("x1."), 11, text)
        status, text, _ = self.compare(0.8, "--turns", "2")
        self.assertEqual(status, 1, text)
        self.assertRegex(text, r"decode-h264 ms a frame +8.000 +10.000  x1.250  \(noise 5.0 %\)  SLOWER")
        self.assertEqual(sorted(os.listdir(f"{self.folder}/archive/out/before"))[:2], ["conv.1.json", "conv.2.json"])
        status, text, _ = self.compare(1.25, "--turns", "1")
        self.assertEqual(status, 0, text)
        self.assertIn("faster", text)
        self.assertEqual(self.archive.run("--compare", f"{self.folder}/nowhere")[0], 2)

    def test_an_archive_that_fails(self):
        broken = FakeArchive(f"{self.folder}/broken", flaw="no decode")
        status, text, _ = self.archive.run("--compare", broken.root, "--only", "decode-h264|network-1", "--turns", "1")
        self.assertEqual(status, 1, text)
        self.assertIn("decode cannot be done", text)
        self.assertRegex(text, r"(?m)^network-1 .* x1.000")


class Libraries(GpuCheck):
    def test_where_they_are(self):
        sys.path.insert(0, fakes.BENCH)
        from gpu_check import machine
        wheels, own = f"{self.folder}/site-packages", f"{self.folder}/own"
        for path in (f"{wheels}/nvidia/cudnn/lib/libcudnn.so.9", f"{wheels}/nvidia/nccl/lib/libnccl.so.2",
                     f"{own}/libnccl.so.2", f"{self.folder}/cuda/compat/libcublasLt.so.13"):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w", encoding="utf-8").close()
        self.addCleanup(setattr, machine, "loader_cache", machine.loader_cache)
        machine.loader_cache = lambda: "\tlibcublasLt.so.13 (libc6,x86-64) => /lib/libcublasLt.so.13\n"
        sys.path.append(wheels)
        self.addCleanup(sys.path.remove, wheels)
        path, found = machine.library_path(f"{self.folder}/cuda/compat/:{own}")
        self.assertEqual(path.split(":")[:2], [own, f"{wheels}/nvidia/cudnn/lib"])
        self.assertNotIn("compat", path)
        self.assertEqual(found["libcudnn.so.9"], f"{wheels}/nvidia/cudnn/lib")
        self.assertEqual(found["libnccl.so.2"], own)
        self.assertEqual(found["libcublasLt.so.13"], "the loader's own folders")


unittest.main(verbosity=2)
