#!/usr/bin/env python3
"""racoonctl on two hosts: what it starts, shows, follows and ends; what a reload with an error leaves alone; and clients
of racoon's socket that send rubbish or do not read.
"""
import json
import os
import socket
import subprocess

from faq_racoon import FaqRacoon, faq_hosts
from lib import BIN, Lab, check, run, say, until
from networks import LEFT, RIGHT, first_ping
from racoon import stop_all


class Admin:
    """racoonctl of one host."""

    def __init__(self, node):
        self.node = node

    def command(self, *words):
        return [str(w) for w in ("ip", "netns", "exec", self.node.ns, BIN / "racoonctl", "--run-dir", self.node.run_dir, *words)]

    def __call__(self, *words, status=0):
        done = run(*self.command(*words), check=False)
        check(done.returncode == status, f"racoonctl {' '.join(map(str, words))}: status {status}", done.stdout + done.stderr)
        return done.stdout + done.stderr


def starts_and_ends(left, right, ctl, daemons):
    say("-- phase 1 and phase 2 by hand")
    check("peer not responding" not in ctl("vc", RIGHT), "vpn-connect returns when phase 1 is established")
    shown = ctl("-l", "show-sa", "isakmp")
    check(f"{RIGHT}.500" in shown and " 9 I 10 M " in shown, "show-sa isakmp shows it", shown)
    check("Phase 2 established" in ctl("es", "-w", "esp", "inet", f"{LEFT}/32/0", f"{RIGHT}/32/0", "any"), "establish-sa waits for phase 2")
    check("mode=transport" in ctl("show-sa", "esp"), "show-sa esp shows the SAs as setkey does")
    sas = json.loads(ctl("--json", "show-sa", "isakmp"))["sas"]
    check(len(sas) == 1 and sas[0]["phase2"] == 1, "--json", str(sas))
    check("end phase 1" in ctl("show-schedule"), "show-schedule names the end of phase 1")
    left.ping(RIGHT)
    check("no outbound policy" in ctl("es", "esp", "inet", "10.9.9.0/24/0", f"{RIGHT}/32/0", "any", status=1), "what no policy asks for is refused")
    ctl("ds", "esp", "inet", f"{LEFT}/32/0", f"{RIGHT}/32/0", "any")
    check(until(lambda: "mature" not in right.setkey("dump;").stdout), "delete-sa esp: the SAs are gone on the other side too", daemons[1].text())
    ctl("vd", RIGHT)
    check(until(lambda: LEFT not in Admin(right)("show-sa", "isakmp")), "vpn-disconnect: phase 1 is gone on the other side too", daemons[1].text())
    ctl("ds", "isakmp", "inet", LEFT, RIGHT, status=1)


def reloads(left, ctl, daemon):
    say("-- reload: an error keeps what is there")
    ctl("vc", RIGHT)
    conf = daemon.conf
    good = conf.read_text()
    conf.write_text(good.replace("hash_algorithm sha1", "hash_algorithm sha11"))
    said = ctl("reload-config", status=1)
    check("algorithm sha11 not supported" in said and "racoon.conf:" in said, "racoonctl is told what is wrong and where", said)
    daemon.says("the configuration in use stays", "the log says so too")
    check(f"{RIGHT}.500" in ctl("show-sa", "isakmp"), "phase 1 is still established")
    first_ping(left, RIGHT)
    left.ping(RIGHT)
    conf.write_text(good)
    ctl("reload-config")
    check(f"{RIGHT}.500" in ctl("show-sa", "isakmp"), "phase 1 outlives a good reload, too")
    ctl("flush-sa", "isakmp")
    check(f"{RIGHT}.500" not in ctl("show-sa", "isakmp"), "flush-sa isakmp ends it")
    ctl("flush-sa", "ipsec")
    check("No SAD entries." in ctl("show-sa", "ipsec"), "flush-sa ipsec empties the key table")


def explains(left, right, ctl):
    say("-- a failure is explained at both ends")
    daemons = [FaqRacoon(left, RIGHT), FaqRacoon(right, LEFT, cipher="3des")]
    said = ctl("es", "-w", "esp", "inet", f"{LEFT}/32/0", f"{RIGHT}/32/0", "any", status=1)
    check("phase 2 with" in said, "establish-sa says how it ended", said)
    here, there = (json.loads(Admin(node)("--json", "explain"))["explanations"] for node in (left, right))
    check(here and here[-1]["role"] == "initiator" and here[-1]["networks"] == f"{LEFT} to {RIGHT}", "explain where it began", str(here))
    check(there and "3des" in there[-1]["ours"] and "aes" in there[-1]["theirs"] and there[-1]["change"], "explain where it was refused", str(there))
    check("why:" in Admin(right)("explain", LEFT) and "No negotiation" in Admin(right)("explain", "192.0.2.99"), "explain of one peer")
    asked = run(BIN / "testudo", "--run-dir", right.run_dir, "explain").stdout
    check("theirs:" in asked, "testudo explain shows the same", asked)
    stop_all(daemons)


def hooks(left, right, ctl):
    say("-- scripts of phase 1")
    script, seen = left.run_dir / "hook", left.run_dir / "hook.log"
    script.write_text(f"#!/bin/sh\n{{ echo \"event $1\"; env; }} >>{seen}\nsleep 2\nexit 3\n")
    script.chmod(0o700)
    more = f'script "{script}" phase1_up; script "hook" phase1_down; script "/nowhere" phase1_dead;'
    daemons = [FaqRacoon(left, RIGHT, more=more, top=f'path script "{left.run_dir}";'), FaqRacoon(right, LEFT)]
    ctl("vc", RIGHT)

    def lines():
        return seen.read_text().splitlines() if seen.exists() else []

    check(until(lambda: "event phase1_up" in lines() and any(line.startswith("PATH=") for line in lines())), "phase1_up runs", daemons[0].text())
    ctl("vd", RIGHT)
    check(until(lambda: "event phase1_down" in lines()), "phase1_down runs, beside the one that sleeps", daemons[0].text())
    environment = dict(line.split("=", 1) for line in lines() if "=" in line)
    shell = {"PWD", "SHLVL", "_", "OLDPWD"}
    check(set(environment) - shell == {"PATH", "TESTUDO_RUN", "LOCAL_ADDR", "LOCAL_PORT", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_ID", "IKE_COOKIE"},
          "their environment is what the page says and nothing else", str(environment))
    check((environment["REMOTE_ADDR"], environment["REMOTE_ID"], environment["LOCAL_PORT"]) == (RIGHT, RIGHT, "500"), "the peer is named", str(environment))
    check(until(lambda: daemons[0].text().count("ended with status 3") == 2), "their status is in the log", daemons[0].text())
    children = run("ps", "-o", "stat=", "--ppid", str(daemons[0].process.pid), check=False).stdout
    check(len(children.split()) == 1, "none is left behind but the unprivileged process", children)
    stop_all(daemons)


def connect(node):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(10)
    client.connect(str(node.run_dir / "racoon.sock"))
    return client


def hostile(left, ctl):
    say("-- clients that harm nobody")
    for rubbish in (b"\0\1\2", b"[" * 4000, b'{"cmd":7}', b'{"cmd":"flush-sa","what":{}}', b'{"cmd":"connect","src":"x"}', b"\xff" * 100):
        client = connect(left)
        client.send(rubbish)
        reply = json.loads(client.recv(65536))
        check(reply["ok"] is False and reply["error"], f"{rubbish[:12]!r} gets an error", str(reply))
        client.close()
    client = connect(left)
    client.send(b"x" * 5000)
    check(client.recv(100) == b"", "a request that is too long ends its connection")
    # It asks and never reads: when its queue is full, it is let go.
    deaf = connect(left)
    try:
        for _ in range(100000):
            deaf.send(b'{"cmd":"show-sa"}')
        check(False, "a client that does not read is let go")
    except (BrokenPipeError, ConnectionResetError, TimeoutError) as error:
        check(not isinstance(error, TimeoutError), "a client that does not read is let go", str(error))
    many = [connect(left) for _ in range(70)]
    last = many[-1]
    try:
        last.send(b'{"cmd":"show-sa"}')
        refused = last.recv(100) == b""
    except (BrokenPipeError, ConnectionResetError):
        refused = True
    check(refused, "the seventieth client at a time is not admitted")
    for client in many:
        client.close()
    mode = os.stat(left.run_dir / "racoon.sock").st_mode & 0o777
    check(mode == 0o600, "the socket is root's alone", oct(mode))
    check(until(lambda: "Destination" in run(*ctl.command("show-sa", "isakmp"), check=False).stdout), "racoon answers as before")


def follows(left, right, ctl):
    say("-- show-event follows")
    with open(left.run_dir / "events", "w+", encoding="utf-8") as out:
        follower = subprocess.Popen(ctl.command("show-event"), stdout=out, stderr=out)
        left.lab.processes.append(follower)

        def shown():
            return (left.run_dir / "events").read_text()

        # Its subscription has no answer that could be seen: it is there when an event comes.
        def seen():
            run(*ctl.command("vc", RIGHT), check=False)
            run(*ctl.command("vd", RIGHT), check=False)
            return "Phase 1 deleted" in shown()

        check(until(seen), "its lines", shown())
        check(f"Phase 1 established : {LEFT}[500] -> {RIGHT}[500]\n" in shown() or "Phase 1 deleted : " in shown(), "racoonctl's words", shown())
        follower.terminate()
        follower.wait(20)


def main():
    with Lab() as lab:
        left, right, _ = faq_hosts(lab)
        ctl = Admin(left)
        check("no racoon answers" in ctl("ss", "isakmp", status=1), "without racoon it says so")
        check("Invalid command [dance]" in ctl("dance", status=1), "an unknown command")
        daemons = [FaqRacoon(left, RIGHT), FaqRacoon(right, LEFT)]
        starts_and_ends(left, right, ctl, daemons)
        reloads(left, ctl, daemons[0])
        follows(left, right, ctl)
        hostile(left, ctl)
        stop_all(daemons)
        check(not (left.run_dir / "racoon.sock").exists(), "the socket goes with racoon")
        explains(left, right, ctl)
        hooks(left, right, ctl)


if __name__ == "__main__":
    main()
