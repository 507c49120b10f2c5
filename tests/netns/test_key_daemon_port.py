#!/usr/bin/env python3
"""UDP 4500 belongs to testudod for ESP and to the key daemon for IKE, whoever starts first, restarts or is not there.

    left 10.4.0.1, fd04::1 ──────────── wire ──────────── 10.4.0.2, fd04::2 right
    testudod, asks                                        testudod, key daemon that answers
"""
import pathlib
import subprocess
import sys

from lib import Lab, check, pinger, run, say, until

KEY_DAEMON = pathlib.Path(__file__).with_name("key_daemon.py")
PING = {"4": "icmp", "6": "icmp6"}
LEFT, RIGHT = {"4": "10.4.0.1", "6": "fd04::1"}, {"4": "10.4.0.2", "6": "fd04::2"}


def script(there, back):
    text = "flush; spdflush;\n"
    for family, protocol in PING.items():
        spi = 0x1000 + int(family)
        a, b = LEFT[family], RIGHT[family]
        for source, destination, direction, number in ((a, b, there, spi), (b, a, back, spi + 0x100)):
            text += f"""add {source} {destination} esp-udp {number} -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
                spdadd {source} {destination} {protocol} -P {direction} ipsec esp/transport//require;\n"""
    return text


class KeyDaemon:
    """On `node`, until stopped."""

    def __init__(self, node, family, option, address="any"):
        self.process = node.popen(sys.executable, KEY_DAEMON, "answer", family, option, address, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        first = self.process.stdout.readline().strip()
        check(first == "ready", f"a key daemon binds 4500 ({'IPv' + family}, {option}, {address})", first)

    def stop(self):
        self.process.kill()
        rest, _ = self.process.communicate()
        check(rest == "", "it saw nothing but IKE", rest)


def unclaimed(node):
    return int(next(line for line in node.testudo("status").splitlines() if line.startswith("ike_unclaimed")).split()[1])


def both_work(left, family, count=10):
    """IKE asked and answered while ESP in UDP goes both ways."""
    pinging = left.popen(*pinger(RIGHT[family], count=40, interval=0.01), stdout=subprocess.PIPE, text=True)
    asked = left.exec(sys.executable, KEY_DAEMON, "ask", family, RIGHT[family], count)
    check(asked.stdout.strip() == str(count), f"IPv{family}: {count} IKE messages, {count} answers", asked.stdout + asked.stderr)
    pings, _ = pinging.communicate()
    check(pinging.returncode == 0, f"IPv{family}: meanwhile no ESP was lost", pings)


def nobody_there(left, right):
    say("no key daemon")
    before = unclaimed(right)
    for family in PING:
        left.ping(RIGHT[family])
        asking = left.exec(sys.executable, "-c", f"import socket; s = socket.socket(socket.AF_INET{'6' if family == '6' else ''}, "
                           f"socket.SOCK_DGRAM); [s.sendto(bytes(4) + b'anybody?', ('{RIGHT[family]}', 4500)) for _ in range(5)]")
        check(asking.returncode == 0, f"IPv{family}: five IKE messages for nobody")
    check(until(lambda: unclaimed(right) == before + 10), "they are counted", unclaimed(right))


def daemons_of_all_kinds(left, right):
    say("key daemons that bind in one way or another")
    for family, option, address in (("4", "reuseport", "any"), ("4", "reuseaddr", "any"), ("4", "reuseaddr", RIGHT["4"]),
                                    ("6", "reuseaddr", "any"), ("6", "reuseport", "any")):
        daemon = KeyDaemon(right, family, option, address)
        both_work(left, family)
        daemon.stop()


def restarts(left, right):
    say("the key daemon first, then testudod; then each of them again")
    right.stop_testudod()
    daemon = KeyDaemon(right, "4", "none")
    right.start_testudod()
    right.setkey(script("in", "out"))
    both_work(left, "4")
    daemon.stop()
    daemon = KeyDaemon(right, "4", "reuseaddr")
    both_work(left, "4")
    right.stop_testudod()
    asked = left.exec(sys.executable, KEY_DAEMON, "ask", "4", RIGHT["4"], 3)
    check(asked.stdout.strip() == "3", "IKE does without testudod", asked.stdout + asked.stderr)
    right.start_testudod()
    right.setkey(script("in", "out"))
    both_work(left, "4")
    daemon.stop()
    left.ping(RIGHT["4"])


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, "10.4.0.1/24 fd04::1/64", right, "10.4.0.2/24 fd04::2/64")
        # A firewall that knows 4500 only, and lets nothing else in.
        right.exec("nft", "table inet wall { chain in { type filter hook input priority 0; policy drop; iifname != to-left accept; "
                   "udp dport 4500 accept; icmpv6 type { 133-137 } accept; iifname testudo0 accept; }; }")
        left.start_testudod()
        right.start_testudod()
        left.setkey(script("out", "in"))
        right.setkey(script("in", "out"))
        nobody_there(left, right)
        with wire.capture() as seen:
            daemons_of_all_kinds(left, right)
        seen.only("IPv4 UDP ESP", "IPv6 UDP ESP")  # ESP or IKE, by UDP 4500
        restarts(left, right)
        right.stop_testudod()
        check("testudo_" not in right.exec("nft", "list", "tables").stdout, "no table is left")


if __name__ == "__main__":
    main()
