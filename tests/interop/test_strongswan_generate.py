#!/usr/bin/env python3
"""charon comes as a road warrior to a racoon that has no policies: generate_policy makes them of what charon asks for, and
they go with it.  Then it asks for what the administrator has, and for everything: it is refused, and hears so.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    10.8.0.1, racoon                              charon, 10.9.0.1

charon is asked for ESP in UDP, which is all that its kernel-libipsec knows.
"""
import os

from test_strongswan_certificates import stop, two_networks
from test_strongswan_ike import KEY, LEFT, RIGHT, Charon, skip_without_charon
from lib import BIN, Lab, check, say, transfer, until

SWANCTL = """connections {{ c {{
  version = 1
  local_addrs = {right}
  remote_addrs = {left}
  proposals = aes128-sha256-modp2048
  encap = yes
  local {{ auth = psk
  }}
  remote {{ auth = psk
  }}
  children {{ c {{
    local_ts = {own}
    remote_ts = 10.8.0.0/24
    esp_proposals = aes128-sha256-modp2048
    rekey_time = 0
  }} }}
}} }}
secrets {{ ike-1 {{ secret = "{key}"
}} }}
"""
RACOON = """
path pre_shared_key "{directory}/psk.txt";
remote anonymous {{ exchange_mode main; nat_traversal on; passive on; generate_policy {level};
    proposal {{ encryption_algorithm aes 128; hash_algorithm sha256; authentication_method pre_shared_key; dh_group modp2048; }} }}
sainfo anonymous {{ pfs_group modp2048; encryption_algorithm aes 128; authentication_algorithm hmac_sha256; compression_algorithm deflate; }}
"""


def start_racoon(node, level):
    directory = node.run_dir
    (directory / "psk.txt").write_text(f"{RIGHT} {KEY}\n")
    os.chmod(directory / "psk.txt", 0o600)
    (directory / "racoon.conf").write_text(RACOON.format(directory=directory, level=level))
    log = directory / "racoon.log"
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen(BIN / "racoon", "-F", "-f", directory / "racoon.conf", "--run-dir", directory, stdout=out, stderr=out)
    until(lambda: process.poll() is not None or "[4500] used for NAT-T" in log.read_text())
    check(process.poll() is None, f"racoon of {node.name} runs", log.read_text())
    return process, log.read_text


def policies_of(node):
    return node.setkey("spddump;").stdout


def begin(left, right, level, own):
    racoon, log = start_racoon(left, level)
    charon = Charon(right, SWANCTL.format(left=LEFT, right=RIGHT, own=own, key=KEY))
    charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    return charon, racoon, log


def served(left, right, level, own):
    say(f"-- generate_policy {level}, charon asks for {own}")
    charon, racoon, log = begin(left, right, level, own)
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
    check(until(lambda: "CHILD_SA c{1} established" in charon.text()), "charon has them", charon.text())
    made = policies_of(left)
    check(made.count("ipsec") == 2 and f"10.8.0.0/24[any] {own.removesuffix('/32')}[any]" in made, "both policies are what charon asked for", made)
    left.ping("10.9.0.1")
    right.ping("10.8.0.1")
    transfer(right, left, "10.8.0.1", megabytes=5, port=2000)
    charon.swanctl("--terminate", "--ike", "c", "--timeout", "15")
    check(until(lambda: "ipsec" not in policies_of(left)), "they go with charon's SAs", policies_of(left) + log())
    stop(racoon)
    charon.stop()


def refused(left, right, own, words):
    say(f"-- charon asks for {own}, and may not have it")
    charon, racoon, log = begin(left, right, "on", own)
    check(until(lambda: words in log()), "racoon says why", log() + charon.text())
    check(until(lambda: "received INVALID_ID_INFORMATION error notify" in charon.text()), "charon hears it", charon.text())
    stop(racoon)
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
