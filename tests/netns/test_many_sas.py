#!/usr/bin/env python3
"""100,000 SAs and 10,000 policies through setkey into testudod, out again by dumps that are complete, and away."""
import os
import re
import time

from lib import BIN, Lab, check, run, say

COUNT = int(os.environ.get("TESTUDO_MANY_SAS", "100000"))
POLICIES = COUNT // 10


def script():
    return "".join(f"add 10.{n >> 16}.{n >> 8 & 255}.{n & 255} 10.200.0.1 esp {0x10000 + n} -u {n % 60000 + 1} "
                   f"-E aes-gcm-16 0x{n:040x};\n" for n in range(1, COUNT + 1))


def policies():
    return "".join(f"spdadd 10.{n >> 16}.{n >> 8 & 255}.{n & 255} 20.{n % 7}.0.0/16 any -P {'in' if n % 2 else 'out'} "
                   "ipsec esp/transport//require;\n" for n in range(1, POLICIES + 1))


def timed(node, sentence, *arguments, text=None):
    began = time.monotonic()
    done = run("ip", "netns", "exec", node.ns, BIN / "setkey", *arguments, check=False, input=text, env=node.environment())
    check(done.returncode == 0 and not done.stderr, f"{sentence}: {time.monotonic() - began:.1f} s", done.stdout[-300:] + done.stderr[-300:])
    return done.stdout


def main():
    with Lab() as lab:
        node = lab.node("one")
        node.start_testudod()
        check(timed(node, f"setkey -f adds {COUNT} SAs", "-f", "-", text=script()) == "", "without a word")
        dump = timed(node, "setkey -D shows them", "-D")
        found = dict(zip(map(int, re.findall(r" spi=(\d+)\(", dump)), re.findall(r"\n\tE: aes-gcm-16  ([0-9a-f ]+)\n", dump)))
        check(len(found) == COUNT == dump.count("state=mature"), "the dump is complete", f"{len(found)}, {dump.count('state=mature')}")
        check(all(found[0x10000 + n].replace(" ", "") == f"{n:040x}" for n in range(1, COUNT + 1)), "each with its own key")
        timed(node, "setkey -F flushes them", "-F")
        check(timed(node, "setkey -D", "-D") == "No SAD entries.\n", "none is left")
        check(timed(node, f"setkey -f adds {POLICIES} policies", "-f", "-", text=policies()) == "", "without a word")
        dump = timed(node, "setkey -DP shows them", "-DP")
        found = re.findall(r"^10\.(\d+)\.(\d+)\.(\d+)\[any\] 20\.(\d)\.0\.0/16\[any\]", dump, re.M)
        numbers = [int(a) << 16 | int(b) << 8 | int(c) for a, b, c, _ in found]
        check(sorted(numbers) == list(range(1, POLICIES + 1)), "the dump is complete", f"{len(found)}: {dump[:400]}")
        check(numbers == sorted(numbers, key=lambda n: n % 2 == 0), "in the order of the lists, in before out")
        timed(node, "setkey -FP flushes them", "-FP")
        check(timed(node, "setkey -DP", "-DP") == "No SPD entries.\n", "none is left")
        check(node.stop_testudod() == 0, "the daemon ends well")
    say("many SAs: passed")


if __name__ == "__main__":
    main()
