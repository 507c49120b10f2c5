#!/usr/bin/env python3
"""racoon on two hosts: a ping asks for keys, IKE makes them, ESP carries the replies.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    testudod, racoon                     testudod, racoon

The policies cover everything between the two hosts, IKE's own packets with it, as in the NetBSD IPsec FAQ.  Then a wrong
key, and proposals that do not match: both sides say why.
"""
import signal

from faq_racoon import FaqRacoon, faq_hosts
from lib import Lab, check, say, until
from networks import LEFT, RIGHT, first_ping, transport
from racoon import agree, stop_all


def keyed(lab, left, right, wire):
    say("-- a ping brings the keys, also when one before found no racoon")
    left.ping(RIGHT, count=1, answered=False)
    daemons = [FaqRacoon(left, RIGHT), FaqRacoon(right, LEFT)]
    with wire.capture() as seen:
        agree(daemons, RIGHT)
        right.ping(LEFT)
    seen.only("IPv4 UDP", "IPv4 ESP")
    messages = {frame[28:] for frame, kind in zip(seen.frames, seen.packets) if kind == "IPv4 UDP"}
    check(len(messages) == 9, "six messages of main mode and three of quick mode", str(seen.packets))
    for daemon in daemons:
        daemon.has_few_privileges()
    for node in (left, right):
        dump = node.setkey("dump;").stdout
        check(dump.count("E: aes-cbc") == 2 and dump.count("A: hmac-sha1") == 2, f"setkey -D of {node.name} shows both SAs", dump)
    say("-- what an administrator removes goes on both sides, and comes back when it is needed")
    left.setkey("flush;")
    check(until(lambda: "mature" not in right.setkey("dump;").stdout), "the SAs are gone on the other side too", daemons[1].text())
    first_ping(left, RIGHT)
    check(until(lambda: left.setkey("dump;").stdout.count("mature") == 2), "there are new ones", daemons[0].text())
    left.ping(RIGHT)
    check("192.0.0.8" not in daemons[0].text(), "no socket has the address of testudod's device", daemons[0].text())
    daemons[0].stop()
    for node in (left, right):
        check(until(lambda: "mature" not in node.setkey("dump;").stdout), f"{node.name}: the SAs are gone with the daemon of one side",
              node.setkey("dump;").stdout + daemons[0].text() + daemons[1].text())
    daemons[1].stop()


def recovers(lab, left, right):
    say("-- testudod is killed and comes again: the next packets get new SAs")
    daemons = [FaqRacoon(left, RIGHT, more="dpd_delay 1; dpd_retry 1; dpd_maxfail 2;"), FaqRacoon(right, LEFT)]
    first_ping(left, RIGHT)
    daemons[0].says("IPsec-SA established", "phase 2 is established")
    left.stop_testudod(signal.SIGKILL)
    daemons[0].says("waiting for the next one", "testudod is gone")
    left.start_testudod()
    left.setkey(transport(LEFT, RIGHT))
    daemons[0].says("testudod is there again", "testudod is there again")
    until(lambda: first_ping(left, RIGHT).returncode == 0)
    left.ping(RIGHT)
    check(right.setkey("dump;").stdout.count("mature") == 2, "the other side has no SA of before", right.setkey("dump;").stdout)
    say("-- the other racoon is killed: its SAs go, and the one that comes gets new ones")
    daemons[1].process.kill()
    daemons[0].says("seems to be dead.", "dead peer detection")
    check(until(lambda: "mature" not in left.setkey("dump;").stdout), "the SAs are gone", left.setkey("dump;").stdout)
    daemons[1] = FaqRacoon(right, LEFT)
    until(lambda: first_ping(left, RIGHT).returncode == 0)
    left.ping(RIGHT)
    stop_all(daemons)


def refused(lab, left, right, wire, words, why, **changed):
    say(f"-- {why}")
    daemons = [FaqRacoon(left, RIGHT), FaqRacoon(right, LEFT, **changed)]
    with wire.capture() as seen:
        left.ping(RIGHT, count=1, answered=False)
        for daemon, text in zip(daemons, words):
            daemon.says(text, why)
    check(seen.count("IPv4 ICMP") == 0, "nothing goes in clear", str(seen.packets))
    stop_all(daemons)


def main():
    with Lab() as lab:
        left, right, wire = faq_hosts(lab)
        keyed(lab, left, right, wire)
        recovers(lab, left, right)
        refused(lab, left, right, wire, ["pre-shared key does not match"] * 2, "another key", key="another")
        refused(lab, left, right, wire, ["NO-PROPOSAL-CHOSEN", "DH group does not match; ours: modp2048; theirs: modp1024"],
                "another group", group="modp2048")
        refused(lab, left, right, wire, ["phase 2 with", "algorithms does not match"], "another cipher of ESP", cipher="3des")
        refused(lab, left, right, wire, ["AUTHENTICATION-FAILED", "psk.txt has weak file permission"], "a psk.txt that others can read", mode=0o644)


if __name__ == "__main__":
    main()
