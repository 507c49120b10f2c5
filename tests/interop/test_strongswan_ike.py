#!/usr/bin/env python3
"""racoon and strongSwan's charon negotiate by IKEv1: main mode with pre-shared keys and quick mode with PFS, in both roles.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    testudod, racoon                                   charon

charon's user-space ESP knows UDP encapsulation only: here the messages are judged, packets in
test_strongswan_nat.  charon chooses or answers a proposal of ESP before it finds that it cannot install it.
"""
from charon import Charon, begin, skip_without_charon, swanctl_conf  # which says where lib is
from lib import Lab, check, say
from networks import LEFT, RIGHT, transport, two_hosts
from racoon import KEY, Racoon, racoon_conf

# charon's words, and ours for phase 1: cipher, hash, group; for phase 2: cipher, MAC.
SUITES = [
    ("aes128-sha1-modp2048", "aes128-sha1-modp2048", ("aes 128", "sha1", "modp2048"), ("aes 128", "hmac_sha1")),
    ("3des-md5-modp1024", "3des-md5-modp1024", ("3des", "md5", "modp1024"), ("3des", "hmac_md5")),
    ("aes256-sha256-ecp256", "aes256-sha256-ecp256", ("aes 256", "sha256", "ecp256"), ("aes 256", "hmac_sha256")),
    ("aes256-sha512-curve25519", "aes256gcm16-curve25519", ("aes 256", "sha512", "curve25519"), ("aes_gcm_16 256", "hmac_sha1")),
]


def negotiate(left, right, suite, ours):
    say(f"-- {suite[0]} / {suite[1]}, {'racoon' if ours else 'charon'} begins")
    phase1, phase2, our_suite, our_esp = suite
    charon = Charon(right, swanctl_conf(more="", child="mode = transport", phase1=phase1, phase2=phase2))
    conf = racoon_conf("exchange_mode main;", suite=our_suite, esp=our_esp, sainfo=f"pfs_group {our_suite[2]};")
    racoon = Racoon(left, conf, f"{RIGHT} {KEY}\n")
    said = begin(ours, left, charon, RIGHT)
    if ours:
        racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    else:
        check("parsed QUICK_MODE response" in said and "selected proposal: ESP" in said, "charon takes racoon's quick mode", said + racoon.text())
    check("ISAKMP-SA established" in racoon.text() and "established between" in charon.text(), "phase 1 is established on both sides", racoon.text())
    racoon.stop()
    charon.stop()


def main():
    skip_without_charon()
    with Lab() as lab:
        left, right, _ = two_hosts(lab)
        left.start_testudod()
        left.setkey(transport(LEFT, RIGHT))
        count = 0
        for suite in SUITES:
            for ours in (True, False):
                negotiate(left, right, suite, ours)
                count += 1
        say(f"strongSwan: {count} negotiations, both roles")


if __name__ == "__main__":
    main()
