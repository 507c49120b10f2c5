#!/usr/bin/env python3
"""Variables whose effect only a host shows: def_policy and *_deflev in both directions, and what the debug variables put into the log.

    left 10.1.0.1, fd01::1 ──────────── wire ──────────── 10.1.0.2, fd01::2 right
    testudod
"""
import re

from lib import Lab, check, say, until


def violations(node):
    found = re.search(r"policy violations: (\d+) input", node.testudo("stats"))
    return int(found[1]) if found else 0


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, "10.1.0.1/24 fd01::1/64", right, "10.1.0.2/24 fd01::2/64")
        left.start_testudod()
        left.setkey("spdadd 10.9.0.1 10.9.0.2 any -P out discard; spdadd 10.9.0.2 10.9.0.1 any -P in discard;")
        for us, them, name in (("10.1.0.1", "10.1.0.2", "net.inet.ipsec"), ("fd01::1", "fd01::2", "net.inet6.ipsec6")):
            say(f"{name}.def_policy")
            left.ping(them)
            left.testudo("sysctl", "-w", f"{name}.def_policy=0")
            left.ping(them, answered=False)
            before = violations(left)
            right.ping(us, answered=False)
            check(until(lambda: violations(left) >= before + 3), "what comes in is refused and counted")
            other = "fd01::2" if ":" not in us else "10.1.0.2"
            left.ping(other)
            left.testudo("sysctl", "-w", f"{name}.def_policy=1")
            left.ping(them)

        for us, them, family in (("10.1.0.1", "10.1.0.2", "net.inet.ipsec"), ("fd01::1", "fd01::2", "net.inet6.ipsec6")):
            # Half of them here; scenario/defaults_test.cc has all eight.
            rows = (("esp/transport//default", "esp_trans"), (f"ah/tunnel/{us}-{them}/default", "ah_net")) if ":" not in us else (
                ("ah/transport//default", "ah_trans"), (f"esp/tunnel/{us}-{them}/default", "esp_net"))
            for request, name in rows:
                say(f"{family}.{name}_deflev")
                mirror = request.replace(f"{us}-{them}", f"{them}-{us}")
                left.setkey(f"spdadd {us} {them} any -P out ipsec {request}; spdadd {them} {us} any -P in ipsec {mirror};")
                with wire.capture() as seen:
                    left.ping(them, count=1)
                    left.testudo("sysctl", "-w", f"{family}.{name}_deflev=2")
                    left.ping(them, count=1, answered=False)
                    before = violations(left)
                    right.ping(us, count=1, answered=False)
                check(len(seen.packets) == 3, "2 (require): nothing leaves in clear, not even an answer", seen.packets)
                check(until(lambda: violations(left) > before), "and what comes in clear is refused")
                left.testudo("sysctl", "-w", f"{family}.{name}_deflev=1")
                left.ping(them, count=1)
                left.setkey(f"spddelete {us} {them} any -P out; spddelete {them} {us} any -P in;")

        say("net.inet.ipsec.debug, net.inet6.ipsec6.debug")
        left.setkey("spdadd 10.1.0.1 10.1.0.2 any -P out discard; spdadd fd01::1 fd01::2 any -P out discard;")
        left.ping("10.1.0.2", count=1, answered=False)
        check("dropped" not in left.log_text(), "nothing is logged while they are 0")
        left.testudo("sysctl", "-w", "net.inet.ipsec.debug=1")
        left.ping("10.1.0.2", count=1, answered=False)
        left.ping("fd01::2", count=1, answered=False)
        check(until(lambda: "dropped 10.1.0.1" in left.log_text()), "a drop is logged")
        check("PolicyDiscard" in left.log_text(), "with its reason")
        check("dropped fd01::1" not in left.log_text(), "of the other family none")
        left.testudo("sysctl", "-w", "net.inet6.ipsec6.debug=1")
        left.ping("fd01::2", count=1, answered=False)
        check(until(lambda: "dropped fd01::1" in left.log_text()), "until its own variable says so")

        say("net.key.debug")
        left.testudo("sysctl", "-w", "net.key.debug=16")
        left.setkey('add 10.1.0.1 10.1.0.2 esp 0x1000 -E null;')
        check(until(lambda: "PF_KEY request: type 3, SA type 3" in left.log_text()), "a request is logged")


if __name__ == "__main__":
    main()
