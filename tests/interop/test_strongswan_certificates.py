#!/usr/bin/env python3
"""racoon and strongSwan's charon prove themselves by X.509 certificates and RSA signatures, in both roles; then racoon and
racoon, with a CA that one of them does not know: both say why.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right

The certificates are made here by openssl(1).  charon is asked for ESP in UDP, which is all that its kernel-libipsec knows.
"""
import shutil
import signal
import sys

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
    certs = {pki}/right.pem
    id = right.example
  }}
  remote {{ auth = pubkey
    cacerts = {pki}/ca.pem
    id = "O=Example, CN=left"
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
path certificate "{pki}";
remote anonymous {{ exchange_mode main; nat_traversal on;
    certificate_type x509 "{own}.pem" "{own}.key"; ca_type x509 "{ca}.pem";
    my_identifier {me}; {peer}
    proposal {{ encryption_algorithm aes 128; hash_algorithm sha256; authentication_method rsasig; dh_group modp2048; }} }}
sainfo anonymous {{ pfs_group modp2048; encryption_algorithm aes 128; authentication_algorithm hmac_sha256; compression_algorithm deflate; }}
"""


def make_certificates(directory):
    def openssl(*arguments, stdin=""):
        run("openssl", *arguments, input=stdin)

    directory.mkdir()
    for ca in ("ca", "otherca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / f"{ca}.key", "-out", directory / f"{ca}.pem",
                "-subj", f"/O=Example/CN={ca}", "-days", "2")
    for name in ("left", "right"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.csr",
                "-subj", f"/O=Example/CN={name}")
        (directory / "names").write_text(f"subjectAltName=DNS:{name}.example\n")
        openssl("x509", "-req", "-in", directory / f"{name}.csr", "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", directory / "names", "-out", directory / f"{name}.pem")
    # Where swanctl(8) looks for keys: beside its swanctl.conf.
    private = directory.parent / "charon" / "private"
    private.mkdir(parents=True)
    shutil.copy(directory / "right.key", private)
    return directory


def start_racoon(node, pki, own, me, peer, ca="ca", more=""):
    directory = node.run_dir
    (directory / "racoon.conf").write_text(RACOON.format(pki=pki, own=own, me=me, peer=peer, ca=ca) + more)
    log = directory / "racoon.log"
    with open(log, "w", encoding="utf-8") as out:
        process = node.popen(BIN / "racoon", "-F", "-f", directory / "racoon.conf", "--run-dir", directory, stdout=out, stderr=out)
    until(lambda: process.poll() is not None or "[4500] used for NAT-T" in log.read_text())
    check(process.poll() is None, f"racoon of {node.name} runs", log.read_text())
    return process, log.read_text


def stop(process):
    process.send_signal(signal.SIGTERM)
    check(process.wait(20) == 0, "racoon ends with status 0")


def policies(node, inside, other, here, there):
    node.setkey(f"""spdflush; flush;
        spdadd {inside} {other} any -P out ipsec esp/tunnel/{here}-{there}/require;
        spdadd {other} {inside} any -P in ipsec esp/tunnel/{there}-{here}/require;""")


def with_charon(left, right, pki, ours):
    say(f"-- {'racoon' if ours else 'charon'} begins")
    charon = Charon(right, SWANCTL.format(left=LEFT, right=RIGHT, pki=pki))
    racoon, log = start_racoon(left, pki, "left", "asn1dn", 'peers_identifier fqdn "right.example";')
    if ours:
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
    check("authentication of 'O=Example, CN=left' with RSA_EMSA_PKCS1_NULL successful" in charon.text(), "charon believes racoon",
          charon.text())
    carry(charon, left, "10.8.0.1", right, "10.9.0.1")
    stop(racoon)
    charon.stop()


def with_racoon(left, right, pki):
    say("-- racoon and racoon")
    ends = [start_racoon(left, pki, "left", "asn1dn", 'peers_identifier fqdn "right.example";'),
            start_racoon(right, pki, "right", 'fqdn "right.example"', 'peers_identifier asn1dn "O=Example, CN=left";')]
    left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)
    for _, log in ends:
        check(until(lambda log=log: "IPsec-SA established" in log()), "there are SAs", log())
    left.ping("10.9.0.1")
    for process, _ in ends:
        stop(process)
    say("-- a CA that one side does not know")
    ends = [start_racoon(left, pki, "left", "asn1dn", ""), start_racoon(right, pki, "right", "asn1dn", "", ca="otherca")]
    left.ping("10.9.0.1", count=1, answered=False)
    words = ["certificate is not believed; ours: O = Example, CN = left; theirs: INVALID-CERTIFICATE",
             "certificate is not believed; ours: otherca.pem; theirs: O = Example, CN = left: unable to get local issuer certificate"]
    for (process, log), text in zip(ends, words):
        check(until(lambda log=log, text=text: text in log()), "the log says why", log())
        stop(process)


def two_networks(lab):
    """Two hosts with a network behind each; testudod is on the left one."""
    left, right = lab.node("left"), lab.node("right")
    lab.link(left, f"{LEFT}/24", right, f"{RIGHT}/24")
    for node, inside, other, there in ((left, "10.8.0.1", "10.9.0.0/24", RIGHT), (right, "10.9.0.1", "10.8.0.0/24", LEFT)):
        node.ip("addr", "add", f"{inside}/32", "dev", "lo")
        node.ip("route", "add", other, "via", there, "src", inside)
    left.start_testudod()
    policies(left, "10.8.0.0/24", "10.9.0.0/24", LEFT, RIGHT)
    return left, right


def main():
    skip_without_charon()
    if not shutil.which("openssl"):
        say("skipped: needs openssl(1)")
        sys.exit(77)
    with Lab() as lab:
        pki = make_certificates(lab.directory / "pki")
        left, right = two_networks(lab)
        with_charon(left, right, pki, True)
        with_charon(left, right, pki, False)
        right.start_testudod()
        policies(right, "10.9.0.0/24", "10.8.0.0/24", RIGHT, LEFT)
        with_racoon(left, right, pki)


if __name__ == "__main__":
    main()
