#!/usr/bin/env python3
"""racoon and strongSwan's charon in aggressive mode: pre-shared keys under names and RSA signatures, in both roles; what
racoon says when a key or a mode differs.  Then racoon and racoon, also in base mode, which charon never had.

    10.8.0.1 left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right 10.9.0.1

charon's `encap = yes` pretends a NAT: NAT-D of messages 2 and 3 say so, and ESP goes by UDP 4500.
"""
import os
import shutil
import sys

from charon import AGGRESSIVE_PSK
from test_strongswan_certificates import make_certificates, policies, stop, two_networks
from test_strongswan_ike import carry, Charon, skip_without_charon
from lib import BIN, Lab, check, say, until

LEFT, RIGHT, KEY = "10.2.3.4", "10.2.3.5", "mekmitasdigoat"
SWANCTL = """connections {{ c {{
  version = 1
  aggressive = {aggressive}
  local_addrs = {right}
  remote_addrs = {left}
  proposals = aes128-sha256-modp2048
  encap = yes
  local {{ {local}
  }}
  remote {{ {remote}
  }}
  children {{ c {{
    local_ts = 10.9.0.0/24
    remote_ts = 10.8.0.0/24
    esp_proposals = aes128-sha256-modp2048
    rekey_time = 0
  }} }}
}} }}
secrets {{ ike-1 {{ secret = "{key}"
}} }}
"""
PSK = {"local": "auth = psk\n    id = right.example", "remote": "auth = psk\n    id = left.example"}
RACOON = """
path pre_shared_key "{directory}/psk.txt";
path certificate "{pki}";
remote anonymous {{ exchange_mode {modes}; nat_traversal on;
    {identifiers}
    proposal {{ encryption_algorithm aes 128; hash_algorithm sha256; authentication_method {method}; dh_group modp2048; }} }}
sainfo anonymous {{ pfs_group modp2048; encryption_algorithm aes 128; authentication_algorithm hmac_sha256; compression_algorithm deflate; }}
"""
NAMES = 'my_identifier fqdn "{me}.example";'
CERTIFICATES = 'certificate_type x509 "{me}.pem" "{me}.key"; ca_type x509 "ca.pem"; my_identifier asn1dn;'


def start_racoon(node, pki, modes="aggressive", method="pre_shared_key", key=KEY):
    directory, log = node.run_dir, node.run_dir / "racoon.log"
    other = "right" if node.name == "left" else "left"
    (directory / "psk.txt").write_text(f"{other}.example {key}\n")
    os.chmod(directory / "psk.txt", 0o600)
    identifiers = (NAMES if method == "pre_shared_key" else CERTIFICATES).format(me=node.name)
    (directory / "racoon.conf").write_text(RACOON.format(directory=directory, pki=pki, modes=modes, method=method, identifiers=identifiers))
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen(BIN / "racoon", "-F", "-f", directory / "racoon.conf", "--run-dir", directory, stdout=out, stderr=out)
    until(lambda: process.poll() is not None or "[4500] used for NAT-T" in log.read_text())
    check(process.poll() is None, f"racoon of {node.name} runs", log.read_text())
    return process, log.read_text


def charon_of(right, pki, key=KEY, aggressive="yes", certificates=False):
    ends = PSK if not certificates else {
        "local": f'auth = pubkey\n    certs = {pki}/right.pem\n    id = right.example',
        "remote": f'auth = pubkey\n    cacerts = {pki}/ca.pem\n    id = "O=Example, CN=left"'}
    return Charon(right, SWANCTL.format(left=LEFT, right=RIGHT, key=key, aggressive=aggressive, **ends), AGGRESSIVE_PSK)


def traffic(left):
    left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)


def negotiate(left, right, pki, method, ours):
    say(f"-- aggressive mode, {method}, {'racoon' if ours else 'charon'} begins")
    charon = charon_of(right, pki, certificates=method == "rsasig")
    racoon, log = start_racoon(left, pki, method=method)
    if ours:
        traffic(left)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
    check("aggressive mode" in log() and "parsed AGGRESSIVE" in charon.text(), "by aggressive mode", log())
    carry(charon, left, "10.8.0.1", right, "10.9.0.1")
    stop(racoon)
    charon.stop()


def refused(left, right, pki, ours, changes, words):
    say(f"-- {changes}, {'racoon' if ours else 'charon'} begins")
    charon = charon_of(right, pki, **{k: v for k, v in changes.items() if k in ("key", "aggressive")})
    racoon, log = start_racoon(left, pki, modes=changes.get("modes", "aggressive"))
    if ours:
        traffic(left)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "3")
    check(until(lambda: words in log()), f"racoon says why: {words}", log() + charon.text())
    check("IPsec-SA established" not in log(), "and has no SAs", log())
    stop(racoon)
    charon.stop()


def with_racoon(left, right, pki, modes, method="pre_shared_key"):
    say(f"-- racoon and racoon, {modes}, {method}")
    ends = [start_racoon(node, pki, modes=modes, method=method) for node in (left, right)]
    traffic(left)
    for _, log in ends:
        check(until(lambda log=log: "IPsec-SA established" in log()), "there are SAs", log())
    left.ping("10.9.0.1")
    check(f"{modes.split(',')[0]} mode" in ends[1][1](), "by the first mode", ends[1][1]())
    for process, _ in ends:
        stop(process)


def main():
    skip_without_charon()
    if not shutil.which("openssl"):
        say("skipped: needs openssl(1)")
        sys.exit(77)
    with Lab() as lab:
        pki = make_certificates(lab.directory / "pki")
        left, right = two_networks(lab)
        for method in ("pre_shared_key", "rsasig"):
            for ours in (True, False):
                negotiate(left, right, pki, method, ours)
        refused(left, right, pki, True, {"key": "another"}, "pre-shared key does not match")
        refused(left, right, pki, False, {"key": "another"}, "pre-shared key does not match")
        refused(left, right, pki, False, {"modes": "main"}, "exchange mode does not match; ours: main mode; theirs: aggressive mode")
        right.start_testudod()
        policies(right, "10.9.0.0/24", "10.8.0.0/24", RIGHT, LEFT)
        with_racoon(left, right, pki, "aggressive,main")
        with_racoon(left, right, pki, "base")
        with_racoon(left, right, pki, "base", "rsasig")


if __name__ == "__main__":
    main()
