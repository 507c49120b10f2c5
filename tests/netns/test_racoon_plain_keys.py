#!/usr/bin/env python3
"""racoon and racoon prove themselves by RSA keys without certificates (plain_rsa), which plainrsa-gen makes: main, aggressive
and base mode; then with keys, names and files that are wrong, and both sides say why.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
"""
import os

from faq_racoon import FaqRacoon, faq_hosts
from lib import BIN, Lab, check, run, say
from networks import LEFT, RIGHT
from racoon import agree, stop_all


def make_keys(directory):
    """Private keys of left, right and a stranger, and files of public ones."""
    directory.mkdir()
    public = {}
    for name in ("left", "right", "stranger"):
        run(BIN / "plainrsa-gen", "-f", directory / f"{name}.key")
        check((directory / f"{name}.key").stat().st_mode & 0o777 == 0o600, f"the key of {name} is its owner's")
        public[name] = (directory / f"{name}.key").read_text().splitlines()[0].lstrip("# ")
    check(all(line.startswith(": PUB 0sAwEAA") for line in public.values()), "with the public key in front, 65537 first", str(public))
    (directory / "peers").write_text(f"# both\n{LEFT} {public['left']}\n\n10.2.0.0/16 {public['stranger']}\n{RIGHT}/32 {public['right']}\n")
    (directory / "wrong").write_text(f"10.2.3.0/24 {public['stranger']}\n")
    (directory / "named").write_text(f"@left.example {public['left']}\n@right.example {public['right']}\n")
    (directory / "anybody").write_text("\n".join(public.values()) + "\n")
    return directory


def daemon(node, there, keys, own=None, peers="peers", more="", **words):
    return FaqRacoon(node, there, method="rsasig", top=f'path certificate "{keys}";',
                     more=f'certificate_type plain_rsa "{own or node.name + ".key"}"; peers_certfile plain_rsa "{peers}"; {more}', **words)


def pair(left, right, keys, of_left=None, of_right=None, **words):
    return [daemon(left, RIGHT, keys, **(of_left or {}), **words), daemon(right, LEFT, keys, **(of_right or {}), **words)]


def established(left, daemons):
    agree(daemons, RIGHT)
    stop_all(daemons)


def refused(left, daemons, *words):
    left.ping(RIGHT, count=1, answered=False)
    for each, text in zip(daemons, words):
        each.says(text, "it says why")
    stop_all(daemons)


def main():
    with Lab() as lab:
        left, right, _ = faq_hosts(lab)
        keys = make_keys(lab.directory / "keys")
        for mode in ("main", "aggressive", "base"):
            say(f"-- {mode} mode")
            established(left, pair(left, right, keys, exchange=mode))
        say("-- names, each with its key")
        established(left, pair(left, right, keys, peers="named", of_left={"more": 'my_identifier fqdn "left.example";'},
                               of_right={"more": 'my_identifier fqdn "right.example";'}))
        say("-- who has a key takes the name of another")
        refused(left, pair(left, right, keys, peers="named", of_left={"own": "stranger.key", "more": 'my_identifier fqdn "left.example";'},
                           of_right={"more": 'my_identifier fqdn "right.example";'}),
                "RSA key is not believed; ours: RSA 2048", "signature is wrong; ours: RSA 2048")
        say("-- several keys for anybody prove nobody's name")
        refused(left, pair(left, right, keys, peers="anybody", of_left={"more": 'my_identifier fqdn "left.example";'},
                           of_right={"more": 'peers_identifier fqdn "left.example";'}),
                "INVALID-ID-INFORMATION", 'write "@left.example : PUB 0s..." in anybody')
        say("-- the file has another key for this address")
        refused(left, pair(left, right, keys, of_right={"peers": "wrong"}), "RSA key is not believed; ours: RSA 2048", "signature is wrong; ours: RSA 2048")
        say("-- a file that others may read, and one that is broken")
        os.chmod(keys / "left.key", 0o640)
        conf = left.run_dir / "racoon.conf"
        text = conf.read_text()
        said = left.exec(BIN / "racoon", "-t", "-f", conf, check=False)
        check(said.returncode == 1 and "left.key has weak file permission (chmod 600 it)" in said.stdout, "racoon -t: who may read it", said.stdout)
        os.chmod(keys / "left.key", 0o600)
        (keys / "broken").write_text(f"\n{LEFT} : PUB 0sAwEAAa==\n")
        conf.write_text(text.replace('"peers"', '"broken"'))
        said = left.exec(BIN / "racoon", "-t", "-f", conf, check=False)
        check(said.returncode == 1 and "/broken:2: " in said.stdout, "racoon -t: file and line", said.stdout)


if __name__ == "__main__":
    main()
