"""racoon in a node of a test or a measurement: its configuration, its start, its log, and what its processes are."""
import os
import pathlib
import signal

import lib
from lib import Logged, check, until
from networks import first_ping

KEY = "mekmitasdigoat"
NAT_T = "[4500] used for NAT-T"  # as `ready`: the last socket of one that knows NAT-Traversal


def racoon_conf(remote, top="", method="pre_shared_key", suite=("aes 128", "sha256", "modp2048"), esp=("aes 128", "hmac_sha256"),
                sainfo="pfs_group modp2048;"):
    """A racoon.conf(5) for whoever comes.

    top, remote, sainfo: statements before the sections, and in them.  suite: cipher, hash and group of phase 1; esp: cipher and
    MAC of phase 2.
    """
    cipher, hash_name, group = suite
    return f"""{top}
remote anonymous {{
    {remote}
    proposal {{ encryption_algorithm {cipher}; hash_algorithm {hash_name}; authentication_method {method}; dh_group {group}; }}
}}
sainfo anonymous {{
    {sainfo}
    encryption_algorithm {esp[0]}; authentication_algorithm {esp[1]}; compression_algorithm deflate;
}}
"""


def by_certificate(own, ca="ca", me="asn1dn"):
    """Statements of `remote`: this host's certificate and key, whom it believes, and the name it takes."""
    return f'certificate_type x509 "{own}.pem" "{own}.key"; ca_type x509 "{ca}.pem"; my_identifier {me};'


class Process(Logged):
    """A racoon that was started; `started` says whether it got as far as `ready` in its log.

    conf: its racoon.conf, before which comes the path of its psk.txt.  psk: the lines of that.  mounts: pairs of a file and the
    system's, in whose place racoon sees it.  arguments: more of racoon(8).
    """

    def __init__(self, node, conf, psk="", ready="used as isakmp port", mounts=(), arguments=(), psk_mode=0o600):
        self.node, self.directory, self.name = node, node.run_dir, f"racoon of {node.name}"
        self.conf, self.log = self.directory / "racoon.conf", self.directory / "racoon.log"
        (self.directory / "psk.txt").write_text(psk, encoding="utf-8")
        os.chmod(self.directory / "psk.txt", psk_mode)
        self.configure(conf)
        # `ip netns exec` gives it a mount namespace of its own.
        binds = "".join(f"mount --bind {source} {target}; " for source, target in mounts)
        command = " ".join(map(str, ("exec", lib.BIN / "racoon", "-F", *arguments, "-f", self.conf, "--run-dir", self.directory)))
        with open(self.log, "w", encoding="utf-8") as out:
            self.process = node.popen("sh", "-ec", binds + command, stdout=out, stderr=out)
        until(lambda: self.process.poll() is not None or self.is_ready(ready), 60)
        self.started = self.process.poll() is None and self.is_ready(ready)

    def is_ready(self, words):
        return words in self.text()

    def configure(self, conf):
        self.conf.write_text(f'path pre_shared_key "{self.directory}/psk.txt";\n{conf}', encoding="utf-8")


class Racoon(Process):
    """One that must start, and end well."""

    def __init__(self, node, conf, psk="", **options):
        super().__init__(node, conf, psk, **options)
        check(self.started, f"{self.name} runs", self.text())

    def reload(self, conf):
        self.configure(conf)
        self.read_again(self.process.pid)

    def read_again(self, pid):
        """By SIGHUP, at either of its processes."""
        before = self.text().count("configuration read again")
        os.kill(pid, signal.SIGHUP)
        self.says("configuration read again", "the configuration is read again", before + 1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(20) == 0, f"{self.name} ends with status 0", self.text())

    def children(self):
        """Its processes, of which the first speaks to peers."""
        return children_of(self.process.pid)

    def has_few_privileges(self):
        """In all threads: each has capabilities and a filter of its own."""
        net_admin, bind_service, kill = 1 << 12, 1 << 10, 1 << 5
        parent = [facts(thread) for thread in threads(self.process.pid)]
        check(len(parent) == 2 and all(
            int(each["CapPrm"][0], 16) == net_admin | bind_service | kill and int(each["CapBnd"][0], 16) == net_admin | bind_service
            and each["NoNewPrivs"] == ["1"] for each in parent),
            f"{self.name} keeps three capabilities, of which scripts have two", str(parent))
        child = [facts(thread) for thread in threads(self.children()[0])]
        none = [[each[name] for name in ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb")] for each in child]
        check(len(child) > 1 and none == [[["0" * 16]] * 5] * len(child)
              and all(each["NoNewPrivs"] == ["1"] and each["Seccomp"] == ["2"] for each in child),
              "the process that speaks to peers has none, and a filter of system calls", str(child))
        users = {user for each in child for user in (*each["Uid"], *each["Gid"], *each["Groups"])}
        check("0" not in users and all(len(each["Groups"]) == 1 for each in child), "it is not root, in no group of root's", str(child))


class NatRacoon(Racoon):
    """Of either end of a way through a NAT: main mode with a pre-shared key for `peer`."""

    def __init__(self, node, peer, more=""):
        conf = racoon_conf(f"exchange_mode main; nat_traversal on; {more}", top="timer { natt_keepalive 1 sec; }")
        super().__init__(node, conf, f"{peer} {KEY}\n")
        check(NAT_T in self.text(), f"{self.name} listens for NAT-T too", self.text())


def agree(ends, address):
    """Two racoons: a ping from the first one's host has them make SAs, and more pass by these."""
    first_ping(ends[0].node, address)
    for end in ends:
        end.says("IPsec-SA established", "phase 2 is established")
    ends[0].node.ping(address)


def stop_all(daemons):
    for daemon in daemons:
        daemon.stop()


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def threads(pid):
    return [f"{pid}/task/{thread.name}" for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()]


def facts(pid):
    """The status of a process or a thread, by name: words."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").split("\n")
    return {name: value.split() for name, value in (line.split(":\t", 1) for line in status if ":\t" in line)}


def memory(pid):
    """All that a process has written to, or might have."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, flags = line.split()[:2]
            begin, end = (int(x, 16) for x in span.split("-"))
            if "w" not in flags:
                continue
            mem.seek(begin)
            parts.append(mem.read(end - begin))
    return b"\0".join(parts)
