#!/usr/bin/env python3
"""Packets keep flowing while SAs and policies are loaded, dumped and flushed by the thousand: nothing of a protected
stream is lost, and it is not silent for as long as the kernel takes to list the rules.

TESTUDO_STEADY: how many SAs, and twice as many policies (10000)."""
import os
import struct
import subprocess
import sys
import threading
import time

from lib import BIN, Lab, check, run, say

COUNT = int(os.environ.get("TESTUDO_STEADY", "10000"))
PERIOD = 0.001
PORT = 7007
KEYS = """
add 10.2.3.4 10.2.3.5 esp 0x1001 -E aes-gcm-16 0x000102030405060708090a0b0c0d0e0f10111213;
add 10.2.3.5 10.2.3.4 esp 0x1002 -E aes-gcm-16 0x100102030405060708090a0b0c0d0e0f10111213;
"""
OURS = """
spdadd 10.2.3.4 10.2.3.5 any -P out ipsec esp/transport//require;
spdadd 10.2.3.5 10.2.3.4 any -P in ipsec esp/transport//require;
"""
THEIRS = OURS.replace("-P out", "-P x").replace("-P in", "-P out").replace("-P x", "-P in")


def sas():
    return "".join(f"add 10.{n >> 16}.{n >> 8 & 255}.{n & 255} 10.200.0.1 ah {0x10000 + n} "
                   f"-A hmac-sha256 0x{n:064x};\n" for n in range(1, COUNT + 1))


def policies():
    return "".join(f"spdadd 10.{n >> 16}.{n >> 8 & 255}.{n & 255} 20.{n % 7}.0.0/16 any -P {'in' if n % 2 else 'out'} "
                   "ipsec esp/transport//require;\n" for n in range(1, 2 * COUNT + 1))


class Stream:
    """A datagram a millisecond from one node to the other, and when each arrived."""

    def __init__(self, sender, receiver, address):
        self.arrivals = []
        self.sink = receiver.popen(sys.executable, __file__, "sink", stdout=subprocess.PIPE)
        self.sink.stdout.readline()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.source = sender.popen(sys.executable, __file__, "source", address)

    def read(self):
        while line := self.sink.stdout.readline():
            self.arrivals.append(tuple(map(float, line.split())))

    def longest_silence(self, since):
        """Between two arrivals, and how many datagrams of those that were sent did not arrive."""
        seen = [a for a in self.arrivals if a[1] >= since]
        gaps = [b[1] - a[1] for a, b in zip(seen, seen[1:])]
        lost = seen[-1][0] - seen[0][0] + 1 - len(seen) if seen else -1
        return max(gaps, default=float("inf")), int(lost)


def sink_main():
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE: a sink that has to wait loses nothing
        s.bind(("", PORT))
        print("listening", flush=True)
        while True:
            number = struct.unpack("!Q", s.recv(64)[:8])[0]
            print(number, time.monotonic(), flush=True)


def source_main(address):
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address, PORT))
        number, due = 0, time.monotonic()
        while True:
            try:
                s.send(struct.pack("!Q", number) + bytes(56))
            except OSError:
                pass
            number += 1
            due = max(due + PERIOD, time.monotonic() - 0.02)
            time.sleep(max(0, due - time.monotonic()))


def watched(streams, sentence, work):
    """The longest silence while this was done, and how long it took."""
    time.sleep(0.1)
    start = time.monotonic()
    work()
    took = time.monotonic() - start
    time.sleep(0.1)
    silences = [s.longest_silence(start) for s in streams]
    text = ", ".join(f"{1000 * silence:.0f} ms" for silence, _ in silences)
    check(all(lost == 0 for _, lost in silences), f"{sentence}: {took:.1f} s, the streams' longest silence {text}, nothing lost",
          str(silences))
    return max(silence for silence, _ in silences), took


def setkey(node, *arguments, text=None):
    done = run("ip", "netns", "exec", node.ns, BIN / "setkey", *arguments, check=False, input=text, env=node.environment())
    check(done.returncode == 0 and not done.stderr, "setkey " + " ".join(arguments), done.stdout[-300:] + done.stderr[-300:])
    return done.stdout


def main():
    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        lab.link(a, "10.2.3.4/24", b, "10.2.3.5/24")
        for node, own in ((a, OURS), (b, THEIRS)):
            node.start_testudod()
            node.setkey(KEYS + own)
        a.ping("10.2.3.5")
        streams = [Stream(a, b, "10.2.3.5"), Stream(b, a, "10.2.3.4")]
        time.sleep(1)
        watched(streams, "nothing else", lambda: time.sleep(1))
        watched(streams, f"{COUNT} SAs", lambda: setkey(a, "-f", "-", text=sas()))
        watched(streams, "a dump of them", lambda: setkey(a, "-D"))
        watched(streams, f"{2 * COUNT} policies", lambda: setkey(a, "-f", "-", text=policies()))
        watched(streams, "a dump of them", lambda: setkey(a, "-DP"))
        # Most of what status takes is the kernel's, which lists all rules.  What else keeps packets waiting does so now and then;
        # this would each time.
        parts = [silence / took for silence, took in (watched(streams, "testudo status", lambda: a.testudo("status")) for _ in range(5))]
        check(min(parts) < 0.5, "packets do not wait for it", str(parts))
        watched(streams, "the SAs are flushed", lambda: a.setkey("flush ah;"))
        # What comes by an SA needs no policy; what leaves is in clear now, and no work of the daemon.
        watched(streams[1:], "all policies are flushed", lambda: setkey(a, "-FP"))
        for node in (a, b):
            check(node.stop_testudod() == 0, "the daemon ends well")
    say("steady: passed")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        {"sink": sink_main, "source": source_main}[sys.argv[1]](*sys.argv[2:])
