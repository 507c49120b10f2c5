#!/usr/bin/env python3
"""racoon between two hosts that have link-local addresses alone on the wire between them.

    fd00:1::1 left fe80::1 ──────── fe80::2 right fd00:2::1
                │ fe80::1 ──────── fe80::2 other

A second neighbour has the same address on another wire: only the interface behind an address says which is meant.  The
policies of the networks behind name the tunnel's ends with their interfaces, and so do racoon.conf and psk.txt.
"""
from lib import BIN, Lab, check, say, until
from networks import first_ping
from racoon import Racoon, racoon_conf, stop_all


def policies(here, there, near, far):
    return f"""
        spdadd {here} {there} any -P out ipsec esp/tunnel/{near}-{far}/require;
        spdadd {there} {here} any -P in ipsec esp/tunnel/{far}-{near}/require;
    """


class LinkRacoon(Racoon):
    """Of the hosts at `near` and `far`, alone: the same address without that interface has other keys.

    remote: for whom its block is.  key: the line of psk.txt that is for the other host.
    """

    def __init__(self, node, near, far, remote="anonymous", top="", key="secret of this link"):
        self.told = node.run_dir / "told"
        hook = node.run_dir / "hook"
        hook.write_text(f'#!/bin/sh\necho "$LOCAL_ADDR $REMOTE_ADDR" > {self.told}\n', encoding="ascii")
        hook.chmod(0o755)
        conf = racoon_conf(f'exchange_mode main; script "{hook}" phase1_up;', top=top)
        psk = f"{far.split('%')[0]} of nobody\n{far}x of nobody else\n{f'{far} {key}' if key else ''}\n"
        super().__init__(node, conf.replace("remote anonymous", f"remote {remote}"), psk, ready=f"{near}[500] used as isakmp port")


def index_of(node, link):
    return node.exec("cat", f"/sys/class/net/{link}/ifindex").stdout.strip()


def racoonctl(node, *words):
    return node.exec(BIN / "racoonctl", "--run-dir", node.run_dir, *words, check=False).stdout


def shows_names(left, racoon):
    say("-- what people read has the names of interfaces")
    shown = racoonctl(left, "-ll", "show-sa", "isakmp")
    check("fe80::1%to-right.500 " in shown and "fe80::2%to-right.500 " in shown, "racoonctl show-sa", shown)
    check("phase 1 with fe80::2%to-right[500]" in racoonctl(left, "show-schedule"), "and show-schedule", racoon.text())


def explains_with_names(left, right):
    say("-- one of them has no key for the other")
    racoons = [LinkRacoon(left, "fe80::1%to-right", "fe80::2%to-right"), LinkRacoon(right, "fe80::2%to-left", "fe80::1%to-left", key="")]
    first_ping(left, "fd00:2::1")
    racoons[1].says('phase 1 with fe80::1%to-left[500], main mode message 3: pre-shared key does not match; ours: none for fe80::1%to-left; '
                    'add a line "fe80::1%to-left KEY" to the file', "the log says what to write", peer=racoons[0])
    said = racoonctl(right, "explain", "fe80::1%to-left")
    check("with fe80::1%to-left[500]" in said and 'add a line "fe80::1%to-left KEY"' in said, "racoonctl explain as well", said)
    stop_all(racoons)


def main():
    with Lab() as lab:
        left, right, other = lab.node("left"), lab.node("right"), lab.node("other")
        decoy = lab.link(left, "fe80::1/64", other, "fe80::2/64")
        wire = lab.link(left, "fe80::1/64", right, "fe80::2/64")
        left.ip("addr", "add", "fd00:1::1/64", "dev", "lo", "nodad")
        right.ip("addr", "add", "fd00:2::1/64", "dev", "lo", "nodad")
        left.ip("route", "add", "fd00:2::/64", "via", "fe80::2", "dev", "to-right", "src", "fd00:1::1")
        right.ip("route", "add", "fd00:1::/64", "via", "fe80::1", "dev", "to-left", "src", "fd00:2::1")
        for node in (left, right):
            node.start_testudod()
        left.setkey(policies("fd00:1::/64", "fd00:2::/64", "fe80::1%to-right", "fe80::2%to-right"))
        right.setkey(policies("fd00:2::/64", "fd00:1::/64", "fe80::2%to-left", "fe80::1%to-left"))

        say("-- one listens where it is told and knows the other by address; that one listens at all addresses, for anybody")
        racoons = [LinkRacoon(left, "fe80::1%to-right", "fe80::2%to-right", remote="fe80::2%to-right",
                              top="listen { isakmp fe80::1%to-right [500]; }"),
                   LinkRacoon(right, "fe80::2%to-left", "fe80::1%to-left")]
        with wire.capture() as seen, decoy.capture() as beside:
            first_ping(left, "fd00:2::1")
            for each in racoons:
                each.says("IPsec-SA established", "phase 2 is established")
            racoons[0].says("ISAKMP-SA established fe80::1%to-right[500]-fe80::2%to-right[500]", "logs name the interface")
            left.ping("fd00:2::1")
            right.ping("fd00:1::1", size=4000)
        seen.only("IPv6 UDP", "IPv6 ESP", "IPv6 fragment of ESP")
        beside.nothing()
        told = "fe80::1%to-right fe80::2%to-right"
        check(until(lambda: racoons[0].told.exists() and racoons[0].told.read_text(encoding="ascii").strip() == told),
              "a script is told the interface by its name", racoons[0].text())

        say("-- between themselves they cannot be protected")
        refused = left.setkey("spdadd fe80::1 fe80::2 any -P out ipsec esp/transport//require;", check=False)
        check("Operation not supported (what link-local addresses say" in refused.stdout, "setkey says so", refused.stdout)
        check("policy for packets from fe80::1 to fe80::2 is refused:" in left.log_text(), "and testudod's log", left.log_text())

        say("-- the SAs name their interface, and are removed by it")
        link = index_of(left, "to-right")
        dump = left.setkey("dump;").stdout
        check(f"fe80::1%{link} fe80::2%{link}" in dump and f"fe80::2%{link} fe80::1%{link}" in dump, "setkey -D shows it", dump)
        left.setkey("deleteall fe80::1%to-other fe80::2%to-other esp;", check=False)
        check(left.setkey("dump;").stdout.count("mature") == 2, "those of another interface would be others")
        left.setkey("deleteall fe80::1%to-right fe80::2%to-right esp;")
        check(until(lambda: left.setkey("dump;").stdout.count("mature") < 2), "and these go", left.setkey("dump;").stdout)
        shows_names(left, racoons[0])
        stop_all(racoons)
        explains_with_names(left, right)


if __name__ == "__main__":
    main()
