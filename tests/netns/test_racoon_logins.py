#!/usr/bin/env python3
"""Who judges the logins of XAUTH, and who keeps accounts of them: RADIUS servers, PAM and the system's files.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    logs in, by racoonctl            racoon asks RADIUS at 127.0.0.1, or PAM

The RADIUS servers are radius_server.py; PAM's service file, the shadow file, utmp and wtmp are those of the test, mounted over
the system's where racoon runs.
"""
import json
import os
import pathlib
import struct
import sys

from lib import Lab, check, say, until
from logins import CLIENT, PASSWORD, SECRET, Logins, login_racoon, server_conf, system_files
from networks import LEFT, RIGHT, two_hosts
from racoon import memory

RADIUS = "auth_source radius; conf_source radius; accounting radius;"
CHECK = """#!/bin/sh
[ "$(tr -d '\\0')" = "{password}" ] && [ "$PAM_USER" = anna ] && [ "$PAM_RHOST" = {left} ]
"""
RECORD = """#!/bin/sh
echo "$PAM_TYPE $PAM_USER $PAM_RHOST $PAM_TTY" >> {file}
"""
SERVICE = """auth [success=1 default=ignore] pam_exec.so expose_authtok quiet {directory}/check
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_permit.so
session required pam_exec.so quiet {directory}/record
"""


class Radius:
    """A server, and what it was asked."""

    def __init__(self, node, port, secret=SECRET, signed="signed"):
        self.file = node.run_dir / f"radius-{port}"
        with open(self.file, "w", encoding="utf-8") as out:
            node.popen(sys.executable, pathlib.Path(__file__).parent / "radius_server.py", "127.0.0.1", port, secret, signed, stdout=out)
        check(until(lambda: "ready" in self.file.read_text()), f"a RADIUS server ({signed}) listens at port {port}")

    def asked(self, code):
        lines = self.file.read_text(encoding="utf-8").split("\n")[1:-1]
        return [said for said in map(json.loads, lines) if said["code"] == code]


def judged_by_radius(logins, right):
    say("-- RADIUS: the first server does not listen, the second is asked")
    server, good = logins.server, Radius(right, 11812)
    servers = f'auth "127.0.0.1" 11899 "{SECRET}"; auth "127.0.0.1" 11812 "{SECRET}"; acct "127.0.0.1" 11812 "{SECRET}"; retries 2;'
    server.reload(server_conf(mode_cfg=RADIUS, radius=servers))
    logins.succeeds("anna", PASSWORD, "10.88.0.7", "anna has the address of RADIUS")
    asked = good.asked(1)
    check(len(asked) == 1 and asked[0]["proven"], "one request, with a right Message-Authenticator", str(asked))
    wanted = {"user": "anna", "password": PASSWORD, "caller": LEFT, "nas": "127.0.0.1"}
    check(wanted.items() <= asked[0].items() and asked[0]["name"], "it says who, from where, and to whom", str(asked))
    check(until(lambda: good.asked(4)), "accounting begins", server.text())
    begun = good.asked(4)[0]
    wanted = {"proven": True, "status": 1, "user": "anna", "address": "10.88.0.7", "class": "gold", "caller": LEFT}
    check(wanted.items() <= begun.items(), "with the address and the class of the login", str(begun))
    server.says("Accounting : 'anna' logging on 'vpn0' from 10.2.3.4.", "says so")
    logins.leaves()
    check(until(lambda: len(good.asked(4)) == 2), "accounting ends", server.text())
    ended = good.asked(4)[1]
    wanted = {"proven": True, "status": 2, "session": begun["session"], "class": "gold"}
    check(wanted.items() <= ended.items() and "seconds" in ended, "the same session", str(ended))
    logins.succeeds("berta", "rose", "10.77.0.1", "berta, to whom RADIUS gives none, has one of the pool")
    server.says('No IP from RADIUS, using local pool for user "berta"', "says so")
    logins.leaves()
    logins.fails("anna", "wrong", 'ours: refused by RADIUS server 127.0.0.1 with "no such luck"; theirs: user anna', "a wrong password")
    logins.fails("nobody", "x" * 129, "the password is too long for RADIUS", "a password of 129 bytes")
    holds_no_secret(server)
    return good


def holds_no_secret(server):
    say("-- the secret is nowhere in the memory of the process that speaks to peers, nor in the log")
    seen = memory(server.children()[0])
    check(b"auth_throttle" in seen or b"radiuscfg" in seen, "its memory can be read", str(len(seen)))
    check(SECRET.encode() not in seen and SECRET[9:].encode() not in seen, "the secret is not there")
    check(SECRET not in server.text() and PASSWORD not in server.text(), "nor in the log", server.text())


def not_believed(logins, right, good):
    say("-- answers that prove too little")
    server = logins.server
    Radius(right, 11813, signed="bare")
    bare = f'auth "127.0.0.1" 11813 "{SECRET}"; timeout 1; retries 1;'
    server.reload(server_conf(mode_cfg="auth_source radius;", radius=bare))
    logins.fails("anna", PASSWORD, "127.0.0.1, its answer has no Message-Authenticator", "without Message-Authenticator")
    server.reload(server_conf(mode_cfg="auth_source radius;", radius=bare + "message_authenticator optional;"))
    logins.succeeds("anna", PASSWORD, "10.77.0.1", "unless the configuration believes it; the address is the pool's")
    logins.leaves()
    Radius(right, 11814, secret="another")
    server.reload(server_conf(mode_cfg="auth_source radius;", radius=f'auth "127.0.0.1" 11814 "{SECRET}"; timeout 1; retries 1;'))
    logins.fails("anna", PASSWORD, "its answer is not made with this secret", "another secret")
    silent = Radius(right, 11815, signed="silent")
    server.reload(server_conf(mode_cfg="auth_source radius;", radius=f'auth "127.0.0.1" 11815 "{SECRET}"; timeout 1; retries 2;'))
    logins.fails("anna", PASSWORD, "no RADIUS server answers: 127.0.0.1, silence", "a server that is silent")
    check(len(silent.asked(1)) == 2, "it was asked as often as retries says", str(silent.asked(1)))
    asks_without_rights(logins)
    before = len(good.asked(1))
    server.reload(server_conf(mode_cfg='auth_source radius; auth_groups "vpn";', radius=f'auth "127.0.0.1" 11812 "{SECRET}";'))
    logins.fails("berta", "rose", "in none of auth_groups", "a user of no such group")
    check(len(good.asked(1)) == before, "no server was asked")
    logins.succeeds("anna", PASSWORD, "10.77.0.1", "a member may")
    logins.leaves()


def asks_without_rights(logins):
    """While it waits for an answer; then it dies."""
    server = logins.server
    server.reload(server_conf(mode_cfg="auth_source radius;", radius=f'auth "127.0.0.1" 11815 "{SECRET}"; timeout 60; retries 1;'))
    logins.ends_the_judge()


def judged_by_pam(logins, right):
    modules = list(pathlib.Path("/").glob("lib/*/security/pam_exec.so")) + list(pathlib.Path("/").glob("lib/security/pam_exec.so"))
    if not modules:
        return say("-- PAM: left out, there is no pam_exec")
    say("-- PAM, and its sessions")
    server, record = logins.server, right.run_dir / "sessions"
    server.reload(server_conf(mode_cfg="auth_source pam; accounting pam;"))
    logins.fails("anna", "wrong", "unknown, or not with this password", "a wrong password")
    logins.succeeds("anna", PASSWORD, "10.77.0.1", "the right one")
    opened, closed = f"open_session anna {LEFT} vpn0\n", f"close_session anna {LEFT} vpn0\n"
    check(until(lambda: record.exists() and record.read_text() == opened), "a session is open", server.text())
    logins.leaves()
    check(until(lambda: record.read_text() == opened + closed), "and closed", record.read_text() + server.text())


def kept(file):
    """(type, line, user, host) of the entries of utmp(5)."""
    data = file.read_bytes()
    text = [struct.unpack_from("hxxi32s4s32s256s", data, at) for at in range(0, len(data) - 383, 384)]
    return [(each[0], *(field.split(b"\0", 1)[0].decode() for field in (each[2], each[4], each[5]))) for each in text]


def accounted_by_the_system(logins, right):
    say("-- the system's utmp and wtmp; racoon ends while somebody is logged in")
    server, utmp, wtmp = logins.server, right.run_dir / "run" / "utmp", right.run_dir / "log_" / "wtmp"
    server.reload(server_conf(mode_cfg="auth_source system; accounting system;"))
    logins.succeeds("anna", PASSWORD, "10.77.0.1", "the shadow file's password")
    entry = (7, "vpn0", "anna", LEFT)
    check(until(lambda: kept(utmp) == [entry] and kept(wtmp) == [entry]), "both have the user, the line and the host", f"{kept(utmp)} {kept(wtmp)} {server.text()}")
    server.stop()
    gone = (8, "vpn0", "", "")
    check(kept(utmp) == [gone] and kept(wtmp) == [entry, gone], "when racoon has ended, the session has", f"{kept(utmp)} {kept(wtmp)} {server.text()}")
    check("Accounting : 'anna' unlogging from 'vpn0'." in server.text(), "and the log says so", server.text())


def prepare(right):
    """What is mounted over the system's files."""
    directory = right.run_dir
    for name in ("pam.d", "run", "log_"):
        (directory / name).mkdir()
    (directory / "pam.d" / "racoon").write_text(SERVICE.format(directory=directory))
    for name, text in (("check", CHECK), ("record", RECORD)):
        (directory / name).write_text(text.format(password=PASSWORD, left=LEFT, file=directory / "sessions"))
        os.chmod(directory / name, 0o700)
    (directory / "run" / "utmp").touch()
    (directory / "log_" / "wtmp").touch()
    places = {"pam.d": "/etc/pam.d", "run": "/run", "log_": "/var/log"}
    return [*system_files(directory, "vpn:x:4712:anna\n"), *((directory / name, place) for name, place in places.items())]


def main():
    with Lab() as lab:
        left, right, _ = two_hosts(lab)
        for node in (left, right):
            node.start_testudod()
        server = login_racoon(right, LEFT, server_conf(), prepare(right))
        client = login_racoon(left, RIGHT, CLIENT)
        logins = Logins(left, server)
        good = judged_by_radius(logins, right)
        not_believed(logins, right, good)
        judged_by_pam(logins, right)
        accounted_by_the_system(logins, right)
        client.stop()


if __name__ == "__main__":
    main()
