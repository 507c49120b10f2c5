#!/usr/bin/env python3
"""FreeRADIUS judges the logins of racoon's clients, gives them addresses and keeps their accounts; it takes no request without
Message-Authenticator, and sends one, of which those before 3.2.5 must be told (post-auth).  The clients are racoon and, where there is one, strongSwan's charon.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    racoon, FreeRADIUS at 127.0.0.1           logs in
"""
import os
import pathlib
import shutil

from charon import NETWORKS, PROGRAM as CHARON, PSK, Charon, login_secret, skip, swanctl_conf  # which says where lib is
from lib import BIN, Lab, check, run, say, until
from logins import CLIENT, PASSWORD, SECRET, USER, login_racoon, server_conf
from networks import LEFT, LEFT_NET, RIGHT, RIGHT_NET, tunnel, two_networks

CONF = """prefix = {root}/usr
libdir = {root}/usr/lib/freeradius
logdir = {directory}
raddbdir = {directory}
run_dir = {directory}
pidfile = {directory}/freeradius.pid
name = freeradius
log {{
  destination = stdout
  auth = yes
}}
security {{
  allow_vulnerable_openssl = yes
}}
client racoon {{
  ipaddr = 127.0.0.1
  secret = {secret}
  require_message_authenticator = yes
}}
modules {{
  pap {{ }}
  files {{
    usersfile = {directory}/users
  }}
  detail {{
    filename = {directory}/accounts
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = 11812
  }}
  listen {{
    type = acct
    ipaddr = 127.0.0.1
    port = 11813
  }}
  authorize {{
    files
    pap
  }}
  authenticate {{
    pap
  }}
  accounting {{
    detail
  }}
  post-auth {{
    update reply {{
      &Message-Authenticator := 0x00
    }}
    Post-Auth-Type REJECT {{
      update reply {{
        &Message-Authenticator := 0x00
      }}
    }}
  }}
}}
"""
USERS = """anna Cleartext-Password := "{password}"
  Framed-IP-Address = 10.77.0.9,
  Framed-IP-Netmask = 255.255.255.0,
  Class = "gold"

berta Auth-Type := Reject
  Reply-Message = "not today"
"""
RADIUS = f'auth "127.0.0.1" 11812 "{SECRET}"; acct "127.0.0.1" 11813 "{SECRET}";'
MODE = "auth_source radius; conf_source radius; accounting radius;"


def program():
    for candidate in (os.environ.get("PEER_FREERADIUS"), shutil.which("freeradius"), "/usr/sbin/freeradius"):
        if candidate and pathlib.Path(candidate).exists():
            return pathlib.Path(candidate)
    return skip("needs FreeRADIUS (package freeradius), here or where PEER_FREERADIUS says")


class FreeRadius:
    def __init__(self, node, path):
        self.entries = 0
        self.directory, root = node.run_dir / "freeradius", str(path.resolve().parents[2]).rstrip("/")
        self.directory.mkdir()
        (self.directory / "radiusd.conf").write_text(CONF.format(root=root, directory=self.directory, secret=SECRET))
        (self.directory / "users").write_text(USERS.format(password=PASSWORD))
        libraries = f"{root}/usr/lib/freeradius:" + ":".join(str(each) for each in pathlib.Path(f"{root}/usr/lib").glob("*-linux-gnu"))
        with open(self.directory / "log", "w", encoding="utf-8") as out:
            process = node.popen(path, "-f", "-l", "stdout", "-n", "radiusd", "-d", self.directory, "-D", f"{root}/usr/share/freeradius",
                                 stdout=out, stderr=out, env={**os.environ, "LD_LIBRARY_PATH": libraries})
        check(until(lambda: process.poll() is not None or "Ready to process requests" in self.text()) and process.poll() is None,
              "FreeRADIUS is ready", self.text())

    def text(self):
        return (self.directory / "log").read_text(encoding="utf-8")

    def accounts(self):
        """Entries of its file as dictionaries."""
        file = self.directory / "accounts"
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        return [dict(line.strip().replace('"', "").split(" = ", 1) for line in entry.split("\n") if " = " in line)
                for entry in text.split("\n\n") if "Acct-Status-Type" in entry and "Timestamp" in entry]


def accounted(server, radius, status):
    radius.entries += 1
    check(until(lambda: len(radius.accounts()) == radius.entries), f"FreeRADIUS writes: {status}", f"{radius.accounts()} {radius.text()} {server()}")
    entry = radius.accounts()[-1]
    wanted = {"Acct-Status-Type": status, "User-Name": "anna", "Framed-IP-Address": "10.77.0.9", "Calling-Station-Id": RIGHT,
              "NAS-IP-Address": "127.0.0.1"}
    check(wanted.items() <= entry.items() and "Class" in entry, "with name, addresses and class", str(entry))
    return entry["Acct-Session-Id"]


def with_racoon(left, right, radius):
    say("-- racoon logs in")
    server = login_racoon(left, RIGHT, server_conf())
    server.reload(server_conf(MODE, RADIUS))
    client = login_racoon(right, LEFT, CLIENT)

    def connect(user, password):
        return run("ip", "netns", "exec", right.ns, BIN / "racoonctl", "--run-dir", right.run_dir, "vpn-connect", "-u", user, LEFT, check=False,
                   input=password + "\n")

    done = connect("anna", PASSWORD)
    check("Bound to address 10.77.0.9\n" in done.stdout, "anna has the address of FreeRADIUS", done.stdout + done.stderr + server.text() + radius.text())
    session = accounted(server.text, radius, "Start")
    client.stop()
    check(accounted(server.text, radius, "Stop") == session, "it is the same session")
    client = login_racoon(right, LEFT, CLIENT)
    for user, password, words in (("anna", "wrong", "refused by RADIUS server 127.0.0.1;"), ("berta", "rose", 'refused by RADIUS server 127.0.0.1 with "not today";')):
        connect(user, password)
        server.says(words, f"{user} is refused")
    client.stop()
    server.stop()


def with_charon(left, right, radius):
    """charon's user-space ESP is that of a host without testudod."""
    if not CHARON.exists():
        return say("-- charon: left out, there is none")
    say("-- charon logs in")
    left.setkey("spdflush; flush;" + tunnel(LEFT_NET, "10.77.0.9/32", LEFT, RIGHT))
    left.ip("route", "add", "10.77.0.9/32", "via", RIGHT, "src", "10.8.0.1")
    auth = {"local-1": PSK["local"], "remote-1": PSK["remote"], "local-2": f"auth = xauth\n xauth_id = {USER}"}
    charon = Charon(right, swanctl_conf(auth=auth, more="encap = yes\n  vips = 0.0.0.0", child=NETWORKS.replace(RIGHT_NET, "dynamic"),
                                        after=login_secret(USER, PASSWORD)))
    racoon = login_racoon(left, RIGHT, server_conf(nat_traversal="on", phases={}))
    racoon.reload(server_conf(MODE, RADIUS, "on", phases={}))
    charon.initiate()
    charon.says("installing new virtual IP 10.77.0.9", "has the address of FreeRADIUS", peer=racoon)
    racoon.says("IPsec-SA established", "has both SAs")
    until(lambda: "CHILD_SA c{1} established" in charon.text())
    left.ping("10.77.0.9")
    session = accounted(racoon.text, radius, "Start")
    racoon.stop()
    check(accounted(racoon.text, radius, "Stop") == session, "it is the same session")
    charon.stop()


def main():
    path = program()
    with Lab() as lab:
        left, right = two_networks(lab)
        radius = FreeRadius(left, path)
        with_charon(left, right, radius)
        right.start_testudod()
        with_racoon(left, right, radius)


if __name__ == "__main__":
    main()
