#!/usr/bin/env python3
"""racoon and strongSwan's charon in aggressive mode: pre-shared keys under names and RSA signatures, in both roles; what
racoon says when a key or a mode differs.  Then racoon and racoon, also in base mode, which charon never had.

    10.8.0.1 left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right 10.9.0.1

charon's `encap = yes` pretends a NAT: NAT-D of messages 2 and 3 say so, and ESP goes by UDP 4500.
"""
from charon import AGGRESSIVE_PSK, Charon, begin, carry, certified, keep, skip_without_charon, skip_without_openssl, swanctl_conf
from certificates import make_certificates
from lib import Lab, check, say
from networks import LEFT_INSIDE, RIGHT_INSIDE, protect, two_networks
from racoon import KEY, NAT_T, Racoon, agree, by_certificate, racoon_conf, stop_all

NAMES = {"local": "auth = psk\n    id = right.example", "remote": "auth = psk\n    id = left.example"}


def start_racoon(node, pki, modes="aggressive", method="pre_shared_key", key=KEY):
    other = "right" if node.name == "left" else "left"
    identity = f'my_identifier fqdn "{node.name}.example";' if method == "pre_shared_key" else by_certificate(node.name)
    conf = racoon_conf(f"exchange_mode {modes}; nat_traversal on; {identity}", f'path certificate "{pki}";', method)
    return Racoon(node, conf, f"{other}.example {key}\n", ready=NAT_T)


def start_charon(node, auth, key=KEY):
    return Charon(node, swanctl_conf(auth=auth, key=key, more="encap = yes\n  aggressive = yes"), AGGRESSIVE_PSK)


def negotiate(left, right, pki, method, ours):
    say(f"-- aggressive mode, {method}, {'racoon' if ours else 'charon'} begins")
    charon = start_charon(right, certified(pki) if method == "rsasig" else NAMES)
    racoon = start_racoon(left, pki, method=method)
    begin(ours, left, charon)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    check("aggressive mode" in racoon.text() and "parsed AGGRESSIVE" in charon.text(), "by aggressive mode", racoon.text())
    carry(charon, left, LEFT_INSIDE, right, RIGHT_INSIDE)
    racoon.stop()
    charon.stop()


def refused(left, right, pki, ours, changes, words):
    say(f"-- {changes}, {'racoon' if ours else 'charon'} begins")
    charon = start_charon(right, NAMES, changes.get("key", KEY))
    racoon = start_racoon(left, pki, changes.get("modes", "aggressive"))
    begin(ours, left, charon, seconds=3)
    racoon.says(words, f"says why: {words}", peer=charon)
    check("IPsec-SA established" not in racoon.text(), "and has no SAs", racoon.text())
    racoon.stop()
    charon.stop()


def with_racoon(left, right, pki, modes, method="pre_shared_key"):
    say(f"-- racoon and racoon, {modes}, {method}")
    ends = [start_racoon(node, pki, modes=modes, method=method) for node in (left, right)]
    agree(ends, RIGHT_INSIDE)
    check(f"{modes.split(',')[0]} mode" in ends[1].text(), "by the first mode", ends[1].text())
    stop_all(ends)


def main():
    skip_without_charon()
    skip_without_openssl()
    with Lab() as lab:
        pki = make_certificates(lab.directory / "pki")
        keep(lab, pki / "right.key")
        left, right = two_networks(lab)
        for method in ("pre_shared_key", "rsasig"):
            for ours in (True, False):
                negotiate(left, right, pki, method, ours)
        refused(left, right, pki, True, {"key": "another"}, "pre-shared key does not match")
        refused(left, right, pki, False, {"key": "another"}, "pre-shared key does not match")
        refused(left, right, pki, False, {"modes": "main"}, "exchange mode does not match; ours: main mode; theirs: aggressive mode")
        right.start_testudod()
        protect(right)
        with_racoon(left, right, pki, "aggressive,main")
        with_racoon(left, right, pki, "base")
        with_racoon(left, right, pki, "base", "rsasig")


if __name__ == "__main__":
    main()
