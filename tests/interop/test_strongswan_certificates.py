#!/usr/bin/env python3
"""racoon and strongSwan's charon prove themselves by X.509 certificates and RSA signatures, in both roles; then racoon and
racoon, with a CA that one of them does not know: both say why.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right

The certificates are made here by openssl(1).  charon is asked for ESP in UDP, which is all that its kernel-libipsec knows.
"""
from charon import Charon, begin, carry, certified, keep, skip_without_charon, skip_without_openssl, swanctl_conf
from certificates import make_certificates
from lib import Lab, check, say
from networks import LEFT_INSIDE, RIGHT_INSIDE, protect, two_networks
from racoon import NAT_T, Racoon, agree, by_certificate, racoon_conf, stop_all

OF_RIGHT = 'peers_identifier fqdn "right.example";'


def start_racoon(node, pki, peer="", **identity):
    remote = f"exchange_mode main; nat_traversal on; {by_certificate(node.name, **identity)} {peer}"
    return Racoon(node, racoon_conf(remote, f'path certificate "{pki}";', "rsasig"), ready=NAT_T)


def with_charon(left, right, pki, ours):
    say(f"-- {'racoon' if ours else 'charon'} begins")
    charon = Charon(right, swanctl_conf(auth=certified(pki)))
    racoon = start_racoon(left, pki, OF_RIGHT)
    begin(ours, left, charon)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    check("authentication of 'O=Example, CN=left' with RSA_EMSA_PKCS1_NULL successful" in charon.text(), "charon believes racoon",
          charon.text())
    carry(charon, left, LEFT_INSIDE, right, RIGHT_INSIDE)
    racoon.stop()
    charon.stop()


def with_silent_charon(left, right, pki):
    say("-- charon sends no certificate: racoon has it in a file")
    charon = Charon(right, swanctl_conf(auth=certified(pki), more="encap = yes\n  send_cert = never"))
    racoon = start_racoon(left, pki, f'{OF_RIGHT} peers_certfile x509 "right.pem";')
    begin(True, left, charon)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    racoon.stop()
    charon.stop()


def with_racoon(left, right, pki):
    say("-- racoon and racoon")
    ends = [start_racoon(left, pki, OF_RIGHT), start_racoon(right, pki, 'peers_identifier asn1dn "O=Example, CN=left";', me='fqdn "right.example"')]
    agree(ends, RIGHT_INSIDE)
    stop_all(ends)
    say("-- certificates of files, that nobody sends")
    ends = [start_racoon(left, pki, f'{OF_RIGHT} peers_certfile x509 "right.pem"; send_cert off;'),
            start_racoon(right, pki, 'peers_certfile x509 "left.pem"; send_cert off;', me='fqdn "right.example"')]
    agree(ends, RIGHT_INSIDE)
    stop_all(ends)
    say("-- a CA that one side does not know")
    ends = [start_racoon(left, pki), start_racoon(right, pki, ca="otherca")]
    left.ping(RIGHT_INSIDE, count=1, answered=False)
    words = ["certificate is not believed; ours: O = Example, CN = left; theirs: INVALID-CERTIFICATE",
             "certificate is not believed; ours: otherca.pem; theirs: O = Example, CN = left: unable to get local issuer certificate"]
    for end, text in zip(ends, words):
        end.says(text, "the log says why")
        end.stop()


def main():
    skip_without_charon()
    skip_without_openssl()
    with Lab() as lab:
        pki = make_certificates(lab.directory / "pki")
        keep(lab, pki / "right.key")
        left, right = two_networks(lab)
        with_charon(left, right, pki, True)
        with_charon(left, right, pki, False)
        with_silent_charon(left, right, pki)
        right.start_testudod()
        protect(right)
        with_racoon(left, right, pki)


if __name__ == "__main__":
    main()
