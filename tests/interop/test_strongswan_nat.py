#!/usr/bin/env python3
"""racoon and strongSwan's charon with a NAT between them: keys by IKEv1, and packets of ESP in UDP both ways.

    10.8.0.1 inside 192.168.1.2 ── nat (nft masquerade) 20.0.0.254 ── 20.0.0.1 outside 10.9.0.1

Either daemon is behind the NAT once, and begins; charon's ESP is that of kernel-libipsec, in user space too.  At last no NAT
is there, and charon's `encap = yes` asks for UDP all the same.
"""
import os

from test_strongswan_ike import carry, Charon, skip_without_charon
from lib import BIN, Lab, check, say, until

KEY = "mekmitasdigoat"
INSIDE, OUTER, OUTSIDE = "192.168.1.2", "20.0.0.254", "20.0.0.1"
SWANCTL = """connections {{ c {{
  version = 1
  local_addrs = {here}
  remote_addrs = {there}
  proposals = aes128-sha256-modp2048
  encap = {encap}
  local {{ auth = psk
  }}
  remote {{ auth = psk
    id = %any
  }}
  children {{ c {{
    local_ts = {net}
    remote_ts = {other}
    esp_proposals = aes128-sha256-modp2048
    rekey_time = 0
  }} }}
}} }}
secrets {{ ike-1 {{ secret = "{key}"
}} }}
"""
RACOON = """
path pre_shared_key "{directory}/psk.txt";
remote anonymous {{ exchange_mode main; nat_traversal on; proposal {{
    encryption_algorithm aes 128; hash_algorithm sha256; authentication_method pre_shared_key; dh_group modp2048; }} }}
sainfo anonymous {{ pfs_group modp2048; encryption_algorithm aes 128; authentication_algorithm hmac_sha256; compression_algorithm deflate; }}
"""


def start_racoon(node, net, other, here, there):
    node.start_testudod()
    node.setkey(f"""
        spdadd {net} {other} any -P out ipsec esp/tunnel/{here}-{there}/require;
        spdadd {other} {net} any -P in ipsec esp/tunnel/{there}-{here}/require;""")
    directory, log = node.run_dir, node.run_dir / "racoon.log"
    (directory / "psk.txt").write_text(f"{there} {KEY}\n")
    os.chmod(directory / "psk.txt", 0o600)
    (directory / "racoon.conf").write_text(RACOON.format(directory=directory))
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen(BIN / "racoon", "-F", "-f", directory / "racoon.conf", "--run-dir", directory, stdout=out, stderr=out)
    check(until(lambda: "[4500] used for NAT-T" in log.read_text()), "racoon runs", log.read_text())
    return process, log.read_text


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
    charon = Charon(theirs, SWANCTL.format(here=their_address, there="%any" if ours_inside else our_address, net=their_net, other=our_net,
                                           key=KEY, encap="no" if natted else "yes"))
    process, log = start_racoon(ours, our_net, their_net, our_address, seen_by_us)
    inner = {inside: "10.8.0.1", outside: "10.9.0.1"}
    with wire.capture() as seen:
        if ours_inside:
            ours.exec("ping", "-n", "-q", "-c", "1", "-W", "1", inner[theirs], check=False)
        else:
            charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
        check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
        carry(charon, ours, inner[ours], theirs, inner[theirs])
    seen.only("IPv4 UDP", "IPv4 UDP ESP", "IPv4 2")  # IGMP, of devices that come up
    check("by RFC 3947, ESP in UDP" in log(), "racoon names the NAT", log())
    process.terminate()
    process.wait(20)
    check(until(lambda: "deleting IKE_SA" in charon.text()), "charon hears that racoon ends", charon.text()[-500:])
    charon.stop()


def main():
    skip_without_charon()
    with Lab() as lab:
        negotiate(lab, "a", True)
        negotiate(lab, "b", False)
        negotiate(lab, "c", False, natted=False)


if __name__ == "__main__":
    main()
