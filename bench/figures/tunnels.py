"""Two hosts in namespaces, a veth between them, a tunnel over it: what TCP gets through, and what the daemons cost.

Four actors (both ends of TCP, both ends of the tunnel) share the cores, so that CPU-seconds of the daemons per GB, in the
remarks, say more than the goodput.  bench/tunnel/stream compares every byte, and the first 32 MiB by SHA-256.
"""
import contextlib
import functools
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys

from lab import ROOT, CannotMeasure, Figure

sys.path.insert(0, str(ROOT / "tests" / "netns"))
import lib  # noqa: E402

SECONDS = 2
GCM, CHACHA = ("aes-gcm-16", "0x" + "0102030405" * 4), ("chacha20-poly1305", "0x" + "010203040506" * 6)
SLOW = ("3des-cbc", "0x" + "0102030405060708" * 3)  # carries less than a tenth of what a host can send
INNER = "10.9.0.2"
FLOWS = 4  # connections of by_flow()


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Tunnel:
    """Two namespaces with a tunnel; `daemons` are the processes whose time counts."""

    def __init__(self, lab, world, name):
        self.stream = lab.program("bench_stream")
        self.ends = self.near, self.far = world.node(name + "1"), world.node(name + "2")
        self.address, self.daemons, self.costs = "10.3.0.2", [], []
        world.link(self.near, "10.3.0.1/24", self.far, "10.3.0.2/24")

    def goodput(self, connections=1):
        """Mbit/s of one TCP connection, or of several at once to ports 5001 and on."""
        ports = range(5001, 5001 + connections)
        sinks = [self.far.popen(self.stream, "receive", "4", str(port), stdout=subprocess.PIPE, text=True) for port in ports]
        for sink in sinks:
            sink.stdout.readline()  # "listening"
        before = [processor_seconds(p) for p in self.daemons]
        sources = [self.near.popen(self.stream, "send", self.address, str(port), str(SECONDS), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True) for port in ports]
        sent, rate, carried = [source.communicate() for source in sources], 0.0, 0
        for source, (output, error), sink in zip(sources, sent, sinks):
            said = sink.stdout.readline()
            sink.wait()
            if source.returncode != 0 or not said:
                raise CannotMeasure(f"the stream broke: {error.strip()}")
            there, here = json.loads(said), json.loads(output)
            if not there["same"] or any(there[k] != here[k] for k in ("bytes", "sha256")):
                raise CannotMeasure("what arrived is not what was sent")
            rate += there["bytes"] * 8e-6 / there["seconds"]
            carried += there["bytes"]
        spent = sum(processor_seconds(p) - b for p, b in zip(self.daemons, before))
        self.costs.append(spent / carried * 1e9)
        return rate

    def round_trips(self, count=2000):
        """p50 and p99 in microseconds."""
        echo = self.far.popen(self.stream, "echo", "5003", stdout=subprocess.PIPE, text=True)
        echo.stdout.readline()
        times = json.loads(self.near.exec(self.stream, "ping", self.address, "5003", count).stdout)
        echo.kill()
        echo.wait()
        return times["p50"], times["p99"]

    def datagrams(self):
        """The greatest rate of 64-byte datagrams of which no more than one in a thousand is lost."""
        carried, step = [], 4.0
        rate = 4000.0
        while step > 1.1:
            arrived, sent, seconds = self._offer(rate)
            if arrived >= 0.999 * sent:
                carried.append(arrived / seconds)
                # A sender that is held up by what it has under way offers no more, however much it is told to.
                if sent / seconds < 0.8 * rate:
                    break
                rate *= step
            else:
                rate /= step
                step **= 0.5
                rate *= step
        if not carried:
            raise CannotMeasure("every rate loses more than one datagram in a thousand")
        return max(carried)

    def _offer(self, rate):
        counter = self.far.popen(self.stream, "count", "5005", stdout=subprocess.PIPE, text=True)
        counter.stdout.readline()
        said = json.loads(self.near.exec(self.stream, "pace", self.address, "5005", f"{rate:.0f}", "0.5").stdout)
        try:
            counter.wait(5)
        except subprocess.TimeoutExpired:
            counter.kill()  # even the end was lost
            counter.wait()
            return 0, said["sent"], said["seconds"]
        return json.loads(counter.stdout.readline())["received"], said["sent"], said["seconds"]

    def cost(self):
        return f"{statistics.median(self.costs):.2f} CPU-s/GB"


class Gateways(Tunnel):
    """The same, with a host behind each end; what is measured goes between the hosts."""

    def __init__(self, lab, world, name):
        super().__init__(lab, world, name)
        self.near, self.far = hosts = world.node(name + "3"), world.node(name + "4")
        self.address = "10.2.0.9"
        for number, (end, host) in enumerate(zip(self.ends, hosts), 1):
            world.link(end, f"10.{number}.0.1/24", host, f"10.{number}.0.9/24")
            host.ip("route", "add", "default", "via", f"10.{number}.0.1")
            end.ip("route", "add", f"10.{3 - number}.0.0/24", "via", f"10.3.0.{3 - number}")


class InnerAddresses(Tunnel):
    """Each end has an address of its own that only the tunnel reaches."""

    def __init__(self, lab, world, name):
        super().__init__(lab, world, name)
        self.address = INNER
        for number, end in enumerate(self.ends, 1):
            end.ip("addr", "add", f"10.9.0.{number}/32", "dev", "lo")


class ForwardingGateways(Gateways):
    """Whose kernels forward."""

    def __init__(self, lab, world, name):
        super().__init__(lab, world, name)
        for end in self.ends:
            end.forward()


def testudo(lab, world, name, suite=GCM, encapsulated=True, config=""):
    lib.BIN = lab.program("testudod").parent
    lab.program("setkey"), lab.program("testudo")
    tunnel = Tunnel(lab, world, name)
    form, port = ("esp-udp", "[4500]") if encapsulated else ("esp", "")
    ends = ("10.3.0.1", "10.3.0.2")
    for node, out, into in ((tunnel.near, "out", "in"), (tunnel.far, "in", "out")):
        node.start_testudod(config)
        node.setkey(f"""
            add {ends[0]} {port} {ends[1]} {port} {form} 0x1000 -m tunnel -E {suite[0]} {suite[1]};
            add {ends[1]} {port} {ends[0]} {port} {form} 0x1001 -m tunnel -E {suite[0]} {suite[1]};
            spdadd {ends[0]} {ends[1]} any -P {out} ipsec esp/tunnel/{ends[0]}-{ends[1]}/require;
            spdadd {ends[1]} {ends[0]} any -P {into} ipsec esp/tunnel/{ends[1]}-{ends[0]}/require;""")
        tunnel.daemons.append(node.daemon.pid)
    return tunnel


def by_flow(lab, world, name, workers):
    """ESP in UDP with SAs of its own for each of FLOWS connections, of even and of odd SPIs, so that each of two workers has half."""
    tunnel = testudo(lab, world, name, config=f"workers = {workers}\n")
    for node, ways in ((tunnel.near, ("out", "in")), (tunnel.far, ("in", "out"))):
        text = "flush; spdflush;"
        for flow in range(FLOWS):
            for way, (a, b) in enumerate((("10.3.0.1", "10.3.0.2"), ("10.3.0.2", "10.3.0.1"))):
                number = 0x1000 + 4 * flow + 2 * way + flow % 2
                ports = f"{a} {b}[{5001 + flow}]" if way == 0 else f"{a}[{5001 + flow}] {b}"
                text += f"""add {a} [4500] {b} [4500] esp-udp {number} -u {number} -r 512 -m tunnel -E {GCM[0]} {GCM[1]};
                    spdadd {ports} tcp -P {ways[way]} ipsec esp/tunnel/{a}-{b}/unique:{number};"""
        node.setkey(text)
    return tunnel


def wire(lab, world, name, way="packet"):
    """attach = wire, whose gateways forward past their kernels."""
    lib.BIN = lab.program("testudod").parent
    lab.program("setkey"), lab.program("testudo")
    tunnel = Gateways(lab, world, name)
    for number, (end, other, host) in enumerate(zip(tunnel.ends, tunnel.ends[::-1], (tunnel.near, tunnel.far)), 1):
        if way == "xdp":  # by which nobody says that the checksum of a frame is not there yet
            host.exec("ethtool", "-K", f"to-{end.name}", "tx", "off", "gso", "off", "tso", "off")
        end.start_testudod(f"attach = wire\nwire_io = {way}\nwire_inside = to-{host.name}\nwire_outside = to-{other.name}\n")
        here, there = f"10.3.0.{number}", f"10.3.0.{3 - number}"
        end.setkey(f"""
            add 10.3.0.1 [4500] 10.3.0.2 [4500] esp-udp 0x1000 -m tunnel -E {GCM[0]} {GCM[1]};
            add 10.3.0.2 [4500] 10.3.0.1 [4500] esp-udp 0x1001 -m tunnel -E {GCM[0]} {GCM[1]};
            spdadd 10.{number}.0.0/24 10.{3 - number}.0.0/24 any -P out ipsec esp/tunnel/{here}-{there}/require;
            spdadd 10.{3 - number}.0.0/24 10.{number}.0.0/24 any -P in ipsec esp/tunnel/{there}-{here}/require;""")
        tunnel.daemons.append(end.daemon.pid)
    return tunnel


def relay(lab, world, name):
    tunnel = Tunnel(lab, world, name)
    tunnel.address = INNER
    for node, number in ((tunnel.near, 1), (tunnel.far, 2)):
        process = node.popen(lab.program("bench_relay"), "relay0", f"10.3.0.{number}", f"10.3.0.{3 - number}",
                             stdout=subprocess.PIPE, text=True)
        if process.stdout.readline().strip() != "ready":
            raise CannotMeasure("the relay did not start")
        node.ip("addr", "add", f"10.9.0.{number}/24", "dev", "relay0")
        node.ip("link", "set", "relay0", "mtu", "1438", "up")
        tunnel.daemons.append(process.pid)
    return tunnel


def wireguard_go(lab, world, name):
    program = lab.peer("WIREGUARD_GO", "wireguard-go")
    if not shutil.which(program) or not shutil.which("wg"):
        raise CannotMeasure("wireguard-go and wg are not installed")
    said = lib.run(program, "--version").stdout.split()
    lab.base(f"wireguard-go-{said[1].lstrip('v') if len(said) > 1 else 'unknown'}")
    tunnel = Tunnel(lab, world, name)
    tunnel.address = INNER
    keys = [lib.run("wg", "genkey").stdout.strip() for _ in range(2)]
    for node, number in ((tunnel.near, 1), (tunnel.far, 2)):
        # Their control sockets share one directory, whatever the namespace.
        device = f"tdo{os.getpid() % 100000}-{number}"
        process = node.popen(program, "-f", device, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not lib.until(lambda: pathlib.Path(f"/var/run/wireguard/{device}.sock").exists()):
            raise CannotMeasure("wireguard-go did not start")
        secret = node.lab.directory / f"{name}-{number}"
        secret.write_text(keys[number - 1], encoding="ascii")
        public = lib.run("wg", "pubkey", input=keys[2 - number]).stdout.strip()
        node.exec("wg", "set", device, "private-key", secret, "listen-port", "51820", "peer", public, "allowed-ips",
                  "10.9.0.0/24", "endpoint", f"10.3.0.{3 - number}:51820")
        node.ip("addr", "add", f"10.9.0.{number}/24", "dev", device)
        node.ip("link", "set", device, "up")
        tunnel.daemons.append(process.pid)
    return tunnel


SWANCTL = """
connections {{ t {{
  version = 2
  local_addrs = 10.3.0.{me}
  remote_addrs = 10.3.0.{peer}
  proposals = aes128gcm16-prfsha256-ecp256
  local {{ auth = psk
    id = h{me} }}
  remote {{ auth = psk
    id = h{peer} }}
  children {{ t {{ local_ts = {mine}
    remote_ts = {theirs}
    esp_proposals = aes128gcm16 }} }}
}} }}
secrets {{ ike-1 {{ secret = "only for measuring" }} }}
"""
STRONGSWAN = """
charon {{
  load = random nonce openssl aes sha1 sha2 hmac gcm kdf pem kernel-libipsec kernel-netlink socket-default vici
  plugins {{ kernel-libipsec {{ allow_peer_ts = yes }}
    vici {{ socket = unix:///run/charon.vici }} }}
}}
"""


def libipsec(lab, world, name, make=InnerAddresses, net="10.9.0.{}/32"):
    program = lab.peer("CHARON", "/usr/lib/ipsec/charon")
    if not pathlib.Path(program).exists() or not shutil.which("swanctl"):
        raise CannotMeasure("strongSwan with kernel-libipsec is not installed")
    tunnel = make(lab, world, name)
    for number, node in enumerate(tunnel.ends, 1):
        home = node.lab.directory / f"{name}-{number}"
        (home / "run").mkdir(parents=True)
        (home / "strongswan.conf").write_text(STRONGSWAN.format(), encoding="ascii")
        (home / "swanctl.conf").write_text(SWANCTL.format(
            me=number, peer=3 - number, mine=net.format(number), theirs=net.format(3 - number)), encoding="ascii")
        process = node.popen("env", f"STRONGSWAN_CONF={home}/strongswan.conf", "unshare", "-m", "sh", "-c",
                             f"mount --make-rprivate /; mount --bind {home}/run /run; exec {program}",
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not lib.until(lambda: (home / "run" / "charon.vici").exists()):
            raise CannotMeasure("charon did not start")
        node.exec("swanctl", "--load-all", "--file", home / "swanctl.conf", "--uri", f"unix://{home}/run/charon.vici")
        tunnel.daemons.append(process.pid)
    tunnel.ends[0].exec("swanctl", "--initiate", "--child", "t", "--timeout", "10", "--uri",
                        f"unix://{node.lab.directory}/{name}-1/run/charon.vici")
    return tunnel


@contextlib.contextmanager
def networks():
    """tests/netns/lib.py's Lab without its own exits."""
    lib.skip_unless_possible = lambda: None
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with lib.Lab() as world:
            yield world
    except (AssertionError, subprocess.CalledProcessError) as error:
        raise CannotMeasure(f"{error} {getattr(error, 'stderr', '') or ''}".strip()) from error
    finally:
        signal.signal(signal.SIGTERM, handler)


def in_turn(lab, ours, theirs, measure):
    """Both sides stand side by side, and idle while the other is measured."""
    if os.geteuid() != 0:
        raise CannotMeasure("network namespaces need root")
    with networks() as world:
        sides = ours(lab, world, "a"), theirs(lab, world, "b")
        for side in sides:
            measure(side)  # path MTU, caches
            side.costs.clear()
        pairs = [tuple(measure(side) for side in sides) for _ in range(lab.pairs)]
        if sides[0].costs:
            lab.remark(f"daemons: ours {sides[0].cost()}, theirs {sides[1].cost()}")
        return pairs


def goodput(lab, _figure, ours, theirs, base="", package=""):
    """base: what theirs is, unless that side says it itself."""
    pairs = in_turn(lab, ours, theirs, Tunnel.goodput)
    if base:
        lab.base(base.format(lab.version(package) if package else ""))
    return pairs


def workers(lab, _figure):
    return in_turn(lab, functools.partial(by_flow, workers=2), functools.partial(by_flow, workers=1),
                   functools.partial(Tunnel.goodput, connections=FLOWS))


def latency(lab, _figure):
    tails = []

    def measure(side):
        p50, p99 = side.round_trips()
        tails.append(p99)
        return p50

    pairs = in_turn(lab, testudo, relay, measure)
    tails = tails[2:]
    lab.remark(f"p99: ours {statistics.median(tails[0::2]):.0f} us, theirs {statistics.median(tails[1::2]):.0f} us")
    return pairs


def datagrams(lab, _figure, ours, theirs, base, package):
    lab.base(base.format(lab.version(package)))
    return in_turn(lab, ours, theirs, Tunnel.datagrams)


def overload(lab, _figure):
    """The daemons' memory after each of nine eighths of a minute of twice what they can carry, and more."""
    with networks() as world:
        side = testudo(lab, world, "a", suite=SLOW)
        side.goodput()
        start = sum(resident(p) for p in side.daemons)
        pairs, sent = [], 0
        for _ in range(max(lab.pairs, 9)):
            flood = side.near.exec(side.stream, "flood", side.address, "5004", 1200, 7)
            sent += json.loads(flood.stdout)["sent"]
            pairs.append((sum(resident(p) for p in side.daemons) / 2**20, start / 2**20))
        side.goodput()  # works as before; and by now losses are counted
        drops = [line.split()[:2] for n in (side.near, side.far) for line in n.testudo("drops").splitlines() if "QueueFull" in line]
        lost = sum(int(count) for count, _reason in drops)
        if 2 * lost < sent:
            raise CannotMeasure(f"only {lost} of {sent} datagrams were lost: that was not twice what was carried")
        lab.remark(f"of {sent} datagrams lost and counted: " + "; ".join(" ".join(words) for words in drops))
        return pairs


def _goodput(name, goals, what, **sides):
    return Figure(name, *goals, unit="Mbit/s", base=sides.get("base", ""), what=what,
                  measure=functools.partial(goodput, **sides))


_RAW = functools.partial(testudo, encapsulated=False)
_CHACHA = functools.partial(testudo, suite=CHACHA)
_PLAIN = functools.partial(testudo, config="offload = off\n")
_CHARON = {"base": "strongswan-{}:kernel-libipsec", "package": "strongswan-charon"}
_SWAN = {"theirs": libipsec, **_CHARON}
_SWAN_GATEWAYS = {"theirs": functools.partial(libipsec, make=ForwardingGateways, net="10.{}.0.0/24"), **_CHARON}

FIGURES = [
    _goodput("tunnel-vs-relay", (0.65, 0.85), "TCP through ESP in UDP, AES-128-GCM: to the same I/O without IPsec",
             ours=testudo, theirs=relay, base="relay"),
    _goodput("gso-on-vs-off", (4, 8), "TCP through ESP in UDP: with super-packets to without", ours=testudo,
             theirs=_PLAIN, base="offload=off"),
    _goodput("tunnel-vs-wireguard-go", (5, 10), "TCP, ChaCha20-Poly1305: to wireguard-go", ours=_CHACHA,
             theirs=wireguard_go),
    _goodput("tunnel-vs-libipsec", (10, 25), "TCP through ESP in UDP, AES-128-GCM: to strongSwan's kernel-libipsec",
             ours=testudo, **_SWAN),
    _goodput("raw-tunnel-vs-libipsec", (10, 25), "TCP through ESP, AES-128-GCM: to strongSwan's kernel-libipsec",
             ours=_RAW, **_SWAN),
    Figure("udp64-vs-libipsec", 8, 20, unit="packets/s", base=_SWAN["base"],
           what="64-byte datagrams through ESP in UDP of which at most one in a thousand is lost: to kernel-libipsec",
           measure=functools.partial(datagrams, ours=testudo, **_SWAN)),
    _goodput("tunnel-wire-vs-libipsec", (10, 25), "TCP through two gateways with attach = wire, ESP in UDP: to kernel-libipsec",
             ours=wire, **_SWAN_GATEWAYS),
    Figure("udp64-wire-vs-libipsec", 8, 20, unit="packets/s", base=_SWAN["base"],
           what="64-byte datagrams through two gateways with attach = wire: to kernel-libipsec",
           measure=functools.partial(datagrams, ours=wire, **_SWAN_GATEWAYS)),
    Figure("tunnel-workers-2", 1.0, 1.5, unit="Mbit/s", base="one-worker", measure=workers,
           what=f"TCP over {FLOWS} connections through ESP in UDP: --workers 2 to 1"),
    Figure("latency", 1.15, 1.05, unit="us", base="relay", what="round trip of 64 bytes through ESP in UDP: to the relay",
           measure=latency, goal_is_most=True),
    Figure("overload", 1.05, 1.01, unit="MiB", base="at-start",
           what="memory of the daemons after a minute of twice the datagrams that they can carry (3DES), and more: to before",
           measure=overload, goal_is_most=True),
]
