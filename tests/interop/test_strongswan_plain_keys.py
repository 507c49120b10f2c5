#!/usr/bin/env python3
"""racoon and strongSwan's charon prove themselves by RSA keys without certificates, in both roles: keys of openssl(1), which
plainrsa-gen converts for racoon.  Then charon signs with a key that racoon's file does not have.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right

charon is asked for ESP in UDP, which is all that its kernel-libipsec knows.
"""
import shutil
import sys

from test_strongswan_certificates import stop, two_networks
from test_strongswan_ike import carry, Charon, skip_without_charon
from lib import BIN, Lab, check, run, say, until

LEFT, RIGHT = "10.2.3.4", "10.2.3.5"
SWANCTL = """connections {{ c {{
  version = 1
  local_addrs = {right}
  remote_addrs = {left}
  proposals = aes128-sha256-modp2048
  encap = yes
  local {{ auth = pubkey
    pubkeys = {keys}/{own}.pub
    id = {right}
  }}
  remote {{ auth = pubkey
    pubkeys = {keys}/left.pub
    id = {left}
  }}
  children {{ c {{
    local_ts = 10.9.0.0/24
    remote_ts = 10.8.0.0/24
    esp_proposals = aes128-sha256-modp2048
    rekey_time = 0
  }} }}
}} }}
"""
RACOON = """
path certificate "{keys}";
remote anonymous {{ exchange_mode main; nat_traversal on;
    certificate_type plain_rsa "left.rsa"; peers_certfile plain_rsa "peers";
    proposal {{ encryption_algorithm aes 128; hash_algorithm sha256; authentication_method rsasig; dh_group modp2048; }} }}
sainfo anonymous {{ pfs_group modp2048; encryption_algorithm aes 128; authentication_algorithm hmac_sha256; compression_algorithm deflate; }}
"""


def make_keys(directory):
    private = directory.parent / "charon" / "private"  # where swanctl(8) looks for keys: beside its swanctl.conf
    private.mkdir(parents=True)
    directory.mkdir()
    for name in ("left", "right", "stranger"):
        run("openssl", "genrsa", "-out", directory / f"{name}.pem", "2048")
        run("openssl", "rsa", "-in", directory / f"{name}.pem", "-pubout", "-out", directory / f"{name}.pub")
        if name != "left":
            shutil.copy(directory / f"{name}.pem", private)
    run(BIN / "plainrsa-gen", "-i", directory / "left.pem", "-f", directory / "left.rsa")
    public = run(BIN / "plainrsa-gen", "-i", directory / "right.pub").stdout
    (directory / "peers").write_text(f"{LEFT} {RIGHT} {public}")
    return directory


def start_racoon(node, keys):
    directory = node.run_dir
    (directory / "racoon.conf").write_text(RACOON.format(keys=keys))
    log = directory / "racoon.log"
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen(BIN / "racoon", "-F", "-f", directory / "racoon.conf", "--run-dir", directory, stdout=out, stderr=out)
    until(lambda: process.poll() is not None or "[4500] used for NAT-T" in log.read_text())
    check(process.poll() is None, f"racoon of {node.name} runs", log.read_text())
    return process, log.read_text


def negotiate(left, right, keys, ours, own="right"):
    charon = Charon(right, SWANCTL.format(left=LEFT, right=RIGHT, keys=keys, own=own))
    racoon, log = start_racoon(left, keys)
    if ours:
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    return charon, racoon, log


def believed(left, right, keys, ours):
    say(f"-- {'racoon' if ours else 'charon'} begins")
    charon, racoon, log = negotiate(left, right, keys, ours)
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
    check(f"authentication of '{LEFT}' with RSA_EMSA_PKCS1_NULL successful" in charon.text(), "charon believes racoon", charon.text())
    carry(charon, left, "10.8.0.1", right, "10.9.0.1")
    stop(racoon)
    charon.stop()


def refused(left, right, keys):
    say("-- charon has another key than racoon's file says")
    charon, racoon, log = negotiate(left, right, keys, False, own="stranger")
    check(until(lambda: "signature is wrong; ours: RSA 2048" in log()), "racoon says why", log() + charon.text())
    # 25 is INVALID-SIGNATURE; charon believes nothing that comes in clear.
    check(until(lambda: "[ N((25)) ]" in charon.text()), "and charon is told", charon.text())
    stop(racoon)
    charon.stop()


def main():
    skip_without_charon()
    if not shutil.which("openssl"):
        say("skipped: needs openssl(1)")
        sys.exit(77)
    with Lab() as lab:
        keys = make_keys(lab.directory / "keys")
        left, right = two_networks(lab)
        believed(left, right, keys, True)
        believed(left, right, keys, False)
        refused(left, right, keys)


if __name__ == "__main__":
    main()
