#!/usr/bin/env python3
"""racoon and strongSwan's charon prove themselves by RSA keys without certificates, in both roles: keys of openssl(1), which
plainrsa-gen converts for racoon.  Then charon signs with a key that racoon's file does not have.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right

charon is asked for ESP in UDP, which is all that its kernel-libipsec knows.
"""
from charon import Charon, begin, carry, keep, skip_without_charon, skip_without_openssl, swanctl_conf
from lib import BIN, Lab, check, run, say
from networks import LEFT, LEFT_INSIDE, RIGHT, RIGHT_INSIDE, two_networks
from racoon import NAT_T, Racoon, racoon_conf


def make_keys(lab):
    directory = lab.directory / "keys"
    directory.mkdir()
    for name in ("left", "right", "stranger"):
        run("openssl", "genrsa", "-out", directory / f"{name}.pem", "2048")
        run("openssl", "rsa", "-in", directory / f"{name}.pem", "-pubout", "-out", directory / f"{name}.pub")
        if name != "left":
            keep(lab, directory / f"{name}.pem")
    run(BIN / "plainrsa-gen", "-i", directory / "left.pem", "-f", directory / "left.rsa")
    public = run(BIN / "plainrsa-gen", "-i", directory / "right.pub").stdout
    (directory / "peers").write_text(f"{LEFT} {RIGHT} {public}")
    return directory


def negotiate(left, right, keys, ours, own="right"):
    auth = {name: f"auth = pubkey\n    pubkeys = {keys}/{key}.pub\n    id = {address}"
            for name, key, address in (("local", own, RIGHT), ("remote", "left", LEFT))}
    charon = Charon(right, swanctl_conf(auth=auth))
    remote = 'exchange_mode main; nat_traversal on; certificate_type plain_rsa "left.rsa"; peers_certfile plain_rsa "peers";'
    racoon = Racoon(left, racoon_conf(remote, f'path certificate "{keys}";', "rsasig"), ready=NAT_T)
    begin(ours, left, charon)
    return charon, racoon


def believed(left, right, keys, ours):
    say(f"-- {'racoon' if ours else 'charon'} begins")
    charon, racoon = negotiate(left, right, keys, ours)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    check(f"authentication of '{LEFT}' with RSA_EMSA_PKCS1_NULL successful" in charon.text(), "charon believes racoon", charon.text())
    carry(charon, left, LEFT_INSIDE, right, RIGHT_INSIDE)
    racoon.stop()
    charon.stop()


def refused(left, right, keys):
    say("-- charon has another key than racoon's file says")
    charon, racoon = negotiate(left, right, keys, False, own="stranger")
    racoon.says("signature is wrong; ours: RSA 2048", "says why", peer=charon)
    # 25 is INVALID-SIGNATURE; charon believes nothing that comes in clear.
    charon.says("[ N((25)) ]", "is told")
    racoon.stop()
    charon.stop()


def main():
    skip_without_charon()
    skip_without_openssl()
    with Lab() as lab:
        keys = make_keys(lab)
        left, right = two_networks(lab)
        believed(left, right, keys, True)
        believed(left, right, keys, False)
        refused(left, right, keys)


if __name__ == "__main__":
    main()
