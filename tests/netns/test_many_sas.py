#!/usr/bin/env python3
"""100,000 SAs through setkey into testudod, out again by a dump that is complete, and away."""
import os
import re
import time

from lib import BIN, Lab, check, run, say

COUNT = int(os.environ.get("TESTUDO_MANY_SAS", "100000"))


def script():
    return "".join(f"add 10.{n >> 16}.{n >> 8 & 255}.{n & 255} 10.200.0.1 esp {0x10000 + n} -u {n % 60000 + 1} "
                   f"-E aes-gcm-16 0x{n:040x};\n" for n in range(1, COUNT + 1))


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
        check(node.stop_testudod() == 0, "the daemon ends well")
    say("many SAs: passed")


if __name__ == "__main__":
    main()
