#!/usr/bin/env python3
"""testudod against the Linux kernel's own IPsec, both directions, every suite both know.

    namespace                                            guest: Linux in User Mode Linux
      testudod, setkey                                     ip xfrm
      lo    10.50.1.1  fd50:1::1  (behind the tunnel)      lo    10.50.2.1  fd50:2::1
      tap0  10.9.0.1   fd09::1    <------- wire ------->   vec0  10.9.0.2   fd09::2

Each case installs the SAs and policies on both sides with fresh keys, sends UDP datagrams of several sizes to the guest's
echo port and compares what comes back.  A sniffer on the wire sees every frame: anything but the expected protocols fails
the case, so a packet in clear cannot hide.
"""
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import linux_guest  # noqa: E402

BIN = pathlib.Path(os.environ.get("TESTUDO_BIN", "build/dev/bin")).resolve()
HERE = pathlib.Path(__file__).resolve().parent
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
ESP, AH, COMP, UDP, IPIP, IPV6, ICMPV6 = 50, 51, 108, 17, 4, 41, 58

OUTER = {4: ("10.9.0.1", "10.9.0.2"), 6: ("fd09::1", "fd09::2")}
INNER = {4: ("10.50.1.1", "10.50.2.1"), 6: ("fd50:1::1", "fd50:2::1")}

# setkey's name: (xfrm's name, key bytes)
CIPHERS = {"des-cbc": ("cbc(des)", 8), "3des-cbc": ("cbc(des3_ede)", 24), "blowfish-cbc": ("cbc(blowfish)", 16),
           "cast128-cbc": ("cbc(cast5)", 16), "rijndael-cbc": ("cbc(aes)", 16), "aes-cbc": ("cbc(aes)", 32),
           "aes-ctr": ("rfc3686(ctr(aes))", 20), "camellia-cbc": ("cbc(camellia)", 24), "twofish-cbc": ("cbc(twofish)", 24),
           "null": ("ecb(cipher_null)", 0)}
# setkey's name: (xfrm's name, key bytes, tag bits)
AEADS = {"aes-gcm-8": ("rfc4106(gcm(aes))", 20, 64), "aes-gcm-12": ("rfc4106(gcm(aes))", 28, 96),
         "aes-gcm-16": ("rfc4106(gcm(aes))", 20, 128), "aes-gcm": ("rfc4106(gcm(aes))", 36, 128),
         "aes-ccm-8": ("rfc4309(ccm(aes))", 19, 64), "aes-ccm-12": ("rfc4309(ccm(aes))", 27, 96),
         "aes-ccm-16": ("rfc4309(ccm(aes))", 35, 128), "aes-gmac": ("rfc4543(gcm(aes))", 20, 128),
         "chacha20-poly1305": ("rfc7539esp(chacha20,poly1305)", 36, 128)}
# setkey's name: (xfrm's name, key bytes, ICV bits)
MACS = {"hmac-md5": ("hmac(md5)", 16, 96), "hmac-sha1": ("hmac(sha1)", 20, 96), "hmac-sha256": ("hmac(sha256)", 32, 128),
        "hmac-sha384": ("hmac(sha384)", 48, 192), "hmac-sha512": ("hmac(sha512)", 64, 256),
        "hmac-ripemd160": ("hmac(rmd160)", 20, 96), "aes-xcbc-mac": ("xcbc(aes)", 16, 96),
        "aes-cmac": ("cmac(aes)", 16, 96)}


class Sa:
    """One protocol of a case, in the words of both sides."""

    def __init__(self, proto, ours, theirs, xfrm_flags="", our_flags="", proto_word=None):
        self.proto, self.ours, self.theirs = proto, ours, theirs
        self.xfrm_flags, self.our_flags, self.proto_word = xfrm_flags, our_flags, proto_word or proto


def key(length, salt):
    return "0x" + "".join(f"{(i * 37 + salt * 11 + 5) & 255:02x}" for i in range(length))


def esp(cipher=None, mac=None, **more):
    """ESP with a cipher and a MAC, or an AEAD."""
    if cipher in AEADS:
        name, length, bits = AEADS[cipher]
        k = key(length, 1)
        return Sa("esp", f"-E {cipher} {k}", f"aead '{name}' {k} {bits}", **more)
    name, length = CIPHERS[cipher]
    k = key(length, 2)
    ours, theirs = f"-E {cipher} {k if length else ''}", f"enc '{name}' {k if length else chr(39) * 2}"
    if mac:
        mac_name, mac_length, bits = MACS[mac]
        m = key(mac_length, 3)
        ours, theirs = f"{ours} -A {mac} {m}", f"auth-trunc '{mac_name}' {m} {bits} {theirs}"
    return Sa("esp", ours, theirs, **more)


def ah(mac, **more):
    name, length, bits = MACS[mac]
    m = key(length, 4)
    flags = more.pop("xfrm_flags", "")
    return Sa("ah", f"-A {mac} {m}", f"auth-trunc '{name}' {m} {bits}", xfrm_flags=f"{flags} align4".strip(), **more)


def comp():
    return Sa("ipcomp", "-C deflate -R", "comp deflate")


class Case:
    def __init__(self, name, sas, mode="transport", inner=4, outer=4, natt=False):
        """`sas` innermost first; the last one carries `mode`, those inside it are transport."""
        self.name, self.sas, self.mode, self.inner, self.outer, self.natt = name, sas, mode, inner, outer, natt
        self.traffic = INNER[inner] if mode == "tunnel" else OUTER[outer]

    def modes(self):
        return [self.mode if i == (0 if len(self.sas) > 1 else len(self.sas) - 1) else "transport" for i in range(len(self.sas))]

    def setkey(self):
        us, them = OUTER[self.outer]
        lines, out_rules, in_rules = ["flush;", "spdflush;"], [], []
        for i, (sa, mode) in enumerate(zip(self.sas, self.modes())):
            proto = "esp-udp" if self.natt else sa.proto
            for source, destination, spi in ((us, them, 0x1000 + i), (them, us, 0x2000 + i)):
                ends = (f"{source}[4500]", f"{destination}[4500]") if self.natt else (source, destination)
                lines.append(f"add {ends[0]} {ends[1]} {proto} 0x{spi:x} -m {mode} {sa.our_flags} {sa.ours};")
            ends = (f"{us}-{them}", f"{them}-{us}") if mode == "tunnel" else ("", "")
            out_rules.append(f"{sa.proto}/{mode}/{ends[0]}/require")
            in_rules.append(f"{sa.proto}/{mode}/{ends[1]}/require")
        a, b = self.traffic
        lines.append(f"spdadd {a} {b}[7] udp -P out ipsec {' '.join(out_rules)};")
        lines.append(f"spdadd {b}[7] {a} udp -P in ipsec {' '.join(in_rules)};")
        return "\n".join(lines) + "\n"

    def xfrm(self):
        us, them = OUTER[self.outer]
        commands = ["xfrm state flush", "xfrm policy flush"]
        templates = {"in": "", "out": ""}
        for i, (sa, mode) in enumerate(zip(self.sas, self.modes())):
            proto = "comp" if sa.proto == "ipcomp" else sa.proto
            encap = " encap espinudp 4500 4500 0.0.0.0" if self.natt else ""
            for source, destination, spi, way in ((us, them, 0x1000 + i, "in"), (them, us, 0x2000 + i, "out")):
                flags = f" flag {sa.xfrm_flags}" if sa.xfrm_flags else ""
                window = 0 if proto == "comp" else 64 if "esn" in sa.xfrm_flags else 32
                commands.append(f"xfrm state add src {source} dst {destination} proto {proto} spi 0x{spi:x} mode {mode} "
                                f"reqid {i + 1} replay-window {window}{flags} {sa.theirs}{encap}"
                                f" sel src {'::' if self.inner_family() == 6 else '0.0.0.0'}/0")
                # Linux takes an optional tunnel for inbound policies only; it may still send the payload as it is.
                optional = proto == "comp" and not (way == "out" and mode == "tunnel")
                templates[way] += (f" tmpl src {source} dst {destination} proto {proto} reqid {i + 1} mode {mode}"
                                   + (" level use" if optional else ""))
        a, b = self.traffic
        commands.append(f"xfrm policy add src {b} dst {a} proto udp sport 7 dir out{templates['out']}")
        commands.append(f"xfrm policy add src {a} dst {b} proto udp dport 7 dir in{templates['in']}")
        return commands

    def inner_family(self):
        return self.inner if self.mode == "tunnel" else self.outer

    def expected(self):
        """The outermost protocol on the wire."""
        if self.natt:
            return UDP
        return {"esp": ESP, "ah": AH, "ipcomp": COMP}[self.sas[-1].proto]


def all_cases():
    cases = []
    for family in (4, 6):
        for mode in ("transport", "tunnel"):
            where = dict(mode=mode, inner=family, outer=family)
            label = f"v{family} {mode}"
            for cipher in AEADS:
                cases.append(Case(f"esp {cipher} {label}", [esp(cipher)], **where))
            for cipher in CIPHERS:
                cases.append(Case(f"esp {cipher} hmac-sha256 {label}", [esp(cipher, "hmac-sha256")], **where))
            for mac in MACS:
                cases.append(Case(f"esp rijndael-cbc {mac} {label}", [esp("rijndael-cbc", mac)], **where))
                cases.append(Case(f"ah {mac} {label}", [ah(mac)], **where))
            cases.append(Case(f"esp 3des-cbc without authentication {label}", [esp("3des-cbc")], **where))
            cases.append(Case(f"ipcomp {label}", [comp()], **where))
            cases.append(Case(f"ah over esp {label}", [esp("rijndael-cbc", "hmac-sha1"), ah("hmac-sha1")], **where))
            cases.append(Case(f"esp over ipcomp {label}", [comp(), esp("aes-gcm-16")], **where))
            cases.append(Case(f"ah over esp over ipcomp {label}", [comp(), esp("aes-cbc", "hmac-sha256"), ah("hmac-sha256")], **where))
            esn = dict(xfrm_flags="esn", our_flags="-r 8 -f esn")
            for cipher, mac in (("aes-gcm-16", None), ("rijndael-cbc", "hmac-sha256"), ("chacha20-poly1305", None), ("aes-gmac", None)):
                cases.append(Case(f"esp esn {cipher} {label}", [esp(cipher, mac, **esn)], **where))
            cases.append(Case(f"ah esn hmac-sha256 {label}", [ah("hmac-sha256", **esn)], **where))
            for cipher, mac in (("aes-gcm-16", None), ("rijndael-cbc", "hmac-sha1")):
                cases.append(Case(f"esp in udp {cipher} {label}", [esp(cipher, mac)], natt=True, **where))
    for inner, outer in ((4, 6), (6, 4)):
        for sa, what in ((esp("aes-gcm-16"), "esp aes-gcm-16"), (esp("rijndael-cbc", "hmac-sha256"), "esp rijndael-cbc hmac-sha256"),
                         (ah("hmac-sha1"), "ah hmac-sha1")):
            cases.append(Case(f"{what} tunnel v{inner} in v{outer}", [sa], mode="tunnel", inner=inner, outer=outer))
    return cases


def outermost(frame):
    """The protocol of a frame on the wire behind IPv6 fragment headers: None for what is no IP."""
    ethertype = int.from_bytes(frame[12:14], "big")
    if ethertype == ETH_P_IP:
        return frame[23]
    if ethertype == ETH_P_IPV6:
        return frame[54] if frame[20] == 44 else frame[20]
    return None


class Lab:
    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="testudo-interop-")
        self.ns = linux_guest.Namespace(f"tdo-{os.getpid()}-k")
        self.guest = linux_guest.Guest(self.ns, "tap0", "10.9.0.2/24", "fd09::2/64")
        for words in (("addr", "add", "10.9.0.1/24", "dev", "tap0"), ("addr", "add", "fd09::1/64", "dev", "tap0", "nodad"),
                      ("addr", "add", "10.50.1.1/32", "dev", "lo"), ("addr", "add", "fd50:1::1/128", "dev", "lo", "nodad"),
                      ("route", "add", "10.50.2.0/24", "via", "10.9.0.2", "src", "10.50.1.1"),
                      ("-6", "route", "add", "fd50:2::/64", "via", "fd09::2"),
                      ("neigh", "replace", "10.9.0.2", "dev", "tap0", "lladdr", "02:00:00:00:00:02"),
                      ("neigh", "replace", "fd09::2", "dev", "tap0", "lladdr", "02:00:00:00:00:02")):
            self.ns.ip(*words)
        # Neighbours are fixed on both sides: a probe that a busy machine answers late would cost a datagram.
        ours = self.ns.ip("-br", "link", "show", "tap0").stdout.split()[2]
        self.guest.sh(f"ip neigh replace 10.9.0.1 dev vec0 lladdr {ours}; ip neigh replace fd09::1 dev vec0 lladdr {ours};"
                      "ip addr add 10.50.2.1/32 dev lo; ip -6 addr add fd50:2::1/128 dev lo nodad;"
                      "ip route add 10.50.1.0/24 via 10.9.0.1; ip -6 route add fd50:1::/64 via fd09::1;"
                      f"setsid python3 {HERE}/linux_guest_echo.py >/run/echo.log 2>&1 & sleep 3")
        self.run_dir = os.path.join(self.scratch.name, "run")
        self.log = open(os.path.join(self.scratch.name, "testudod.log"), "w+b")
        self.daemon = self.ns.popen(str(BIN / "testudod"), "-F", "--run-dir", self.run_dir, stdout=self.log, stderr=self.log)
        self.wait_for_daemon()
        self.wire = self.ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.bind(("tap0", 0))
        self.wire.setblocking(False)

    def wait_for_daemon(self):
        end = time.monotonic() + 20
        while not os.path.exists(os.path.join(self.run_dir, "pfkey.sock")):
            if self.daemon.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                raise RuntimeError("testudod did not start: " + self.log.read().decode("utf8", "replace"))
            time.sleep(0.05)

    def tool(self, *words, stdin=None):
        return self.ns.exec(str(BIN / words[0]), "--run-dir", self.run_dir, *words[1:], input=stdin, check=False)

    def frames(self):
        """What crossed the wire since the last call: (did we send it, the frame)."""
        seen = []
        while select.select([self.wire], [], [], 0)[0]:
            frame, address = self.wire.recvfrom(65536)
            seen.append((address[2] == socket.PACKET_OUTGOING, frame))
        return seen

    def echo(self, case, data, on_wire):
        """None when the datagram came back unchanged, else what happened.  `on_wire` gets what was on the wire."""
        source, destination = case.traffic
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        with self.ns.socket(family, socket.SOCK_DGRAM) as client:
            client.bind((source, 0))
            client.settimeout(20)  # the guest is a busy machine
            client.sendto(data, (destination, 7))
            try:
                answer, wrong = client.recv(65536), None
            except OSError as error:
                answer, wrong = data, f"{len(data)} bytes: {error}"
        crossed = [(ours, outermost(frame)) for ours, frame in self.frames()]
        on_wire += [protocol for _, protocol in crossed]
        if wrong:
            sent = sum(ours for ours, protocol in crossed if protocol == case.expected())
            return f"{wrong}, {sent} packets sent, {len(crossed) - sent} others"
        return None if answer == data else f"{len(data)} bytes came back changed"

    def guest_drops(self):
        return self.guest.sh("grep -v '\\b0$' /proc/net/xfrm_stat", check=False)

    def diagnose(self):
        return f"\n--- our drops\n{self.tool('testudo', 'drops').stdout}--- kernel\n{self.guest_drops()}"

    def run(self, case):
        installed = self.tool("setkey", "-f", "-", stdin=case.setkey())
        if installed.returncode != 0 or installed.stdout or installed.stderr:
            return f"setkey: {installed.stdout}{installed.stderr}"
        self.guest.sh("ip -batch - <<'END'\n" + "\n".join(case.xfrm()) + "\nEND")
        self.frames()
        # Small, odd, full, larger than the link: padding, trailers and fragments.
        on_wire, wrong = [], None
        for size in (1, 57, 1200, 3000):
            wrong = wrong or self.echo(case, bytes((i * 7 + size) & 255 if i % 3 else 65 for i in range(size)), on_wire)
        on_wire += [outermost(frame) for _, frame in self.frames()]
        on_wire = [p for p in on_wire if p is not None and p != ICMPV6]
        allowed = {case.expected()} | (UNCOMPRESSED[case.mode] if case.sas[-1].proto == "ipcomp" else set())
        if wrong:
            return wrong + self.diagnose()
        strangers = [p for p in on_wire if p not in allowed]
        if strangers:
            return f"protocols {sorted(set(strangers))} on the wire, expected {case.expected()}"
        return None if case.expected() in on_wire else f"no packet of protocol {case.expected()} on the wire"

    def close(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(10)
        finally:
            self.guest.close()
            self.ns.close()
            self.log.close()
            self.scratch.cleanup()


# RFC 3173: a payload that is too small or does not shrink goes without IPcomp: alone, it is plain UDP, or IP in IP.
UNCOMPRESSED = {"transport": {UDP}, "tunnel": {IPIP, IPV6}}


def main():
    reason = linux_guest.missing()
    if reason:
        print(f"skipped: {reason}")
        return 77
    pattern = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    cases = [c for c in all_cases() if pattern.search(c.name)]
    lab = Lab()
    failed = []
    try:
        for number, case in enumerate(cases, 1):
            wrong = lab.run(case)
            # In a log, the cases that fail must not drown in those that pass.
            if wrong or sys.stdout.isatty() or number % 20 == 0:
                print(f"{number:3}/{len(cases)} {'ok  ' if wrong is None else 'FAIL'} {case.name}", flush=True)
            if wrong:
                failed.append(case.name)
                print("     " + wrong.replace("\n", "\n     "), flush=True)
    finally:
        lab.close()
    print(f"Linux kernel interoperation: {len(cases) - len(failed)} of {len(cases)} cases")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
