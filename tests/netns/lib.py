"""Networks of namespaces with a testudod in some of them, for tests/netns and people who want to look.

    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        wire = lab.link(a, "10.2.3.4/24", b, "10.2.3.5/24")
        a.start_testudod(); a.setkey("spdadd ...;")
        with wire.capture() as seen: a.ping("10.2.3.5")
        seen.packets        # forms such as "IPv4 ESP", "IPv4 AH ESP", "IPv6 ICMPv6"

Everything it makes carries the prefix tdo-PID- and is gone when the `with` ends, also after an error or Ctrl-C.
"""
import contextlib
import hashlib
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(os.environ.get("TESTUDO_SOURCE", pathlib.Path(__file__).resolve().parent.parent.parent))
BIN = pathlib.Path(os.environ.get("TESTUDO_BIN", SOURCE / "build" / "dev" / "bin"))
WORKERS = ("--workers", os.environ["TESTUDO_WORKERS"]) if "TESTUDO_WORKERS" in os.environ else ()  # of every testudod of a test
NEEDED = ["ip", "nft", "tcpdump", "ping"]
PROTOCOLS = {1: "ICMP", 4: "IPv4", 6: "TCP", 17: "UDP", 41: "IPv6", 44: "fragment", 50: "ESP", 51: "AH", 58: "ICMPv6", 108: "IPcomp"}
# Neighbour and listener discovery: no SA can protect what finds the address to send an SA's packets to.
DISCOVERY = set(range(130, 138)) | {143}


def say(text):
    print(text, flush=True)


def skip_unless_possible():
    """Leaves with ctest's 77 and the reason when this machine cannot run the test."""
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    reason = None
    if os.geteuid() != 0:
        reason = "needs root for network namespaces"
    elif missing:
        reason = "needs " + ", ".join(missing)
    elif not pathlib.Path("/dev/net/tun").exists():
        reason = "needs /dev/net/tun"
    elif subprocess.run(["unshare", "--net", "nft", "list", "ruleset"], capture_output=True).returncode != 0:
        reason = "needs network namespaces with nf_tables"
    elif not (BIN / "testudod").exists() or not (BIN / "setkey").exists():
        reason = f"needs testudod and setkey in {BIN}"
    if reason:
        say("skipped: " + reason)
        sys.exit(77)


def run(*command, check=True, **options):
    return subprocess.run([str(c) for c in command], check=check, capture_output=True, text=True, **options)


def until(condition, seconds=20):
    """Waits for a thing that has no other way to tell; the limit is only a guard against waiting for ever."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    return condition()


class Node:
    """One namespace, that is one host."""

    def __init__(self, lab, name):
        self.lab, self.name, self.ns = lab, name, f"tdo-{os.getpid()}-{name}"
        self.run_dir = lab.directory / name
        self.daemon = None
        run("ip", "netns", "add", self.ns)
        self.ip("link", "set", "lo", "up")
        self.sysctl("net.ipv6.conf.all.accept_dad", 0)
        self.sysctl("net.ipv6.conf.default.accept_dad", 0)
        self.sysctl("net.ipv6.conf.default.router_solicitations", 0)

    def ip(self, *arguments, check=True):
        return run("ip", "-n", self.ns, *arguments, check=check).stdout

    def exec(self, *command, check=True, **options):
        return run("ip", "netns", "exec", self.ns, *command, check=check, **options)

    def popen(self, *command, **options):
        process = subprocess.Popen(["ip", "netns", "exec", self.ns, *map(str, command)], **options)
        self.lab.processes.append(process)
        return process

    def sysctl(self, name, value):
        self.exec("sysctl", "-q", "-w", f"{name}={value}")

    def forward(self):
        self.sysctl("net.ipv4.ip_forward", 1)
        self.sysctl("net.ipv6.conf.all.forwarding", 1)

    def start_testudod(self, config="", arguments=(), **options):
        self.run_dir.mkdir(exist_ok=True)
        conf = self.run_dir / "testudo.conf"
        conf.write_text(config)
        self.log = open(self.run_dir / "log", "a", encoding="utf-8")
        self.daemon = self.popen(BIN / "testudod", "-F", "-c", conf, "--run-dir", self.run_dir, *WORKERS, *arguments, stderr=self.log, **options)
        ready = until(lambda: self.daemon.poll() is not None or "testudod: ready" in self.log_text())
        if not ready or self.daemon.poll() is not None:
            raise AssertionError(f"testudod in {self.name} did not start:\n{self.log_text()}")

    def log_text(self):
        return (self.run_dir / "log").read_text(encoding="utf-8")

    def tell_all(self):
        """For a test that failed: what Testudo and the kernel know of packets that were lost."""
        if (self.run_dir / "log").exists():
            say(f"--- log of {self.name}\n{self.log_text()}")
        if self.daemon and self.daemon.poll() is None:
            for words in (("drops",), ("stats",), ("status",)):
                say(f"--- testudo {' '.join(words)} in {self.name}\n{run(BIN / 'testudo', '--run-dir', self.run_dir, *words, check=False).stdout}")
        for words in (("nstat", "-as"), ("ip", "-s", "link"), ("ip", "neigh")):
            say(f"--- {' '.join(words)} in {self.name}\n{self.exec(*words, check=False).stdout}")

    def stop_testudod(self, number=signal.SIGTERM):
        self.daemon.send_signal(number)
        status = self.daemon.wait(20)
        self.daemon = None
        (self.run_dir / "log").write_text("")
        return status

    def setkey(self, script, check=True):
        done = run("ip", "netns", "exec", self.ns, BIN / "setkey", "-c", check=False, input=script, env=self.environment())
        if check and (done.returncode != 0 or done.stderr):
            raise AssertionError(f"setkey: {done.stdout}{done.stderr}")
        return done

    def shell(self, script):
        """Runs a script as the administrator of this host would: setkey and testudo are on the path and find their daemon."""
        etc = self.run_dir / "etc"
        binds = f"mount -t overlay -o lowerdir={etc}:/etc overlay /etc;" if etc.exists() else ""
        environment = {**self.environment(), "PATH": f"{BIN}:{os.environ['PATH']}"}
        done = run("ip", "netns", "exec", self.ns, "sh", "-e", "-c", binds + script, check=False, env=environment)
        if done.returncode != 0 or done.stderr:
            raise AssertionError(f"{script}: {done.stdout}{done.stderr}")
        return done.stdout

    def as_etc_ipsec_conf(self, text):
        """Lets this host's shell see `text` as /etc/ipsec.conf; `ip netns exec` gives it a mount namespace of its own."""
        (self.run_dir / "etc").mkdir()
        (self.run_dir / "etc" / "ipsec.conf").write_text(text)

    def unheard(self, address, port):
        """Whether a TCP SYN to a port meets silence: a host that heard it would at least refuse."""
        attempt = ("import socket\ntry: socket.create_connection(('%s', %d), timeout=2)\n"
                   "except TimeoutError: print('silence')" % (address, port))
        return "silence" in self.exec(sys.executable, "-c", attempt, check=False).stdout

    def testudo(self, *arguments):
        return run(BIN / "testudo", "--run-dir", self.run_dir, *arguments).stdout

    def environment(self):
        return {**os.environ, "TESTUDO_RUN": str(self.run_dir)}

    def ping(self, address, count=3, size=56, answered=True, interval=0.05, extra=()):
        """Every echo comes back, or none does.  Not by ping(8) where all count: it waits for the last one only twice as long
        as the slowest before it took, which on a busy machine is too short."""
        if not answered:
            done = self.exec("ping", "-n", "-q", "-i", interval, "-c", count, "-W", "1", "-s", size, *extra, address, check=False)
            return check(done.returncode != 0, f"{self.name} pings {address}: no answer", done.stdout)
        done = self.exec(*pinger(address, count, size, interval), check=False)
        check(done.returncode == 0, f"{self.name} pings {address} with {size} bytes: all {count} answered", done.stdout + done.stderr)


class Logged:
    """A program with a log that a test waits for; who inherits sets `name`, `process` and `log`, its file."""

    def text(self):
        return self.log.read_text(encoding="utf-8")

    def says(self, words, why, times=1, peer=None):
        """In time, and as often; of one that ended nothing more is expected.  peer: whose log is shown as well if not."""
        until(lambda: self.text().count(words) >= times or self.process.poll() is not None)
        check(self.text().count(words) >= times, f"{self.name}: {why}", self.text() + (peer.text() if peer else ""))


class Capture:
    """What one device saw: `packets` holds the form of each, without neighbour discovery."""

    def __init__(self, file):
        self.file, self.packets, self.frames = file, [], []

    def read(self):
        data = self.file.read_bytes()
        offset = 24
        while offset + 16 <= len(data):
            length = struct.unpack_from("=I", data, offset + 8)[0]
            frame = data[offset + 16:offset + 16 + length]
            offset += 16 + length
            text = form(frame)
            if text:
                self.packets.append(text)
                self.frames.append(frame[14:])

    def count(self, text):
        return sum(1 for p in self.packets if p == text)

    def only(self, *texts):
        check(self.packets and all(p in texts for p in self.packets),
              f"on the wire only: {', '.join(texts)} ({len(self.packets)} packets)",
              f"seen: { {p: self.count(p) for p in sorted(set(self.packets))} }")

    def nothing(self):
        check(not self.packets, "nothing on the wire", f"seen: {self.packets}")


def form(frame):
    """The chain of headers of an Ethernet frame as words; None for what is not IP, or discovery."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    packet = frame[14:]
    if kind == 0x0800:
        words, protocol = ["IPv4"], packet[9]
        if struct.unpack_from("!H", packet, 6)[0] & 0x1fff:
            return f"IPv4 fragment of {PROTOCOLS.get(protocol, protocol)}"
        packet = packet[(packet[0] & 15) * 4:]
    elif kind == 0x86dd:
        words, protocol, packet = ["IPv6"], packet[6], packet[40:]
        while protocol in (0, 43, 60):
            protocol, packet = packet[0], packet[(packet[1] + 1) * 8:]
        if protocol == 44 and struct.unpack_from("!H", packet, 2)[0] & 0xfff8:
            return f"IPv6 fragment of {PROTOCOLS.get(packet[0], packet[0])}"
        if protocol == 44:
            protocol, packet = packet[0], packet[8:]
    else:
        return None
    if protocol == 58 and packet and packet[0] in DISCOVERY:
        return None
    while protocol == 51:
        words.append("AH")
        protocol, packet = packet[0], packet[(packet[1] + 2) * 4:]
    words.append(PROTOCOLS.get(protocol, str(protocol)))
    if protocol == 17 and 4500 in struct.unpack_from("!HH", packet):
        words.append("ESP")
    return " ".join(words)


class Wire:
    """A veth pair between two nodes; captured at its first end."""

    def __init__(self, lab, node, device):
        self.lab, self.node, self.device = lab, node, device

    @contextlib.contextmanager
    def capture(self):
        file = self.lab.directory / f"{self.node.name}-{self.device}-{time.monotonic_ns()}.pcap"
        dump = self.node.popen("tcpdump", "-i", self.device, "-U", "--immediate-mode", "-s", "0", "-w", file,
                               stderr=subprocess.PIPE, text=True)
        dump.stderr.readline()  # "listening on": from here on nothing is missed
        seen = Capture(file)
        yield seen
        time.sleep(0.1)  # what is on its way to tcpdump's buffer
        dump.send_signal(signal.SIGINT)
        dump.communicate()
        seen.read()


class Lab:
    def __init__(self):
        skip_unless_possible()
        self.nodes, self.processes = [], []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tdo-"))
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            for node in self.nodes:
                node.tell_all()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for node in self.nodes:
            for pid in run("ip", "netns", "pids", node.ns, check=False).stdout.split():
                with contextlib.suppress(ProcessLookupError):  # what went to the background is nobody's child
                    os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "del", node.ns, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def node(self, name):
        made = Node(self, name)
        self.nodes.append(made)
        return made

    def link(self, a, a_addresses, b, b_addresses, mtu=1500):
        """Addresses: one "10.0.0.1/24", or several with blanks between them."""
        a_device, b_device = f"to-{b.name}", f"to-{a.name}"
        run("ip", "link", "add", a_device, "netns", a.ns, "mtu", mtu, "type", "veth", "peer", "name", b_device, "netns", b.ns,
            "mtu", mtu)
        for node, device, addresses in ((a, a_device, a_addresses), (b, b_device, b_addresses)):
            for address in addresses.split():
                node.ip("addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
            node.ip("link", "set", device, "up")
        return Wire(self, a, a_device)


def check(condition, sentence, detail=""):
    if condition:
        return say("  ok: " + sentence)
    raise AssertionError(f"not so: {sentence}\n{detail}")


def pinger(address, count, size=56, interval=0.05):
    """The command that Node.ping() runs, for who does something meanwhile."""
    return sys.executable, __file__, "ping", address, count, size, interval


def transfer(sender, receiver, address, megabytes=2, port=5001, repeats=1):
    """One TCP connection that carries random bytes, compared by SHA-256.  repeats: how often each 64 of them come, for who
    compresses."""
    family = "6" if ":" in address else "4"
    server = receiver.popen(sys.executable, __file__, "receive", family, port, stdout=subprocess.PIPE, text=True)
    server.stdout.readline()  # "listening"
    sent = sender.exec(sys.executable, __file__, "send", address, port, megabytes, repeats, check=False)
    received = server.stdout.read().strip()
    server.wait()
    check(sent.returncode == 0 and sent.stdout.strip() == received, f"TCP {sender.name} to {receiver.name}: {megabytes} MB arrived whole",
          f"{sent.stdout}{sent.stderr} / {received}")


def receive_main(family, port):
    listener = socket.create_server(("", int(port)), family=socket.AF_INET6 if family == "6" else socket.AF_INET)
    print("listening", flush=True)
    listener.settimeout(20)
    connection, _ = listener.accept()
    connection.settimeout(20)
    digest = hashlib.sha256()
    while data := connection.recv(1 << 16):
        digest.update(data)
    print(digest.hexdigest(), flush=True)


def send_main(address, port, megabytes, repeats):
    rows = (int(megabytes) << 20) // 64 // int(repeats)
    data = b"".join(os.urandom(64) * int(repeats) for _ in range(rows)) if int(repeats) > 1 else os.urandom(int(megabytes) << 20)
    with socket.create_connection((address, int(port)), timeout=20) as connection:
        connection.sendall(data)
    print(hashlib.sha256(data).hexdigest(), flush=True)


def ping_main(address, count, size, interval):
    """Echoes at a steady pace, each when the one before has come back or ten seconds have passed: together they would share
    what a busy machine sends at once, and tests count packets and look at their order.  Status 0 when each came back as it
    was sent."""
    count, size, interval = int(count), int(size), float(interval)
    six = ":" in address
    raw = socket.socket(*((socket.AF_INET6, socket.SOCK_RAW, 58) if six else (socket.AF_INET, socket.SOCK_RAW, 1)))
    raw.connect((address, 0))
    request, reply, identifier = (128, 129, os.getpid() & 0xFFFF) if six else (8, 0, os.getpid() & 0xFFFF)
    body = os.urandom(size)
    missing, start = set(range(count)), time.monotonic()

    def hear(patience, waiting):
        until_time = time.monotonic() + patience
        while waiting() and select.select([raw], [], [], max(0, until_time - time.monotonic()))[0]:
            message = raw.recv(1 << 16)
            message = message if six else message[(message[0] & 15) * 4:]
            kind, _, _, who, sequence = struct.unpack_from("!BBHHH", message)
            if (kind, who, message[8:]) == (reply, identifier, body):
                missing.discard(sequence)

    for sequence in range(count):
        head = struct.pack("!BBHHH", request, 0, 0, identifier, sequence)
        try:
            raw.send(with_checksum(head + body, six))
        except OSError as error:
            print(f"echo {sequence} cannot be sent: {error}")
        else:
            hear(10, lambda: sequence in missing)
        hear(max(0, start + (sequence + 1) * interval - time.monotonic()), lambda: sequence + 1 < count)
    print(f"{count} echoes sent, not answered: {sorted(missing) or 'none'}")
    sys.exit(1 if missing else 0)


def with_checksum(message, six):
    """Of IPv6 the kernel fills it in."""
    if six:
        return message
    padded = message + bytes(len(message) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return message[:2] + struct.pack("!H", ~total & 0xFFFF) + message[4:]


if __name__ == "__main__":
    {"receive": receive_main, "send": send_main, "ping": ping_main}[sys.argv[1]](*sys.argv[2:])
