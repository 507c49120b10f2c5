#!/usr/bin/env python3
"""racoon and strongSwan's charon with XAUTH behind main and aggressive mode: racoon as the client of charon and as its
server, with pre-shared keys and certificates; what both say about a wrong password.  Then with mode-config too: charon
lends racoon an address, whose script puts it to use, and racoon lends charon one.

    10.8.0.1 left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right 10.9.0.1

racoon's server looks into a shadow file that the test makes and mounts over the system's.
"""
import os

from charon import (AGGRESSIVE_PSK, NETWORKS, PLUGINS, PSK, Charon, begin, carry, certified, keep, login_secret, skip, skip_without_charon,
                    skip_without_openssl, swanctl_conf)
from certificates import make_certificates
from lib import BIN, Lab, check, say, until
from logins import PASSWORD, USER, system_files
from networks import LEFT, LEFT_INSIDE, LEFT_NET, RIGHT, RIGHT_INSIDE, RIGHT_NET, first_ping, protect, tunnel, two_networks
from racoon import KEY, NAT_T, Racoon, agree, by_certificate, racoon_conf, stop_all

POOL = """pools { p { addrs = 10.77.0.1/32
  dns = 10.77.0.53
} }
"""
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
GROUPS = "vpn:x:4711:\nothers:x:4712:\n"


def start_racoon(node, pki, method, mode="main", password=PASSWORD, mode_cfg="", more=""):
    """As client with this password, or as server of whoever is in the shadow file with this one."""
    login = f'xauth_login "{USER}";' if method.endswith("client") else ""
    identity = 'ca_type x509 "ca.pem";' if method == "hybrid_rsa_client" else by_certificate(node.name) if "rsa" in method else ""
    conf = racoon_conf(f"exchange_mode {mode}; nat_traversal on; {login} {more} {identity}",
                       f'path certificate "{pki}"; mode_cfg {{ auth_source system; {mode_cfg} }}', method)
    psk = f"{RIGHT if node.name == 'left' else LEFT} {KEY}\n{USER} {password}\n"
    return Racoon(node, conf, psk, ready=NAT_T, mounts=system_files(node.run_dir, GROUPS, password), arguments=("-d",))


def start_charon(node, pki, hosts, client, password=PASSWORD, more="", child=NETWORKS):
    """As the client of XAUTH or as its server; `hosts` says how the hosts prove themselves before that."""
    user = "local" if client else "remote"
    ends = PSK if hosts == "psk" else certified(pki)
    auth = {f"{name}-1": lines for name, lines in ends.items() if hosts != "hybrid" or name != user}
    auth[f"{user}-2"] = f"auth = xauth\n xauth_id = {USER}" if client else "auth = xauth"
    return Charon(node, swanctl_conf(auth=auth, more=f"encap = yes\n  {more}", child=child, after=login_secret(USER, password) + POOL), AGGRESSIVE_PSK)


def with_charon(left, right, pki, hosts, ours, mode="main"):
    """racoon is the client when `ours`, else charon is, and begins."""
    say(f"-- {mode} mode, {METHODS[hosts]}: {'racoon' if ours else 'charon'} logs in")
    charon = start_charon(right, pki, hosts, not ours, more=f"aggressive = {'yes' if mode == 'aggressive' else 'no'}")
    racoon = start_racoon(left, pki, f"{METHODS[hosts]}_{'client' if ours else 'server'}", mode, mode_cfg='auth_groups "others", "vpn";')
    begin(ours, left, charon)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    check(f'login succeeded for user "{USER}"' in racoon.text(), "after the login", racoon.text())
    check(("XAuth authentication of" if ours else "XAuth authentication of 'anna'") in charon.text(), "and charon says so", charon.text())
    carry(charon, left, LEFT_INSIDE, right, RIGHT_INSIDE)
    racoon.stop()
    charon.stop()


def refused(left, right, pki, ours):
    say(f"-- a wrong password of {'racoon' if ours else 'charon'}")
    charon = start_charon(right, pki, "psk", not ours, password="another")
    racoon = start_racoon(left, pki, "xauth_psk_client" if ours else "xauth_psk_server")
    begin(ours, left, charon, seconds=4)
    words = "login is not accepted; ours: " + (f"user {USER}; theirs: refused" if ours else "unknown, or not with this password")
    racoon.says(words, "says why", peer=charon)
    charon.says(f"XAuth authentication of '{USER}' failed" if ours else "XAuth", "says why, too")
    racoon.says("ISAKMP-SA deleted", "phase 1 ends")
    check("IPsec-SA established" not in racoon.text(), "there are no SAs", racoon.text())
    racoon.stop()
    charon.stop()


def hybrid_with_racoon(left, right, pki):
    say("-- racoon and racoon, hybrid")
    ends = [start_racoon(left, pki, "hybrid_rsa_client"), start_racoon(right, pki, "hybrid_rsa_server")]
    agree(ends, RIGHT_INSIDE)
    stop_all(ends)


def lent_by_charon(left, right, pki):
    say("-- charon lends racoon an address")
    charon = start_charon(right, pki, "psk", False, more="pools = p", child=NETWORKS.replace(LEFT_NET, "dynamic"))
    (left.run_dir / "up").write_text(UP.format(directory=left.run_dir, left=LEFT, right=RIGHT, bin=BIN))
    os.chmod(left.run_dir / "up", 0o700)
    racoon = start_racoon(left, pki, "xauth_psk_client", more=f'mode_cfg on; script "{left.run_dir}/up" phase1_up;')
    asked = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "vpn-connect", RIGHT, check=False)
    check("Bound to address 10.77.0.1" in asked.stdout, "racoonctl names it", asked.stdout + asked.stderr + racoon.text() + charon.text())
    environment = left.run_dir / "environment"
    check(until(lambda: environment.exists() and "10.77.0.1/32" in left.exec("ip", "addr").stdout), "the script ran", (left.run_dir / "complaints").read_text() + racoon.text())
    for line in ("INTERNAL_ADDR4=10.77.0.1", "INTERNAL_DNS4=10.77.0.53", f"XAUTH_USER={USER}"):
        check(line in environment.read_text(), line, environment.read_text())
    until(lambda: "10.77.0.1" in left.exec(BIN / "setkey", "-DP", check=False, env={**os.environ, "TESTUDO_RUN": str(left.run_dir)}).stdout)
    first_ping(left, RIGHT_INSIDE)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    charon.says("CHILD_SA c{1} established", "has them", peer=racoon)
    left.ping(RIGHT_INSIDE)
    racoon.stop()
    charon.stop()
    left.ip("addr", "del", "10.77.0.1/32", "dev", "lo")
    left.ip("route", "replace", "10.9.0.0/24", "via", RIGHT, "src", "10.8.0.1")


def lent_by_racoon(left, right, pki):
    say("-- racoon lends charon an address")
    left.setkey("spdflush; flush;" + tunnel(LEFT_NET, "10.77.0.9/32", LEFT, RIGHT))
    left.ip("route", "add", "10.77.0.9/32", "via", RIGHT, "src", "10.8.0.1")
    charon = start_charon(right, pki, "psk", True, more="vips = 0.0.0.0", child=NETWORKS.replace(RIGHT_NET, "dynamic"))
    racoon = start_racoon(left, pki, "xauth_psk_server", mode_cfg="network4 10.77.0.9; pool_size 1; dns4 10.77.0.53;")
    charon.initiate()
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    check("the client's address is 10.77.0.9" in racoon.text(), "racoon lent it", racoon.text())
    check("installing new virtual IP 10.77.0.9" in charon.text(), "charon uses it", charon.text())
    until(lambda: "CHILD_SA c{1} established" in charon.text())
    left.ping("10.77.0.9")
    out = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "logout-user", USER)
    check("ISAKMP-SA deleted" in racoon.text(), "logout-user ends it", out.stdout + racoon.text())
    charon.says("received DELETE for IKE_SA", "hears it", peer=racoon)
    racoon.stop()
    charon.stop()


def with_racoon(left, right, pki):
    say("-- racoon and racoon")
    ends = [start_racoon(left, pki, "xauth_rsa_client"), start_racoon(right, pki, "xauth_rsa_server")]
    agree(ends, RIGHT_INSIDE)
    stop_all(ends)
    say("-- a user who is in no group that may log in; racoonctl brings the name")
    ends = [start_racoon(left, pki, "xauth_psk_client"), start_racoon(right, pki, "xauth_psk_server", mode_cfg='auth_groups "others";')]
    asked = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "vpn-connect", "-u", USER, RIGHT, check=False, input=PASSWORD + "\n")
    check(asked.returncode == 1 and "refused, the peer says" in asked.stderr, "racoonctl says why", asked.stdout + asked.stderr)
    check("in none of auth_groups" in ends[1].text(), "the server knows more", ends[1].text())
    stop_all(ends)
    ends = [start_racoon(left, pki, "xauth_psk_client", password="wrong"), start_racoon(right, pki, "xauth_psk_server")]
    asked = left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "vpn-connect", "-u", USER, RIGHT, check=False, input=PASSWORD + "\n")
    check("VPN connexion established" in asked.stdout, "with the right one it is established", asked.stdout + asked.stderr + ends[1].text())
    stop_all(ends)


def main():
    skip_without_charon()
    skip_without_openssl()
    if not (PLUGINS / "libstrongswan-xauth-generic.so").exists():
        skip("needs charon's xauth-generic")
    with Lab() as lab:
        pki = make_certificates(lab.directory / "pki")
        keep(lab, pki / "right.key")
        left, right = two_networks(lab)
        for hosts in METHODS:
            for ours in (True, False):
                with_charon(left, right, pki, hosts, ours)
        with_charon(left, right, pki, "psk", True, "aggressive")
        refused(left, right, pki, True)
        refused(left, right, pki, False)
        lent_by_charon(left, right, pki)
        lent_by_racoon(left, right, pki)
        protect(left)
        right.start_testudod()
        protect(right)
        with_racoon(left, right, pki)
        hybrid_with_racoon(left, right, pki)


if __name__ == "__main__":
    main()
