#!/usr/bin/env python3
"""What a user without privilege can send to testudod's socket for policies, and that packets go on all the while."""
import ast
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from lib import SOURCE, Lab, check, say, until
from sockets import Program, skip_unless_built, two_hosts

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
OUT = "out ipsec esp/transport//require"


class Attacker:
    """A program of nobody's, told what to do as socket_program.py is."""

    def __init__(self, node):
        self.node = node

    def __enter__(self):
        self.process = self.node.popen(*NOBODY, sys.executable, SOURCE / "tests/netns/socket_attacker.py", self.node.run_dir / "socket.sock",
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def do(self, expression):
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return ast.literal_eval(self.process.stdout.readline())


def longest(node, act):
    """How long `testudo status`, which the packet thread answers, had to wait at most while `act` went on."""
    at = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    at.connect(str(node.run_dir / "control.sock"))
    at.settimeout(60)
    worst = 0
    for step in act:
        step()
        before = time.monotonic()
        at.send(b'{"cmd": "counters"}')
        at.recv(1 << 20)
        worst = max(worst, time.monotonic() - before)
    return worst


def lingering(lab, a, b):
    say("sockets whose close() waits for a peer that does not answer")
    b.exec("nft", "add table inet mute; add chain inet mute in { type filter hook input priority 0; };")
    with Attacker(a) as attacker, Program(b) as there:
        there.do("make('listener', 4, 'tcp')"), there.do("sockets['listener'].bind(('0.0.0.0', 7100))"), there.do("sockets['listener'].listen()")
        for how in ("beside", "behind", "alone", "evicted"):
            check(attacker.do(f"make_lingering('10.9.0.2', 7100, 3)") == 3, f"{how}: sockets with data that is on its way and SO_LINGER")
            b.exec("nft", "add rule inet mute in tcp dport 7100 drop")
            # He closes his own while the message waits: else he would be the one who has to.
            daemon = int(lab_proc(a).name)
            os.kill(daemon, signal.SIGSTOP)
            attacker.do(f"give('{how}')")
            os.kill(daemon, signal.SIGCONT)
            worst = longest(a, [lambda: None, lambda: time.sleep(0.3), lambda: None])
            check(worst < 2, f"{how}: testudod does not wait for them", worst)
            b.exec("nft", "flush chain inet mute in")
    b.exec("nft", "delete table inet mute")


def strange(a):
    say("descriptors that are no sockets, and messages that are none")
    with Attacker(a) as attacker:
        for what in ("pipe", "directory", "unix socket", "own connection", "listener", "netlink", "several", "none", "much", "empty"):
            answer = attacker.do(f"strange('{what}')")
            check(answer in ("closed", "EINVAL", "ENOPROTOOPT"), f"{what}: refused ({answer})")


def lab_proc(node):
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/testudod") and str(node.run_dir).encode() in words:
            return entry
    raise AssertionError("no testudod")


def churn(wire, a, b):
    say("policies that change all the time, from as many connections as there are")
    with Attacker(a) as attacker, Program(a) as here, Program(b) as there:
        there.do("make('peer')"), there.do("sockets['peer'].bind(('0.0.0.0', 7110))")
        check(attacker.do("start_churn(6)") == "churning", "six threads change their policies as fast as they are let")
        here.do("make('s')")
        check(here.do(f"set_policy('s', '{OUT}')") == "set", "the administrator's socket gets its policy meanwhile")
        worst = longest(a, [lambda: time.sleep(0.1)] * 20)
        check(worst < 2, "testudod answers others", worst)
        here.do("sockets['s'].sendto(b'x', ('10.9.0.2', 7110))")
        check(there.do("receive('peer')") == "x", "and carries packets")
        ticks = cpu(a)
        before = attacker.do("changes()")
        time.sleep(2)
        changes = attacker.do("changes()") - before
        share = (cpu(a) - ticks) / 200
        check(share < 0.2, f"it is busy with that for a small part of its time ({changes} changes and {share:.0%} in 2 s)", share)


def cpu(node):
    """Of testudod so far, in hundredths of a second."""
    words = (lab_proc(node) / "stat").read_text().rsplit(")", 1)[1].split()
    return int(words[11]) + int(words[12])


def slow(a):
    say("connections that say nothing, and readers that do not read")
    with Attacker(a) as attacker, Program(a, wrap=NOBODY) as here:
        check(attacker.do("open_many(400)") == 400, "400 connections that say nothing")
        here.do("make('s')")
        check(here.do(f"set_policy('s', '{OUT}')") == "set", "another program of the same user gets its policy")
        check(len(list((lab_proc(a) / "fd").iterdir())) < 300, "testudod keeps few of them")
    with Attacker(a) as attacker:
        check(attacker.do("ask_and_not_read(200)") == 200, "200 requests whose answers nobody reads")
        check(until(lambda: json.loads(a.testudo("--json", "status"))["ok"]), "testudod answers others")


def main():
    skip_unless_built()
    with Lab() as lab:
        wire, a, b = two_hosts(lab)
        lab.directory.chmod(0o711)
        before = len(list((lab_proc(a) / "fd").iterdir()))
        lingering(lab, a, b)
        strange(a)
        churn(wire, a, b)
        slow(a)
        after = lambda: len(list((lab_proc(a) / "fd").iterdir()))
        # Devices of slots stay open.
        check(until(lambda: after() <= before + 20), "no descriptors stay behind", (before, after()))


if __name__ == "__main__":
    main()
