#!/usr/bin/env python3
"""racoon and strongSwan's charon negotiate by IKEv1: main mode with pre-shared keys and quick mode with PFS, in both roles.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    testudod, racoon                                   charon

charon's user-space ESP knows UDP encapsulation only: here the messages are judged, packets in
test_strongswan_nat.  charon chooses or answers a proposal of ESP before it finds that it cannot install it.
"""
import atexit
import os
import pathlib
import shutil
import sys

import charon  # which says where lib is
from lib import BIN, Lab, check, say, transfer, until

LEFT, RIGHT, KEY = "10.2.3.4", "10.2.3.5", "mekmitasdigoat"
# charon's words, and ours for phase 1: cipher, hash, group; for phase 2: cipher, MAC.
SUITES = [
    ("aes128-sha1-modp2048", "aes128-sha1-modp2048", ("aes 128", "sha1", "modp2048"), ("aes 128", "hmac_sha1")),
    ("3des-md5-modp1024", "3des-md5-modp1024", ("3des", "md5", "modp1024"), ("3des", "hmac_md5")),
    ("aes256-sha256-ecp256", "aes256-sha256-ecp256", ("aes 256", "sha256", "ecp256"), ("aes 256", "hmac_sha256")),
    ("aes256-sha512-curve25519", "aes256gcm16-curve25519", ("aes 256", "sha512", "curve25519"), ("aes_gcm_16 256", "hmac_sha1")),
]

SWANCTL = """connections {{ c {{
  version = 1
  local_addrs = {right}
  remote_addrs = {left}
  proposals = {phase1}
  local {{ auth = psk
  }}
  remote {{ auth = psk
  }}
  children {{ c {{
    mode = transport
    esp_proposals = {phase2}
  }} }}
}} }}
secrets {{ ike-1 {{ secret = "{key}"
}} }}
"""
RACOON = """
path pre_shared_key "{directory}/psk.txt";
remote anonymous {{ exchange_mode main; proposal {{
    encryption_algorithm {cipher}; hash_algorithm {hash}; authentication_method pre_shared_key; dh_group {group}; }} }}
sainfo anonymous {{ pfs_group {group}; encryption_algorithm {esp}; authentication_algorithm {mac}; compression_algorithm deflate; }}
"""


class Charon(charon.Process):
    def __init__(self, node, connections, more=""):
        super().__init__(node, more)
        check(self.started, "charon runs")
        loaded = self.load(connections)
        check("successfully loaded 1 connections" in loaded, "charon has its configuration", loaded)


AMOUNT = (1000, 100) if os.environ.get("TESTUDO_INTEROP") == "full" else (20, 1)  # pings, megabytes of TCP
carried = []


def carry(peer, left, left_address, right, right_address):
    """Packets both ways over what was negotiated, of which none is lost.  TESTUDO_INTEROP=full: many."""
    until(lambda: "CHILD_SA c{1} established" in peer.text())
    for near, far, address in ((left, right, right_address), (right, left, left_address)):
        near.ping(address, count=AMOUNT[0], interval=0.005)
        transfer(near, far, address, megabytes=AMOUNT[1])
    carried.append(address)
    if len(carried) == 1:
        name = pathlib.Path(sys.argv[0]).stem.removeprefix("test_strongswan_")
        atexit.register(lambda: say(f"strongSwan, {name}: {len(carried)} scenarios, in each {AMOUNT[0]} pings and {AMOUNT[1]} MB each way"))


def start_racoon(node, phase1, phase2):
    directory = node.run_dir
    (directory / "psk.txt").write_text(f"{RIGHT} {KEY}\n")
    os.chmod(directory / "psk.txt", 0o600)
    cipher, hash_name, group = phase1
    conf = directory / "racoon.conf"
    conf.write_text(RACOON.format(directory=directory, cipher=cipher, hash=hash_name, group=group, esp=phase2[0], mac=phase2[1]))
    log = directory / "racoon.log"
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen(BIN / "racoon", "-F", "-f", conf, "--run-dir", directory, stdout=out, stderr=out)
    check(until(lambda: "used as isakmp port" in log.read_text()), "racoon runs", log.read_text())
    return process, log.read_text


def negotiate(left, right, suite, ours):
    say(f"-- {suite[0]} / {suite[1]}, {'racoon' if ours else 'charon'} begins")
    peer = Charon(right, SWANCTL.format(left=LEFT, right=RIGHT, phase1=suite[0], phase2=suite[1], key=KEY))
    racoon, log = start_racoon(left, suite[2], suite[3])
    if ours:
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT, check=False)
        check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + peer.text())
    else:
        said = peer.swanctl("--initiate", "--child", "c", "--timeout", "15")
        check("parsed QUICK_MODE response" in said and "selected proposal: ESP" in said, "charon takes racoon's quick mode", said + log())
    check("ISAKMP-SA established" in log() and "established between" in peer.text(), "phase 1 is established on both sides", log())
    racoon.terminate()
    racoon.wait(20)
    peer.stop()


def skip_without_charon():
    plugin = pathlib.Path("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so")
    if not charon.PROGRAM.exists() or not plugin.exists() or not shutil.which("swanctl") or not (BIN / "racoon").exists():
        say("skipped: needs strongSwan's charon with kernel-libipsec and swanctl")
        sys.exit(77)


def main():
    skip_without_charon()
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        lab.link(left, f"{LEFT}/24", right, f"{RIGHT}/24")
        left.start_testudod()
        left.setkey(f"""
            spdadd {LEFT} {RIGHT} any -P out ipsec esp/transport//require;
            spdadd {RIGHT} {LEFT} any -P in ipsec esp/transport//require;
        """)
        count = 0
        for suite in SUITES:
            for ours in (True, False):
                negotiate(left, right, suite, ours)
                count += 1
        say(f"strongSwan: {count} negotiations, both roles")


if __name__ == "__main__":
    main()
