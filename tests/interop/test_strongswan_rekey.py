#!/usr/bin/env python3
"""racoon and strongSwan's charon replace the keys of each other's SAs, and phase 1, while a hundred pings a second cross:
all leave here and are on the wire, and every answer that charon puts on the wire is delivered.  So what is missing charon has
lost, between its old SA and its new one, on a busy machine.

    10.8.0.1 left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right 10.9.0.1
"""
import re
import struct

from charon import Charon, begin, skip_without_charon, swanctl_conf
from lib import Lab, Wire, check, pinger, say, until
from networks import LEFT, RIGHT, RIGHT_INSIDE, two_networks
from racoon import KEY, NAT_T, Racoon, racoon_conf

SECONDS, SUITE = 26, "aes128-sha256-curve25519"


def start_racoon(node, phase1, child):
    conf = racoon_conf(f"exchange_mode main; nat_traversal on; lifetime time {phase1} sec;", suite=("aes 128", "sha256", "curve25519"),
                       sainfo=f"pfs_group curve25519; lifetime time {child} sec;")
    return Racoon(node, conf, f"{RIGHT} {KEY}\n", ready=NAT_T)


def start_charon(node, phase1, child):
    more = f"encap = yes\n  rekey_time = {phase1}\n  over_time = 10s\n  rand_time = 0"
    child = f"local_ts = 10.9.0.0/24\n    remote_ts = 10.8.0.0/24\n    {child}"
    return Charon(node, swanctl_conf(more=more, child=child, phase1=SUITE, phase2=SUITE))


def packets(node):
    """From host, from wire, to wire, to host, as testudod counts them."""
    found = re.search(r"packets +(\d+) from host, (\d+) from wire, (\d+) to wire, (\d+) to host", node.testudo("status"))
    return [int(number) for number in found.groups()]


def sealed(seen, source):
    """How many packets of ESP in UDP came from there; without IKE, which has a marker or comes
    from or to port 500, and keepalives.  All are of one size, and
    several at once may pass the veth as one train."""
    sizes = [len(frame) - 28 for frame, kind in zip(seen.frames, seen.packets)
            if kind == "IPv4 UDP ESP" and frame[12:16] == bytes(map(int, source.split("."))) and len(frame) > 36
            and struct.unpack_from("!HH", frame, 20) == (4500, 4500) and frame[28:32] != bytes(4)]
    return sum(size // min(sizes) for size in sizes)


def ping_through(node, wire, address, charon):
    count, before = SECONDS * 100, packets(node)
    with wire.capture() as seen:
        said = node.exec(*pinger(address, count, interval=0.01), check=False).stdout
    requests, answers = sealed(seen, LEFT), sealed(seen, RIGHT)
    sent, came, left, delivered = (now - then for now, then in zip(packets(node), before))
    check(sent == left == count, f"all {count} pings leave", f"{sent} {left} {said}")
    check(requests == count, "all are on the wire", f"{requests} {said}")
    check(answers == came == delivered, f"and all {came} answers that charon sends are delivered", f"{answers} {came} {delivered} {said}")
    check(count - came <= count // 100, "which are nearly as many", said + charon.text()[-5000:])


def renew(left, right, wire, ours):
    say(f"-- {'racoon' if ours else 'charon'} renews")
    child = "rekey_time = 0" if ours else "rekey_time = 6s\n    life_time = 10s\n    rand_time = 0"
    charon = start_charon(right, 0 if ours else "15s", child)
    racoon = start_racoon(left, *((20, 8) if ours else (28800, 28800)))
    begin(ours, left, charon)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    until(lambda: "CHILD_SA c{1} established" in charon.text())
    ping_through(left, wire, RIGHT_INSIDE, charon)
    children, phases = racoon.text().count("IPsec-SA established"), racoon.text().count("ISAKMP-SA established")
    check(children >= 4, f"by then there were {children} pairs of SAs", racoon.text())
    check(phases >= 2, f"and {phases} of phase 1", racoon.text())
    racoon.stop()
    charon.stop()


def main():
    skip_without_charon()
    with Lab() as lab:
        left, right = two_networks(lab)
        wire = Wire(lab, left, "to-right")
        renew(left, right, wire, True)
        renew(left, right, wire, False)
    say(f"strongSwan, rekey: 2 scenarios, in each {SECONDS * 100} pings")


if __name__ == "__main__":
    main()
