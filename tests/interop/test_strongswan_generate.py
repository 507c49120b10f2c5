#!/usr/bin/env python3
"""charon comes as a road warrior to a racoon that has no policies: generate_policy makes them of what charon asks for, and
they go with it.  Then it asks for what the administrator has, and for everything: it is refused, and hears so.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    10.8.0.1, racoon                              charon, 10.9.0.1

charon is asked for ESP in UDP, which is all that its kernel-libipsec knows.
"""
from charon import NETWORKS, Charon, skip_without_charon, swanctl_conf
from lib import Lab, check, say, transfer, until
from networks import RIGHT, two_networks
from racoon import KEY, NAT_T, Racoon, racoon_conf


def policies_of(node):
    return node.setkey("spddump;").stdout


def asked(left, right, level, own):
    """Both daemons, after charon asked for this network of its own."""
    conf = racoon_conf(f"exchange_mode main; nat_traversal on; passive on; generate_policy {level};")
    racoon = Racoon(left, conf, f"{RIGHT} {KEY}\n", ready=NAT_T)
    charon = Charon(right, swanctl_conf(child=NETWORKS.replace("10.9.0.0/24", own)))
    charon.initiate()
    return charon, racoon


def served(left, right, level, own):
    say(f"-- generate_policy {level}, charon asks for {own}")
    charon, racoon = asked(left, right, level, own)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    charon.says("CHILD_SA c{1} established", "has them")
    made = policies_of(left)
    check(made.count("ipsec") == 2 and f"10.8.0.0/24[any] {own.removesuffix('/32')}[any]" in made, "both policies are what charon asked for", made)
    left.ping("10.9.0.1")
    right.ping("10.8.0.1")
    transfer(right, left, "10.8.0.1", megabytes=5, port=2000)
    charon.swanctl("--terminate", "--ike", "c", "--timeout", "15")
    check(until(lambda: "ipsec" not in policies_of(left)), "they go with charon's SAs", policies_of(left) + racoon.text())
    racoon.stop()
    charon.stop()


def refused(left, right, own, words):
    say(f"-- charon asks for {own}, and may not have it")
    charon, racoon = asked(left, right, "on", own)
    racoon.says(words, "says why", peer=charon)
    charon.says("received INVALID_ID_INFORMATION error notify", "hears it")
    racoon.stop()
    charon.stop()


def main():
    skip_without_charon()
    with Lab() as lab:
        left, right = two_networks(lab)
        left.setkey("spdflush;")
        for level, own in (("on", "10.9.0.0/24"), ("unique", "10.9.0.1/32")):
            served(left, right, level, own)
        left.setkey("spdadd 10.8.0.0/24 10.9.0.0/25 any -P out discard;")
        refused(left, right, "10.9.0.0/24", "networks overlap those of a policy; ours: 10.8.0.0/24 to 10.9.0.0/25")
        left.setkey("spdflush;")
        refused(left, right, "0.0.0.0/0", "a peer cannot have all addresses")


if __name__ == "__main__":
    main()
