#!/usr/bin/env python3
"""`testudo ring`: the packets of a real TCP connection and of pings, captured between two hosts, go through two engines."""
import json
import pathlib
import sys

from lib import BIN, Lab, check, run, say, transfer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from pcap import read_pcap, write_pcap  # noqa: E402

SUITE = '-E aes-gcm-16 "hogehogehogehogehoge"'
A_OUT = """
spdadd 10.1.0.0/24 10.2.0.0/24 any -P out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require;
spdadd 10.2.0.0/24 10.1.0.0/24 any -P in ipsec esp/tunnel/20.0.0.2-20.0.0.1/require;
spdadd fd00:1::/64 fd00:2::/64 any -P out ipsec esp/tunnel/20.0.0.1-20.0.0.2/require;
spdadd fd00:2::/64 fd00:1::/64 any -P in ipsec esp/tunnel/20.0.0.2-20.0.0.1/require;
"""
SAS = f"""
add 20.0.0.1 20.0.0.2 esp 0x1000 -m tunnel {SUITE};
add 20.0.0.2 20.0.0.1 esp 0x1001 -m tunnel {SUITE};
"""
B_OUT = A_OUT.replace("-P out", "-P x").replace("-P in", "-P out").replace("-P x", "-P in")


def record(lab):
    """A capture of IPv4 and IPv6 between two hosts."""
    left, right = lab.node("left"), lab.node("right")
    wire = lab.link(left, "10.1.0.1/16 fd00:1::1/32", right, "10.2.0.1/16 fd00:2::1/32")
    left.ip("route", "add", "10.2.0.0/16", "dev", wire.device)
    right.ip("route", "add", "10.1.0.0/16", "dev", "to-left")
    left.ip("-6", "route", "add", "fd00:2::/32", "dev", wire.device)
    right.ip("-6", "route", "add", "fd00:1::/32", "dev", "to-left")
    for node, device in ((left, wire.device), (right, "to-left")):  # packets as on a wire, not those of offloads
        node.ip("link", "set", "dev", device, "gso_max_segs", "1")
    with wire.capture() as seen:
        for address in ("10.2.0.1", "fd00:2::1"):
            left.ping(address)
            left.ping(address, size=3000)
            transfer(left, right, address, megabytes=1)
    check(seen.count("IPv4 TCP") > 50 and seen.count("IPv6 TCP") > 50, "a real conversation was captured",
          (seen.count("IPv4 TCP"), seen.count("IPv6 TCP"), max(map(len, seen.frames))))
    clear = lab.directory / "clear.pcap"
    write_pcap(clear, seen.frames)  # without neighbour discovery, which nobody protects
    return clear


class Ring:
    def __init__(self, directory, clear):
        self.directory, self.clear = directory, clear

    def run(self, a, b, *options):
        for name, text in (("a.conf", a), ("b.conf", b)):
            (self.directory / name).write_text(text)
        self.output, self.wire = self.directory / "out.pcap", self.directory / "wire.pcap"
        done = run(BIN / "testudo", "--json", "ring", "--config", self.directory / "a.conf", "--config", self.directory / "b.conf",
                   "--wire", self.wire, *options, self.clear, self.output)
        return json.loads(done.stdout)

    def text(self):
        return run(BIN / "testudo", "ring", "--config", self.directory / "a.conf", "--config", self.directory / "b.conf",
                   self.clear).stdout


def drops(end):
    return {row["reason"]: row for row in end["drops"] if row["count"]}


def main():
    with Lab() as lab:
        say("a conversation in clear")
        ring = Ring(lab.directory, record(lab))
        sent = read_pcap(ring.clear)

        say("through a tunnel and out again")
        facts = ring.run(SAS + A_OUT, SAS + B_OUT)
        check(read_pcap(ring.output) == sent, f"all {len(sent)} packets are delivered as they were, in their order", (drops(facts["a"]), drops(facts["b"])))
        crossing = read_pcap(ring.wire)
        check(len(crossing) == len(sent) and all(p[0] == 0x45 and p[9] == 50 for p in crossing), "on the wire only IPv4 ESP")
        check({p[12:16] for p in crossing} == {bytes((20, 0, 0, 1)), bytes((20, 0, 0, 2))}, "from both ends")
        check(facts["a"]["in_clear"] == facts["b"]["in_clear"] == 0 and facts["a"]["delivered"] > 0, "each end had its share")

        say("the same over a wire of 1500: what may not be cut is told to its sender, and explained")
        facts = ring.run(SAS + A_OUT, SAS + B_OUT, "--mtu", "1500")
        check(all(len(p) <= 1500 for p in read_pcap(ring.wire)), "no packet is larger than the wire")
        check(set(drops(facts["a"])) == {"NeedsFragmentation"}, "the only reason to drop", drops(facts["a"]))

        say("a key that is not the peer's")
        facts = ring.run(SAS + A_OUT, SAS.replace("hogehogehogehogehoge", "hogehogehogehogehogE") + B_OUT)
        check(facts["b"]["delivered"] == facts["a"]["delivered"] == 0 and read_pcap(ring.output) == [], "delivers nothing")
        check(set(drops(facts["b"])) == {"BadIcv"} and drops(facts["b"])["BadIcv"]["last"]["spi"] == 0x1000, "and says why", drops(facts["b"]))
        check("integrity check failed" in ring.text(), "in words, too")

        say("a peer that requires what the other does not send")
        facts = ring.run("", SAS + B_OUT)
        check(facts["a"]["in_clear"] > 0 and set(drops(facts["b"])) == {"InboundPolicyClear"}, "refuses what comes in clear", drops(facts["b"]))
        check("10.1.0.1" in drops(facts["b"])["InboundPolicyClear"]["last"]["flow"] or
              "fd00:1::1" in drops(facts["b"])["InboundPolicyClear"]["last"]["flow"], "and says from whom")

        say("what is wrong with the command")
        one = run(BIN / "testudo", "ring", "--config", ring.directory / "a.conf", ring.clear, check=False)
        check(one.returncode == 1 and "--config twice" in one.stderr, "one script is not enough", one.stderr)
        (ring.directory / "bad.conf").write_text("spdadd nonsense;\n")
        bad = run(BIN / "testudo", "ring", "--config", ring.directory / "bad.conf", "--config", ring.directory / "b.conf", ring.clear,
                  check=False)
        check(bad.returncode == 1 and "bad.conf" in bad.stderr, "a script with a mistake is named", bad.stderr)
        over = run(BIN / "testudo", "ring", "--config", ring.directory / "a.conf", "--config", ring.directory / "b.conf", "--wire",
                   ring.clear, ring.clear, check=False)
        check(over.returncode == 1 and "are the same file" in over.stderr and read_pcap(ring.clear) == sent,
              "the capture that is read is not written over", over.stderr)


if __name__ == "__main__":
    main()
