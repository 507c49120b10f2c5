#!/usr/bin/env python3
"""racoon and strongSwan's charon with a NAT between them: keys by IKEv1, and packets of ESP in UDP both ways.

    10.8.0.1 inside 192.168.1.2 ── nat (nft masquerade) 20.0.0.254 ── 20.0.0.1 outside 10.9.0.1

Either daemon is behind the NAT once, and begins; charon's ESP is that of kernel-libipsec, in user space too.  At last no NAT
is there, and charon's `encap = yes` asks for UDP all the same.
"""
from charon import PSK, Charon, begin, carry, skip_without_charon, swanctl_conf
from lib import Lab, check, say
from networks import tunnel
from racoon import KEY, NAT_T, Racoon, racoon_conf

INSIDE, OUTER, OUTSIDE = "192.168.1.2", "20.0.0.254", "20.0.0.1"


def start_charon(node, here, there, net, other, encap):
    child = f"local_ts = {net}\n    remote_ts = {other}\n    rekey_time = 0"
    return Charon(node, swanctl_conf(here, there, PSK | {"remote": "auth = psk\n    id = %any"}, f"encap = {encap}", child))


def start_racoon(node, net, other, here, there):
    node.start_testudod()
    node.setkey(tunnel(net, other, here, there))
    return Racoon(node, racoon_conf("exchange_mode main; nat_traversal on;"), f"{there} {KEY}\n", ready=NAT_T)


def hosts(lab, name, natted):
    inside, outside = lab.node(f"{name}-in"), lab.node(f"{name}-out")
    inside.ip("addr", "add", "10.8.0.1/32", "dev", "lo")
    outside.ip("addr", "add", "10.9.0.1/32", "dev", "lo")
    if not natted:
        wire = lab.link(outside, f"{OUTSIDE}/24", inside, f"{OUTER}/24")
        inside.ip("route", "add", "10.9.0.0/24", "via", OUTSIDE, "src", "10.8.0.1")
    else:
        nat = lab.node(f"{name}-nat")
        lab.link(inside, f"{INSIDE}/24", nat, "192.168.1.1/24")
        wire = lab.link(outside, f"{OUTSIDE}/24", nat, f"{OUTER}/24")
        inside.ip("route", "add", "default", "via", "192.168.1.1")
        inside.ip("route", "add", "10.9.0.0/24", "via", "192.168.1.1", "src", "10.8.0.1")
        nat.forward()
        nat.exec("nft", f"table ip masq {{ chain post {{ type nat hook postrouting priority srcnat; oifname to-{name}-out masquerade random; }}; }}")
    outside.ip("route", "add", "10.8.0.0/24", "via", OUTER, "src", "10.9.0.1")
    return inside, outside, wire


def negotiate(lab, name, ours_inside, natted=True):
    say(f"-- {'racoon' if ours_inside else 'charon'} begins{' behind a NAT' if natted else ', without a NAT'}")
    inside, outside, wire = hosts(lab, name, natted)
    ends = [("10.8.0.0/24", INSIDE if natted else OUTER), ("10.9.0.0/24", OUTSIDE)]
    ours, theirs = (inside, outside) if ours_inside else (outside, inside)
    (our_net, our_address), (their_net, their_address) = ends if ours_inside else ends[::-1]
    seen_by_us = their_address if ours_inside or not natted else OUTER
    charon = start_charon(theirs, their_address, "%any" if ours_inside else our_address, their_net, our_net, "no" if natted else "yes")
    racoon = start_racoon(ours, our_net, their_net, our_address, seen_by_us)
    inner = {inside: "10.8.0.1", outside: "10.9.0.1"}
    with wire.capture() as seen:
        begin(ours_inside, ours, charon, inner[theirs])
        racoon.says("IPsec-SA established", "has both SAs", peer=charon)
        carry(charon, ours, inner[ours], theirs, inner[theirs])
    seen.only("IPv4 UDP", "IPv4 UDP ESP", "IPv4 2")  # IGMP, of devices that come up
    check("by RFC 3947, ESP in UDP" in racoon.text(), "racoon names the NAT", racoon.text())
    racoon.stop()
    charon.says("deleting IKE_SA", "hears that racoon ends")
    charon.stop()


def main():
    skip_without_charon()
    with Lab() as lab:
        negotiate(lab, "a", True)
        negotiate(lab, "b", False)
        negotiate(lab, "c", False, natted=False)


if __name__ == "__main__":
    main()
