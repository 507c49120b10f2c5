#!/usr/bin/env python3
"""racoon and strongSwan's charon with XAUTH behind main and aggressive mode: racoon as the client of charon and as its
server, with pre-shared keys and certificates; what both say about a wrong password.  Then with mode-config too: charon
lends racoon an address, whose script puts it to use, and racoon lends charon one.

    10.8.0.1 left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right 10.9.0.1

racoon's server looks into a shadow file that the test makes and mounts over the system's.
"""
import os
import pathlib
import shutil
import sys

from charon import AGGRESSIVE_PSK
from test_strongswan_certificates import make_certificates, policies, stop, two_networks
from test_strongswan_ike import carry, Charon, skip_without_charon
from lib import BIN, Lab, check, run, say, until

LEFT, RIGHT, KEY, USER, PASSWORD = "10.2.3.4", "10.2.3.5", "mekmitasdigoat", "anna", "tulip in spring"
SWANCTL = """connections {{ c {{
  version = 1
  aggressive = {aggressive}
  local_addrs = {right}
  remote_addrs = {left}
  proposals = aes128-sha256-modp2048
  encap = yes
  {more}
{sections}
  children {{ c {{
    {networks}
    esp_proposals = aes128-sha256-modp2048
    rekey_time = 0
  }} }}
}} }}
secrets {{ ike-1 {{ secret = "{key}"
}}
xauth-1 {{ id = {user}
  secret = "{password}"
}} }}
pools {{ p {{ addrs = 10.77.0.1/32
  dns = 10.77.0.53
}} }}
"""
NETWORKS = "local_ts = 10.9.0.0/24\n    remote_ts = 10.8.0.0/24"
UP = """#!/bin/sh -e
exec 2>{directory}/complaints
env > {directory}/environment
[ "$1" = phase1_up ] || exit 0
ip addr add $INTERNAL_ADDR4/32 dev lo
ip route replace 10.9.0.0/24 via {right} src $INTERNAL_ADDR4
printf "%s\\n" "spdadd $INTERNAL_ADDR4/32 10.9.0.0/24 any -P out ipsec esp/tunnel/{left}-{right}/require;" \
    "spdadd 10.9.0.0/24 $INTERNAL_ADDR4/32 any -P in ipsec esp/tunnel/{right}-{left}/require;" | {bin}/setkey -c
"""
METHODS = {"psk": "xauth_psk", "rsa": "xauth_rsa", "hybrid": "hybrid_rsa"}
OWN = "auth = pubkey\n certs = {pki}/right.pem\n id = right.example"
THEIRS = 'auth = pubkey\n cacerts = {pki}/ca.pem\n id = "O=Example, CN=left"'
RACOON = """
path pre_shared_key "{directory}/psk.txt";
path certificate "{pki}";
mode_cfg {{ auth_source system; {mode_cfg} }}
remote anonymous {{ exchange_mode {mode}; nat_traversal on; {login} {more}
    {identifiers}
    proposal {{ encryption_algorithm aes 128; hash_algorithm sha256; authentication_method {method}; dh_group modp2048; }} }}
sainfo anonymous {{ pfs_group modp2048; encryption_algorithm aes 128; authentication_algorithm hmac_sha256; compression_algorithm deflate; }}
"""
CERTIFICATES = 'certificate_type x509 "{me}.pem" "{me}.key"; ca_type x509 "ca.pem"; my_identifier asn1dn;'


def start_racoon(node, pki, method, mode="main", password=PASSWORD, mode_cfg="", more=""):
    """As client with this password, or as server of whoever is in the shadow file with this one."""
    directory, log = node.run_dir, node.run_dir / "racoon.log"
    other = RIGHT if node.name == "left" else LEFT
    (directory / "psk.txt").write_text(f"{other} {KEY}\n{USER} {password}\n")
    hashed = run("openssl", "passwd", "-6", password).stdout.strip()
    (directory / "shadow").write_text(f"root:*:19000:0:99999:7:::\n{USER}:{hashed}:19000:0:99999:7:::\n")
    (directory / "passwd").write_text(f"root:x:0:0::/:/bin/sh\n{USER}:x:4711:4711::/:/bin/false\n")
    (directory / "group").write_text("root:x:0:\nvpn:x:4711:\nothers:x:4712:\n")
    for name in ("psk.txt", "shadow"):
        os.chmod(directory / name, 0o600)
    login = f'xauth_login "{USER}";' if method.endswith("client") else ""
    identifiers = 'ca_type x509 "ca.pem";' if method == "hybrid_rsa_client" else CERTIFICATES.format(me=node.name) if "rsa" in method else ""
    (directory / "racoon.conf").write_text(RACOON.format(directory=directory, pki=pki, mode=mode, login=login, more=more, mode_cfg=mode_cfg,
                                                         identifiers=identifiers, method=method))
    mounts = "; ".join(f"mount --bind {directory}/{name} /etc/{name}" for name in ("shadow", "passwd", "group"))
    command = f"mount --make-rprivate /; {mounts}; exec {BIN}/racoon -F -d -f {directory}/racoon.conf --run-dir {directory}"
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen("unshare", "-m", "sh", "-c", command, stdout=out, stderr=out)
    until(lambda: process.poll() is not None or "[4500] used for NAT-T" in log.read_text())
    check(process.poll() is None, f"racoon of {node.name} runs", log.read_text())
    return process, log.read_text


def charon_of(right, pki, hosts, client, password=PASSWORD, aggressive="no", more="", networks=NETWORKS):
    """As the client of XAUTH or as its server; `hosts` says how the hosts prove themselves before that."""
    xauth = f"auth = xauth\n xauth_id = {USER}" if client else "auth = xauth"
    user = "local" if client else "remote"
    ends = [("local-1", "auth = psk" if hosts == "psk" else OWN), ("remote-1", "auth = psk" if hosts == "psk" else THEIRS)]
    if hosts == "hybrid":
        ends = [each for each in ends if not each[0].startswith(user)]
    ends.append((f"{user}-2", xauth))
    sections = "\n".join(f"{name} {{ {text.format(pki=pki)}\n }}" for name, text in ends)
    return Charon(right, SWANCTL.format(left=LEFT, right=RIGHT, key=KEY, user=USER, password=password, aggressive=aggressive, more=more,
                                        networks=networks, sections=sections), AGGRESSIVE_PSK)


def traffic(left):
    left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)


def with_charon(left, right, pki, hosts, ours, mode="main"):
    """racoon is the client when `ours`, else charon is, and begins."""
    say(f"-- {mode} mode, {METHODS[hosts]}: {'racoon' if ours else 'charon'} logs in")
    charon = charon_of(right, pki, hosts, not ours, aggressive="yes" if mode == "aggressive" else "no")
    racoon, log = start_racoon(left, pki, f"{METHODS[hosts]}_{'client' if ours else 'server'}", mode, mode_cfg='auth_groups "others", "vpn";')
    if ours:
        traffic(left)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
    check(f'login succeeded for user "{USER}"' in log(), "after the login", log())
    check(("XAuth authentication of" if ours else "XAuth authentication of 'anna'") in charon.text(), "and charon says so", charon.text())
    carry(charon, left, "10.8.0.1", right, "10.9.0.1")
    stop(racoon)
    charon.stop()


def refused(left, right, pki, ours):
    say(f"-- a wrong password of {'racoon' if ours else 'charon'}")
    charon = charon_of(right, pki, "psk", not ours, password="another")
    racoon, log = start_racoon(left, pki, "xauth_psk_client" if ours else "xauth_psk_server")
    if ours:
        traffic(left)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "4")
    words = "login is not accepted; ours: " + (f"user {USER}; theirs: refused" if ours else "unknown, or not with this password")
    check(until(lambda: words in log()), "racoon says why", log() + charon.text())
    check(until(lambda: "XAuth authentication of 'anna' failed" in charon.text() if ours else "XAuth" in charon.text()), "charon too", charon.text())
    check(until(lambda: "ISAKMP-SA deleted" in log()), "phase 1 ends", log())
    check("IPsec-SA established" not in log(), "there are no SAs", log())
    stop(racoon)
    charon.stop()


def hybrid_with_racoon(left, right, pki):
    say("-- racoon and racoon, hybrid")
    ends = [start_racoon(left, pki, "hybrid_rsa_client"), start_racoon(right, pki, "hybrid_rsa_server")]
    traffic(left)
    for _, log in ends:
        check(until(lambda log=log: "IPsec-SA established" in log()), "there are SAs", log())
    left.ping("10.9.0.1")
    for process, _ in ends:
        stop(process)


def lent_by_charon(left, right, pki):
    say("-- charon lends racoon an address")
    charon = charon_of(right, pki, "psk", False, more="pools = p", networks="local_ts = 10.9.0.0/24\n    remote_ts = dynamic")
    (left.run_dir / "up").write_text(UP.format(directory=left.run_dir, left=LEFT, right=RIGHT, bin=BIN))
    os.chmod(left.run_dir / "up", 0o700)
    racoon, log = start_racoon(left, pki, "xauth_psk_client", more=f'mode_cfg on; script "{left.run_dir}/up" phase1_up;')
    asked = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "vpn-connect", RIGHT, check=False)
    check("Bound to address 10.77.0.1" in asked.stdout, "racoonctl names it", asked.stdout + asked.stderr + log() + charon.text())
    environment = left.run_dir / "environment"
    check(until(lambda: environment.exists() and "10.77.0.1/32" in left.exec("ip", "addr").stdout), "the script ran", (left.run_dir / "complaints").read_text() + log())
    for line in ("INTERNAL_ADDR4=10.77.0.1", "INTERNAL_DNS4=10.77.0.53", f"XAUTH_USER={USER}"):
        check(line in environment.read_text(), line, environment.read_text())
    until(lambda: "10.77.0.1" in left.exec(BIN / "setkey", "-DP", check=False, env={**os.environ, "TESTUDO_RUN": str(left.run_dir)}).stdout)
    left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)
    check(until(lambda: "IPsec-SA established" in log() and "CHILD_SA c{1} established" in charon.text()), "there are SAs", log() + charon.text())
    left.ping("10.9.0.1")
    stop(racoon)
    charon.stop()
    left.ip("addr", "del", "10.77.0.1/32", "dev", "lo")
    left.ip("route", "replace", "10.9.0.0/24", "via", RIGHT, "src", "10.8.0.1")


def lent_by_racoon(left, right, pki):
    say("-- racoon lends charon an address")
    policies(left, "10.8.0.0/24", "10.77.0.9/32", LEFT, RIGHT)
    left.ip("route", "add", "10.77.0.9/32", "via", RIGHT, "src", "10.8.0.1")
    charon = charon_of(right, pki, "psk", True, more="vips = 0.0.0.0", networks="local_ts = dynamic\n    remote_ts = 10.8.0.0/24")
    racoon, log = start_racoon(left, pki, "xauth_psk_server", mode_cfg="network4 10.77.0.9; pool_size 1; dns4 10.77.0.53;")
    said = charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", said + log() + charon.text())
    check("the client's address is 10.77.0.9" in log(), "racoon lent it", log())
    check("installing new virtual IP 10.77.0.9" in charon.text(), "charon uses it", charon.text())
    until(lambda: "CHILD_SA c{1} established" in charon.text())
    left.ping("10.77.0.9")
    out = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "logout-user", USER)
    check("ISAKMP-SA deleted" in log() and until(lambda: "received DELETE for IKE_SA" in charon.text()), "logout-user ends it", out.stdout + log() + charon.text())
    stop(racoon)
    charon.stop()


def with_racoon(left, right, pki):
    say("-- racoon and racoon")
    ends = [start_racoon(left, pki, "xauth_rsa_client"), start_racoon(right, pki, "xauth_rsa_server")]
    traffic(left)
    for _, log in ends:
        check(until(lambda log=log: "IPsec-SA established" in log()), "there are SAs", log())
    left.ping("10.9.0.1")
    for process, _ in ends:
        stop(process)
    say("-- a user who is in no group that may log in; racoonctl brings the name")
    ends = [start_racoon(left, pki, "xauth_psk_client"), start_racoon(right, pki, "xauth_psk_server", mode_cfg='auth_groups "others";')]
    asked = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "vpn-connect", "-u", USER, RIGHT, check=False, input=PASSWORD + "\n")
    check(asked.returncode == 1 and "refused, the peer says" in asked.stderr, "racoonctl says why", asked.stdout + asked.stderr)
    check("in none of auth_groups" in ends[1][1](), "the server knows more", ends[1][1]())
    for process, _ in ends:
        stop(process)
    ends = [start_racoon(left, pki, "xauth_psk_client", password="wrong"), start_racoon(right, pki, "xauth_psk_server")]
    asked = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "vpn-connect", "-u", USER, RIGHT, check=False, input=PASSWORD + "\n")
    check("VPN connexion established" in asked.stdout, "with the right one it is established", asked.stdout + asked.stderr + ends[1][1]())
    for process, _ in ends:
        stop(process)


def main():
    skip_without_charon()
    plugin = pathlib.Path("/usr/lib/ipsec/plugins/libstrongswan-xauth-generic.so")
    if not shutil.which("openssl") or not plugin.exists():
        say("skipped: needs openssl(1) and charon's xauth-generic")
        sys.exit(77)
    with Lab() as lab:
        pki = make_certificates(lab.directory / "pki")
        left, right = two_networks(lab)
        for hosts in METHODS:
            for ours in (True, False):
                with_charon(left, right, pki, hosts, ours)
        with_charon(left, right, pki, "psk", True, "aggressive")
        refused(left, right, pki, True)
        refused(left, right, pki, False)
        lent_by_charon(left, right, pki)
        lent_by_racoon(left, right, pki)
        policies(left, "10.8.0.0/24", "10.9.0.0/24", LEFT, RIGHT)
        right.start_testudod()
        policies(right, "10.9.0.0/24", "10.8.0.0/24", RIGHT, LEFT)
        with_racoon(left, right, pki)
        hybrid_with_racoon(left, right, pki)


if __name__ == "__main__":
    main()
