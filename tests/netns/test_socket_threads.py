#!/usr/bin/env python3
"""Threads and forks hammer the preload library under ThreadSanitizer, and the daemon with it."""
import subprocess

from lib import SOURCE, Lab, check, run, say
from sockets import PRELOAD, skip_unless_built

TSAN = ("-fsanitize=thread", "-g", "-O1")


def main():
    skip_unless_built()
    with Lab() as lab:
        library, program = lab.directory / "preload-tsan.so", lab.directory / "hammer"
        done = subprocess.run(["g++", "-std=c++20", *TSAN, "-shared", "-fPIC", SOURCE / "preload/preload.cc", "-o", library], capture_output=True, text=True)
        sanitized = done.returncode == 0
        if not sanitized:
            say("  without ThreadSanitizer, which this compiler lacks: " + done.stderr.strip().splitlines()[-1])
        run("gcc", "-std=c99", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread", *(TSAN if sanitized else ()),
            SOURCE / "tests/preload/hammer.c", "-o", program)
        node = lab.node("a")
        node.start_testudod()
        preload = library if sanitized else PRELOAD
        environment = {**node.environment(), "TSAN_OPTIONS": "exitcode=66 die_after_fork=0"}
        # Without random addresses: older sanitizers do not know where newer kernels put things.
        done = node.exec("setarch", "-R", "env", f"LD_PRELOAD={preload}", program, "25", check=False, env=environment)
        check(done.returncode == 0 and done.stdout == "done\n", "8 threads with 25 sockets each, and forks: every policy came back, no race",
              f"{done.returncode} {done.stdout} {done.stderr[-3000:]}")
        check(node.daemon.poll() is None, "the daemon lives")


if __name__ == "__main__":
    main()
