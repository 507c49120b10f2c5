"""racoon as the server of XAUTH with a pool of addresses, and as its client; the user that may log in."""
import os
import pathlib
import signal
import subprocess

from lib import BIN, check, run, until
from networks import RIGHT
from racoon import KEY, Racoon, racoon_conf

USER, PASSWORD = "anna", "tulip in spring"
SECRET = "Barnacle-4711-secret"  # of racoon and its RADIUS servers
NO_PFS = {"suite": ("aes", "sha256", "modp2048"), "esp": ("aes", "hmac_sha256"), "sainfo": ""}
CLIENT = racoon_conf("exchange_mode main; mode_cfg on; nat_traversal off;", method="xauth_psk_client", **NO_PFS)


def server_conf(mode_cfg="", radius="", nat_traversal="off", phases=NO_PFS, ldap=""):
    """mode_cfg, radius, ldap: further statements of these sections; phases: what else racoon_conf() takes."""
    top = f"mode_cfg {{ auth_throttle 0; network4 10.77.0.1; pool_size 20; {mode_cfg} }}\nradiuscfg {{ {radius} }}\nldapcfg {{ {ldap} }}"
    return racoon_conf(f"exchange_mode main; nat_traversal {nat_traversal};", top, "xauth_psk_server", **phases)


def login_racoon(node, peer, conf, mounts=()):
    return Racoon(node, conf, f"{peer} {KEY}\n", ready="unprivileged process running", mounts=mounts)


def system_files(directory, groups, password=PASSWORD):
    """The system's files of users, with ours in them, for Racoon's `mounts`; groups: lines of group(5)."""
    hashed = run("openssl", "passwd", "-6", password).stdout.strip()
    (directory / "shadow").write_text(f"root:*:19000:0:99999:7:::\n{USER}:{hashed}:19000:0:99999:7:::\n")
    (directory / "shadow").chmod(0o600)
    (directory / "passwd").write_text(f"root:x:0:0::/:/bin/sh\n{USER}:x:4711:4711::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n")
    (directory / "group").write_text("root:x:0:\n" + groups)
    return [(directory / name, f"/etc/{name}") for name in ("shadow", "passwd", "group")]


class Logins:
    """Users at the host `left`, whose racoon asks that of `server` in."""
    def __init__(self, left, server):
        self.left, self.server = left, server

    def racoonctl(self, *words, **options):
        return run("ip", "netns", "exec", self.left.ns, BIN / "racoonctl", "--run-dir", self.left.run_dir, *words, check=False, **options)

    def begins(self, user, password):
        """Somebody who waits for an answer."""
        made = self.left.popen(BIN / "racoonctl", "--run-dir", self.left.run_dir, "vpn-connect", "-u", user, RIGHT,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        made.stdin.write(password + "\n")
        made.stdin.flush()
        return made

    def succeeds(self, user, password, address, why):
        done = self.racoonctl("vpn-connect", "-u", user, RIGHT, input=password + "\n")
        check(f"Bound to address {address}\n" in done.stdout, why, done.stdout + done.stderr + self.server.text())

    def fails(self, user, password, words, why):
        before = self.server.text().count(words)
        done = self.racoonctl("vpn-connect", "-u", user, RIGHT, input=password + "\n")
        check(done.returncode != 0 and "Bound to address" not in done.stdout, f"{why}: refused", done.stdout + done.stderr + self.server.text())
        self.server.says(words, "says why", before + 1)

    def ends_the_judge(self):
        """The process of the server that waits for somebody's answer, which may do nothing else; without it nobody may log in."""
        waits = self.begins(USER, PASSWORD)
        found = until(self._judge)
        check(found, "the process that asks has a filter of system calls", self.server.text())
        pid, status = found
        check(all(f"{name}:\t{'0' * 16}" in status for name in ("CapPrm", "CapEff", "CapAmb")) and "NoNewPrivs:\t1" in status,
              "and no capabilities, and cannot gain any", status)
        words = "the password could not be judged"
        before = self.server.text().count(words)
        os.kill(pid, signal.SIGKILL)
        self.server.says(words, "refuses when that process dies", before + 1)
        waits.communicate()

    def _judge(self):
        for pid in self.server.children():
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            if b"--judge-login" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() and "Seccomp:\t2" in status:
                return pid, status
        return None

    def leaves(self):
        before = self.server.text().count("ISAKMP-SA deleted")
        self.racoonctl("vpn-disconnect", RIGHT)
        self.server.says("ISAKMP-SA deleted", "sees the client leave", before + 1)
