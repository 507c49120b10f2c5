#!/usr/bin/env python3
"""While many policies are loaded, changed and deleted, what an older one protects never leaves in clear, what it refuses
never comes in, and an acknowledged policy is in force; the sets of the kernel hold exactly the policies.

TESTUDO_MANY_POLICIES: how many (600)."""
import json
import os
import signal
import subprocess
import time

from lib import BIN, Lab, check, run, say, until

COUNT = int(os.environ.get("TESTUDO_MANY_POLICIES", "600"))
THIRD = COUNT // 3
TABLE = "testudo_testudo0"
PAIR = """
add 10.2.3.4 10.2.3.5 esp 0x1001 -E aes-gcm-16 0x000102030405060708090a0b0c0d0e0f10111213;
spdadd 10.2.3.4 10.2.3.5 any -P out ipsec esp/transport//require;
spdadd 10.2.3.5 10.2.3.4 any -P in ipsec esp/transport//require;
"""
ESP = "ipsec esp/transport//require"


def selector(n):
    """Of several shapes, one in three inbound."""
    host = f"10.{100 + n % 100}.{n >> 8 & 255}.{n & 255}"
    ends = [f"{host} 20.0.0.0/8 any", f"{host} 20.{n % 200}.0.0/16 tcp", f"{host} 20.0.0.1[{n % 60000 + 1}] udp",
            f"fd00:{n:x}::/48 fd01::{n:x} tcp"][n % 4]
    return f"{ends} -P {'in' if n % 3 == 0 else 'out'}"


def policies(first, last, verb="spdadd", treatment=ESP):
    return "\n".join(f"{verb} {selector(n)} {treatment};" for n in range(first, last))


def deletions(first, last):
    return policies(first, last, "spddelete", "")


def load(node, sentence, text):
    began = time.monotonic()
    done = run("ip", "netns", "exec", node.ns, BIN / "setkey", "-f", "-", check=False, input=text, env=node.environment())
    check(done.returncode == 0 and not done.stderr and not done.stdout, f"{sentence}: {time.monotonic() - began:.1f} s",
          done.stdout[-300:] + done.stderr[-300:])


def sets(node):
    """The names of the sets of each direction, and of how many elements they are."""
    listed = json.loads(node.exec("nft", "-j", "list", "table", "inet", TABLE).stdout)["nftables"]
    found = {"out": {}, "in": {}}
    for made in (entry["set"] for entry in listed if "set" in entry):
        way = made["name"].rstrip("0123456789")
        if way in found:
            found[way][made["name"]] = len(made.get("elem", []))
    return found


def holds(node, sentence, numbers, more_out=1, more_in=1):
    """The sets have an element for each of these policies, and for those that the test has besides."""
    found = sets(node)
    inbound = sum(1 for n in numbers if n % 3 == 0)
    wanted = {"out": len(numbers) - inbound + more_out, "in": inbound + more_in}
    check({way: sum(found[way].values()) for way in found} == wanted, f"{sentence}: {wanted}", str(found))


def few_are_rules(node):
    check(sets(node) == {"out": {}, "in": {}}, "few policies are rules")


def change(a):
    load(a, "60 policies", policies(0, 60))
    few_are_rules(a)
    load(a, f"{COUNT - 60} more", policies(60, COUNT))
    holds(a, "many are elements of sets", range(COUNT))
    check(len(sets(a)["out"]) <= 8, "that are few themselves", str(sets(a)))
    # An element more and a set more, and then what takes a new rendering of the chain, in one breath.
    load(a, "a third become none",
         "spdadd 10.2.3.4 10.2.3.7 any -P out none;\n" + policies(THIRD, 2 * THIRD, "spdupdate", "none"))
    holds(a, "in sets by treatment", range(COUNT), more_out=2)
    load(a, "and ipsec again", policies(THIRD, 2 * THIRD, "spdupdate"))
    load(a, "some are deleted", deletions(THIRD, 2 * THIRD) + "\nspddelete 10.2.3.4 10.2.3.7 any -P out;")
    holds(a, "their elements are gone", [*range(THIRD), *range(2 * THIRD, COUNT)])
    load(a, "others come back", policies(THIRD, 2 * THIRD))
    holds(a, "with their elements", range(COUNT))
    load(a, "most are deleted", deletions(20, COUNT))
    few_are_rules(a)


def tells_tcp(a):
    """Not at once, while policies are many."""
    a.setkey("spdadd 10.2.3.4 10.2.3.8 any -P out ipsec esp/transport//require ah/transport//require;")
    chain = lambda: a.exec("nft", "list", "chain", "inet", TABLE, "mss_into_device").stdout
    told = until(lambda: "ip daddr 10.2.3.8 tcp option maxseg size set" in chain())
    check(told, "TCP of a new policy is told what fits", chain())


def keep_the_pair_while(a, b, wire, changing):
    with wire.capture() as seen:
        ours = a.popen("ping", "-n", "-q", "-i", "0.002", "10.2.3.5", stdout=subprocess.DEVNULL)
        theirs = b.popen("ping", "-n", "-q", "-i", "0.01", "10.2.3.4", stdout=subprocess.PIPE, text=True)
        changing(a)
        for process in (ours, theirs):
            process.send_signal(signal.SIGINT)
        answers = theirs.communicate(timeout=20)[0]
        ours.wait(20)
    seen.only("IPv4 ESP", "IPv4 ICMP")
    leaked = [f for p, f in zip(seen.packets, seen.frames) if p == "IPv4 ICMP" and f[12:16] == bytes([10, 2, 3, 4])]
    check(seen.count("IPv4 ESP") > 20, f"{seen.count('IPv4 ESP')} packets left by ESP")
    check(not leaked, "none of them in clear", f"{len(leaked)}")
    check(seen.count("IPv4 ICMP") > 5 and " 0 received" in answers, "none in clear came in", answers)


def in_force(a, wire):
    """The first packet behind setkey's return meets the policy, wherever in the file it stood."""
    for at in (10, COUNT // 2, COUNT):
        a.setkey("spdflush;")
        text = policies(0, at) + "\nspdadd 10.2.3.4 10.2.3.6 any -P out discard;\n" + policies(at, COUNT)
        load(a, f"{COUNT} policies with one for a neighbour behind {at}", text)
        with wire.capture() as seen:
            a.ping("10.2.3.6", count=1, answered=False)
        seen.nothing()
        holds(a, "all are in sets", range(COUNT), more_in=0)


def main():
    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        wire = lab.link(a, "10.2.3.4/24", b, "10.2.3.5/24 10.2.3.6/24")
        a.start_testudod()
        a.setkey(PAIR)
        a.ping("10.2.3.5", answered=False)  # b has no SAs
        keep_the_pair_while(a, b, wire, change)
        a.setkey("flush; spdflush;")
        a.ping("10.2.3.6", count=1)
        in_force(a, wire)
        tells_tcp(a)
        check("does not follow" not in a.log_text(), "no change was refused", a.log_text())
        check(a.stop_testudod() == 0, "the daemon ends well")
    say("many policies: passed")


if __name__ == "__main__":
    main()
