# SPDX-License-Identifier: MIT
"""What this machine has: its GPUs, and where NVIDIA's libraries are."""
import glob
import json
import os
import site
import subprocess
import sys

# What Convoy and cuDNN open at run time: any one of each line.
LIBRARIES = (("libcudnn.so.9",), ("libcublasLt.so.13", "libcublasLt.so.12"), ("libnccl.so.2",),
             ("libnvrtc.so.13", "libnvrtc.so.12"), ("libnvjpeg.so.13", "libnvjpeg.so.12"))

# In a process of its own: a driver that is broken must not take this one along.
ASK_DRIVER = """
import ctypes, json
cuda = ctypes.CDLL("libcuda.so.1")
code = cuda.cuInit(0)
if code: raise SystemExit(f"the driver says error {code}")
count, version, names = ctypes.c_int(), ctypes.c_int(), []
cuda.cuDeviceGetCount(ctypes.byref(count)), cuda.cuDriverGetVersion(ctypes.byref(version))
for i in range(count.value):
    name = ctypes.create_string_buffer(100)
    cuda.cuDeviceGetName(name, 100, i)
    names.append(name.value.decode())
print(json.dumps({"names": names, "cuda": f"{version.value // 1000}.{version.value % 1000 // 10}"}))
"""


def ask_python(code, env, timeout=60):
    """What a Python program printed: (its last line or None, what it said instead)."""
    try:
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    last = lines[-1] if lines else ""
    return (last, "") if done.returncode == 0 else (None, last)


def folders_of_libraries():
    """Where they may be when the loader does not find them: Python's wheels, then the toolkit."""
    packages = {*sys.path, *site.getsitepackages(), site.getusersitepackages()}
    for pattern in ("/usr/local/lib/python3*/*-packages", "/usr/lib/python3*/*-packages", "/opt/*/lib/python3*/site-packages",
                    "/opt/*/.venv/lib/python3*/site-packages"):
        packages.update(glob.glob(pattern))
    for folder in sorted(p for p in packages if p):
        yield from sorted(glob.glob(folder + "/nvidia/*/lib"))
    yield from ("/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib", "/usr/local/cuda/lib")


def loader_cache():
    for ldconfig in ("ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"):
        try:
            return subprocess.run([ldconfig, "-p"], capture_output=True, text=True, timeout=30).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
    return ""


def library_path(old):
    """(LD_LIBRARY_PATH, what was found where). The toolkit's folder `compat` holds another driver's libcuda: left out."""
    path = [p for p in old.split(":") if p and os.path.basename(p.rstrip("/")) != "compat"]
    cache, found = loader_cache(), {}
    candidates = list(folders_of_libraries())
    for names in LIBRARIES:
        for name in names:
            where = next((p for p in path if os.path.exists(f"{p}/{name}")), None)
            if not where and f"{name} " in cache:
                where = "the loader's own folders"
            if not where:
                where = next((p for p in candidates if os.path.exists(f"{p}/{name}")), None)
                if where:
                    path.append(where)
            if where:
                found[name] = where
                break
    return ":".join(path), found


class Machine:
    """gpus: what CUDA_VISIBLE_DEVICES may name, as many as CUDA sees; env: what programs are started with."""

    def __init__(self, environment):
        self.env = dict(environment)
        path, self.libraries = library_path(self.env.get("LD_LIBRARY_PATH", ""))
        self.env.pop("LD_LIBRARY_PATH", None)
        if path:
            self.env["LD_LIBRARY_PATH"] = path
        answer, self.no_gpu = ask_python(ASK_DRIVER, self.env)
        facts = json.loads(answer) if answer else {"names": [], "cuda": ""}
        self.names, self.cuda = facts["names"], facts["cuda"]
        visible = self.env.get("CUDA_VISIBLE_DEVICES", "")
        every = [v.strip() for v in visible.split(",")] if visible else [str(i) for i in range(len(self.names))]
        self.gpus = every[:len(self.names)]

    def env_of(self, gpus):
        """For programs that are to see the first `gpus` GPUs."""
        return {**self.env, **({"CUDA_VISIBLE_DEVICES": ",".join(self.gpus[:gpus])} if self.gpus else {})}

    def counts(self):
        """1, 2, 4, … and all GPUs."""
        all_gpus = len(self.gpus)
        return sorted({c for c in (1, 2, 4, 8, 16) if c <= all_gpus} | ({all_gpus} if all_gpus else set()))

    def describe(self):
        if not self.gpus:
            return f"no GPU: {self.no_gpu or 'the driver knows none'}"
        kinds = ", ".join(f"{self.names.count(n)} x {n}" for n in dict.fromkeys(self.names))
        missing = [names[0] for names in LIBRARIES if not any(n in self.libraries for n in names)]
        return f"{kinds}, CUDA {self.cuda}" + (f"; not found: {', '.join(missing)}" if missing else "")
