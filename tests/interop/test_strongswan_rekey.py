#!/usr/bin/env python3
"""racoon and strongSwan's charon replace the keys of each other's SAs, and phase 1, while a hundred pings a second cross:
all leave here, and every answer that charon sends is delivered.  charon itself may lose one between its old SA and its new
one, on a busy machine.

    10.8.0.1 left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right 10.9.0.1
"""
import os
import re

from test_strongswan_ike import Charon, skip_without_charon
from test_strongswan_certificates import stop, two_networks
from lib import BIN, Lab, check, pinger, say, until

LEFT, RIGHT, KEY, SECONDS = "10.2.3.4", "10.2.3.5", "mekmitasdigoat", 26
SWANCTL = """connections {{ c {{
  version = 1
  local_addrs = {right}
  remote_addrs = {left}
  proposals = aes128-sha256-curve25519
  encap = yes
  rekey_time = {phase1}
  over_time = 10s
  rand_time = 0
  local {{ auth = psk
  }}
  remote {{ auth = psk
  }}
  children {{ c {{
    local_ts = 10.9.0.0/24
    remote_ts = 10.8.0.0/24
    esp_proposals = aes128-sha256-curve25519
    {child}
  }} }}
}} }}
secrets {{ ike-1 {{ secret = "{key}"
}} }}
"""
RACOON = """
path pre_shared_key "{directory}/psk.txt";
remote anonymous {{ exchange_mode main; nat_traversal on; lifetime time {phase1} sec;
    proposal {{ encryption_algorithm aes 128; hash_algorithm sha256; authentication_method pre_shared_key; dh_group curve25519; }} }}
sainfo anonymous {{ pfs_group curve25519; lifetime time {child} sec;
    encryption_algorithm aes 128; authentication_algorithm hmac_sha256; compression_algorithm deflate; }}
"""


def start_racoon(node, phase1, child):
    directory, log = node.run_dir, node.run_dir / "racoon.log"
    (directory / "psk.txt").write_text(f"{RIGHT} {KEY}\n")
    os.chmod(directory / "psk.txt", 0o600)
    (directory / "racoon.conf").write_text(RACOON.format(directory=directory, phase1=phase1, child=child))
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen(BIN / "racoon", "-F", "-f", directory / "racoon.conf", "--run-dir", directory, stdout=out, stderr=out)
    check(until(lambda: "[4500] used for NAT-T" in log.read_text()), "racoon runs", log.read_text())
    return process, log.read_text


def packets(node):
    """From host, from wire, to wire, to host, as testudod counts them."""
    found = re.search(r"packets +(\d+) from host, (\d+) from wire, (\d+) to wire, (\d+) to host", node.testudo("status"))
    return [int(number) for number in found.groups()]


def ping_through(node, address, charon):
    count, before = SECONDS * 100, packets(node)
    said = node.exec(*pinger(address, count, interval=0.01), check=False).stdout
    sent, came, left, delivered = (now - then for now, then in zip(packets(node), before))
    check(sent == left == count, f"all {count} pings leave", f"{sent} {left} {said}")
    check(came == delivered, f"and all {came} answers are delivered", f"{came} {delivered} {said}")
    check(count - came <= count // 100, "which are nearly as many", said + charon.text()[-5000:])


def renew(left, right, ours):
    say(f"-- {'racoon' if ours else 'charon'} renews")
    child = "rekey_time = 0" if ours else "rekey_time = 6s\n    life_time = 10s\n    rand_time = 0"
    charon = Charon(right, SWANCTL.format(left=LEFT, right=RIGHT, key=KEY, phase1=0 if ours else "15s", child=child))
    racoon, log = start_racoon(left, *((20, 8) if ours else (28800, 28800)))
    if ours:
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
    until(lambda: "CHILD_SA c{1} established" in charon.text())
    ping_through(left, "10.9.0.1", charon)
    children, phases = log().count("IPsec-SA established"), log().count("ISAKMP-SA established")
    check(children >= 4, f"by then there were {children} pairs of SAs", log())
    check(phases >= 2, f"and {phases} of phase 1", log())
    stop(racoon)
    charon.stop()


def main():
    skip_without_charon()
    with Lab() as lab:
        left, right = two_networks(lab)
        renew(left, right, True)
        renew(left, right, False)
    say(f"strongSwan, rekey: 2 scenarios, in each {SECONDS * 100} pings")


if __name__ == "__main__":
    main()
