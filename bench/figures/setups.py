"""Key negotiations: what a responder spends on main mode and quick mode, racoon (with testudod's key table) against charon.

    initiators 10.1.x.y  ── 10.3.0.2 ──── wire ──── 10.3.0.1 ──  responder, networks 10.9.0.0/24

bench/tunnel/setups.cc is all initiators, AES-128, SHA-256, modp2048, then one pair of SAs of ESP in UDP without PFS.  The
responder's processor time is that of all its processes: charon has its user-space IPsec inside, so testudod counts, too; it
runs without packets.  Each measurement has a responder of its own, fresh, and both write next to nothing to their logs.
"""
import contextlib
import functools
import json
import os
import pathlib
import re
import sys

from lab import ROOT, CannotMeasure, Figure

sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("netns", "interop")]
import certificates  # noqa: E402
import charon  # noqa: E402
import lib  # noqa: E402
import networks  # noqa: E402
import racoon  # noqa: E402

RESPONDER, NETWORK = "10.3.0.1", "10.1.0.0"
COUNT, AT_ONCE, TUNNELS = 300, 16, 10_000

QUIET = """install_routes = no
  syslog {
    daemon {
      default = -1
    }
    auth {
      default = -1
    }
  }"""
MORE = "encap = yes\n  unique = never\n  send_cert = always"
CHILD = "local_ts = 10.9.0.0/24\n    rekey_time = 0"


def address(number):
    return f"10.1.{number >> 8}.{number & 255}"


def processes_of(pid):
    """It and those that it started."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in children for each in processes_of(int(child)))]


def processor_seconds(pids):
    fields = [pathlib.Path(f"/proc/{p}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split() for p in pids]
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")


def resident(pids):
    pages = (int(pathlib.Path(f"/proc/{p}/statm").read_text(encoding="ascii").split()[1]) for p in pids)
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


class Keys:
    """A CA, and a certificate for either side."""

    def __init__(self, directory):
        self.directory = directory
        certificates.make_authority(directory, "ca", "/CN=CA")
        for name in ("responder", "initiator"):
            certificates.issue(directory, name, "ca", f"/CN={name}")

    def file(self, name):
        return self.directory / name


class Racoon(racoon.Process):
    def __init__(self, _lab, node, method, keys, count):
        node.start_testudod("attach = none\n")
        node.setkey("".join(networks.tunnel("10.9.0.0/24", address(i), RESPONDER, address(i)) for i in range(count)))
        remote, kind = "exchange_mode main; nat_traversal force; passive on;", "pre_shared_key"
        if method == "rsa":
            remote, kind = f"{remote} {racoon.by_certificate('responder')}", "rsasig"
        conf = racoon.racoon_conf(remote, f'path certificate "{keys.directory}"; log warning;', kind, sainfo="")
        super().__init__(node, conf, "".join(f"{address(i)} {racoon.KEY}\n" for i in range(count)))
        if not self.started:
            raise CannotMeasure(f"racoon did not start: {self.text()}")
        self.pids = [*processes_of(self.process.pid), node.daemon.pid]

    def is_ready(self, _words):
        """It says nothing of it below `warning`."""
        return ":500 " in self.node.exec("ss", "-lun").stdout and len(processes_of(self.process.pid)) > 1

    def parts(self):
        return {"racoon": self.pids[:-1], "testudod": self.pids[-1:]}

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.node.stop_testudod()


class Charon(charon.Process):
    def __init__(self, _lab, node, method, keys, _count):
        super().__init__(node, more=QUIET, log="default = 0")
        if not self.started:
            raise CannotMeasure("charon did not start")
        auth = charon.PSK
        if method == "rsa":
            charon.keep(node.lab, keys.file("responder.key"))
            auth = {"local": f"auth = pubkey\n    certs = {keys.file('responder.pem')}\n    id = \"CN=responder\"",
                    "remote": f"auth = pubkey\n    cacerts = {keys.file('ca.pem')}\n    id = \"CN=initiator\""}
        loaded = self.load(charon.swanctl_conf(RESPONDER, "%any", auth, MORE, CHILD, phase2="aes128-sha256"))
        if "successfully loaded 1 connections" not in loaded:
            raise CannotMeasure(f"charon did not take its configuration: {loaded}")
        self.pids = processes_of(self.process.pid)

    def parts(self):
        return {"charon": self.pids}


@contextlib.contextmanager
def network():
    with lib.Lab() as world:
        near, far = world.node("responder"), world.node("initiators")
        world.link(near, f"{RESPONDER}/24", far, "10.3.0.2/24")
        near.ip("route", "add", f"{NETWORK}/16", "via", "10.3.0.2")
        # All addresses of it are this host's.
        far.ip("route", "add", "local", f"{NETWORK}/16", "dev", "lo")
        yield world, near, far, Keys(world.directory / "keys")


def negotiate(lab, far, method, keys, first, count):
    files = [keys.file(n) for n in ("initiator.pem", "initiator.key", "ca.pem")] if method == "rsa" else []
    said = far.exec(lab.program("bench_setups"), method, RESPONDER, NETWORK, first, count, AT_ONCE, *files, check=False)
    return json.loads(said.stdout or "{}"), said.stderr


def served(lab, world, kind, method, count, measure):
    """What `measure` says of a responder while `count` initiators come, and the processor time of each of its parts."""
    _, near, far, keys = world
    responder = kind(lab, near, method, keys, count)
    before = {name: processor_seconds(pids) for name, pids in responder.parts().items()}
    size = resident(responder.pids)
    said, error = negotiate(lab, far, method, keys, 0, count)
    if said.get("done") != count:
        raise CannotMeasure(f"{said.get('done', 0)} of {count} came about: {error.strip()} {responder.text()[-500:]}")
    spent = {name: processor_seconds(pids) - before[name] for name, pids in responder.parts().items()}
    grown = resident(responder.pids) - size
    responder.stop()
    return measure(count, spent, grown)


def rate(count, spent, _grown):
    return count / max(sum(spent.values()), 0.01), spent


def memory(count, spent, grown):
    return grown / count, spent


def setups(lab, _figure, method, measure, count):
    lab.packages("apt-check.txt")
    if not charon.PROGRAM.exists():
        raise CannotMeasure("charon is not installed")
    lab.base(f"charon-{lab.version('strongswan-charon')}")
    for program in ("setkey", "racoon", "testudod"):
        lib.BIN = lab.program(program).parent  # before any network: it looks for them there
    pairs, parts = [], []
    with network() as world:
        for _ in range(lab.pairs):
            ours, spent = served(lab, world, Racoon, method, count, measure)
            theirs, _ = served(lab, world, Charon, method, count, measure)
            pairs.append((ours, theirs))
            parts.append({name: round(1000 * seconds / count, 3) for name, seconds in spent.items()})
    lab.remark(f"milliseconds of a set-up, each pair: {re.sub(chr(39), '', str(parts))}")
    return pairs


def _rate(name, method, what):
    return Figure(name, 2, 3, unit="set-ups/core-s", base="charon-{}", what=f"{what}: as responder, to charon",
                  measure=functools.partial(setups, method=method, measure=rate, count=COUNT))


FIGURES = [
    _rate("setups-psk", "psk", "main mode with a pre-shared key and quick mode"),
    _rate("setups-rsa", "rsa", "main mode with certificates of RSA-2048 and quick mode"),
    Figure("setups-memory", 1, 2, unit="bytes", base="charon-{}", less_is_better=True,
           what=f"memory of a negotiated pair of SAs and its phase 1, {TUNNELS} of them: to charon",
           measure=functools.partial(setups, method="psk", measure=memory, count=TUNNELS)),
]
