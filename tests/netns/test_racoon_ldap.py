#!/usr/bin/env python3
"""Logins of XAUTH that a directory judges, which may give the address as well: auth_source, group_source, conf_source ldap.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    logs in, by racoonctl            racoon asks the directory at 127.0.0.1

The directory is ldap_server.py; ldap.conf(5), which says whose certificates are believed, is mounted over the system's.
"""
import json
import pathlib
import sys

from certificates import issue, make_authority
from lib import Lab, check, say, until
from logins import CLIENT, PASSWORD, Logins, login_racoon, server_conf
from networks import LEFT, RIGHT, two_hosts
from racoon import memory

BASE, SEEKER, HIDDEN = "dc=example,dc=org", "cn=seeker,dc=example,dc=org", "hide and seek"
MODE = "auth_source ldap; conf_source ldap;"
SYSTEMS = pathlib.Path("/etc/ldap/ldap.conf")


class Directory:
    """A server, and what it was asked."""

    def __init__(self, node, port, way="answers", *certificate):
        self.file = node.run_dir / f"ldap-{port}"
        with open(self.file, "w", encoding="utf-8") as out:
            node.popen(sys.executable, pathlib.Path(__file__).parent / "ldap_server.py", "127.0.0.1", port, way, *certificate, stdout=out)
        check(until(lambda: "ready" in self.file.read_text()), f"a directory ({way}) listens at port {port}")

    def asked(self, what):
        lines = self.file.read_text(encoding="utf-8").split("\n")[1:-1]
        return [said for said in map(json.loads, lines) if said["asked"] == what]


def asks(port, more=""):
    return f'host "127.0.0.1"; port {port}; base "{BASE}"; subtree on; attr_user "uid"; bind_dn "{SEEKER}"; bind_pw "{HIDDEN}"; {more}'


class Gateway(Logins):
    """A racoon for each part: one process says so many refusals in a while, and no more."""

    def __init__(self, left, right, conf):
        super().__init__(left, None)
        self.right, self.conf = right, conf

    def begin(self, what, mode="", **ldap):
        if self.server:
            self.server.stop()
        say("-- " + what)
        self.server = login_racoon(self.right, LEFT, server_conf(mode_cfg=MODE + mode, **ldap), [(self.conf, SYSTEMS)])
        return self.server


def judged(logins, directory):
    server = logins.begin("found by one name, proved by another", ldap=asks(11389))
    logins.succeeds("anna", PASSWORD, "10.88.0.7", "anna has the address of the directory")
    binds, searches = directory.asked("bind"), directory.asked("search")
    names = [(each["name"], each["right"], each["version"]) for each in binds]
    check(names == [(SEEKER, True, 3), (f"uid=anna,ou=people,{BASE}", True, 3)], "it is asked as the seeker, then as anna", str(binds))
    check([(each["by"], each["base"], each["scope"]) for each in searches] == [(SEEKER, BASE, 2)], "once, below the base", str(searches))
    logins.leaves()
    logins.succeeds("berta", "rose", "10.77.0.1", "berta, whose entry has no address, has one of the pool")
    server.says('No IP from LDAP, using local pool for user "berta"', "says so")
    logins.leaves()
    for user, password, why in (("anna", "wrong", "a wrong password"), ("nobody", PASSWORD, "a user that is not there"),
                                ("*", PASSWORD, "a name that would be any"), ("anna)(uid=*", PASSWORD, "a name that would end the filter")):
        logins.fails(user, password, "unknown, or not with this password; theirs: user " + user, why)
    before = len(directory.asked("bind"))
    logins.fails("anna", "", "unknown, or not with this password; theirs: user anna", "no password")
    check(len(directory.asked("bind")) == before, "the directory, which would let it in as nobody, was not asked")
    logins.fails("twin", "rose", "several entries of the directory have this name", "a name of two")
    server = logins.begin("other words of ldapcfg", ldap=asks(11389, "subtree off;"))
    logins.fails("anna", PASSWORD, "unknown, or not with this password", "one below the level that is asked for")
    server.reload(server_conf(mode_cfg=MODE, ldap=asks(11389).replace(HIDDEN, "not that")))
    logins.fails("anna", PASSWORD, "Invalid credentials (no such luck)", "a seeker that is not let in")
    seen = memory(server.children()[0])
    check(b"auth_throttle" in seen or b"ldapcfg" in seen, "the memory of the process that speaks to peers can be read", str(len(seen)))
    check(b"not that" not in seen and HIDDEN.encode() not in seen, "bind_pw is not in it")
    check(HIDDEN not in server.text() and PASSWORD not in server.text(), "nor are passwords in the log", server.text())


def in_groups(logins):
    logins.begin("groups of the directory", 'group_source ldap; auth_groups "admins", "vpn";', ldap=asks(11389))
    logins.succeeds("anna", PASSWORD, "10.88.0.7", "a member may")
    logins.leaves()
    logins.fails("berta", "rose", "in none of auth_groups", "another may not")


def unanswered(logins, right):
    server = logins.begin("directories that do not answer", ldap=asks(11399))
    logins.fails("anna", PASSWORD, "directory ldap://127.0.0.1:11399: nobody answers there", "no server")
    Directory(right, 11390, "silent")
    server.reload(server_conf(mode_cfg=MODE, ldap=asks(11390, "timeout 1;")))
    logins.fails("anna", PASSWORD, "directory ldap://127.0.0.1:11390: Timed out", "a server that is silent")
    server.reload(server_conf(mode_cfg=MODE, ldap=asks(11390, "timeout 60;")))
    logins.ends_the_judge()


def protected(logins, right, pki):
    server = logins.begin("TLS: only a server that is proved gets passwords", ldap=asks(11389))
    certificate = pki / "right.pem", pki / "right.key"
    for port, way, uri, more in ((11391, "answers", "ldap", "tls on;"), (11392, "ldaps", "ldaps", "")):
        directory = Directory(right, port, way, *certificate)
        server.reload(server_conf(mode_cfg=MODE, ldap=asks(port, f'uri "{uri}://127.0.0.1:{port}"; {more}')))
        logins.succeeds("anna", PASSWORD, "10.88.0.7", f"{uri}://, {more or 'from the first byte'}")
        logins.leaves()
        binds = directory.asked("bind")
        check(len(binds) == 2 and all(each["tls"] for each in binds), "both names and passwords went by TLS", str(binds))
    directory = Directory(right, 11393, "answers", pki / "other.pem", pki / "other.key")
    server.reload(server_conf(mode_cfg=MODE, ldap=asks(11393, "tls on;")))
    logins.fails("anna", PASSWORD, "TLS needs a certificate of that host, by a CA in TLS_CACERT", "a certificate of another CA")
    check(not directory.asked("bind"), "it was told no password", str(directory.asked("bind")))


def main():
    if not SYSTEMS.exists():
        say(f"skipped: there is no {SYSTEMS} (libldap-common)")
        sys.exit(77)
    with Lab() as lab:
        left, right, _ = two_hosts(lab)
        pki = lab.directory / "pki"
        for name, ca in (("right", "ca"), ("other", "otherca")):
            make_authority(pki, ca, f"/O=Example/CN={ca}")
            issue(pki, name, ca, f"/O=Example/CN={name}", "subjectAltName=IP:127.0.0.1\n")
        (lab.directory / "ldap.conf").write_text(f"TLS_CACERT {pki}/ca.pem\n")
        for node in (left, right):
            node.start_testudod()
        client = login_racoon(left, RIGHT, CLIENT)
        logins = Gateway(left, right, lab.directory / "ldap.conf")
        directory = Directory(right, 11389)
        judged(logins, directory)
        in_groups(logins)
        unanswered(logins, right)
        protected(logins, right, pki)
        logins.server.stop()
        client.stop()


if __name__ == "__main__":
    main()
