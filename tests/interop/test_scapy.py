#!/usr/bin/python3
"""testudo against scapy's IPsec layer, both directions, every suite both know, through `testudo pcap`.

    scapy seals   ── sealed.pcap ──►  testudo pcap  ── opened.pcap ──►  the packets scapy started from, byte for byte
    plain packets ── plain.pcap  ──►  testudo pcap  ── wire.pcap   ──►  scapy opens: the packets we started from

All cases share one setkey script: each has a peer of its own, an SA and a policy (`require`) in each direction.  Each also
gets packets with one bit changed, which nobody may see again.  What scapy 2.5.0 gets wrong is done here by hand: the ICV of
ESN with a separate authenticator (it forgets the high half), the UDP length of NAT-T.
"""
import hmac
import logging
import pathlib
import struct
import sys
import tempfile
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import offline  # noqa: E402

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
try:
    from scapy.layers.inet import IP, UDP, IPOption_Router_Alert, IPOption_RR, IPOption_Timestamp
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, HBHOptUnknown, RouterAlert
    from scapy.layers.ipsec import AH, AUTH_ALGOS, CRYPT_ALGOS, ESP, SecurityAssociation
    from scapy.packet import Raw, raw
except ImportError:
    offline.skip("needs python3-scapy and python3-cryptography")

US = {4: "192.0.2.1", 6: "2001:db8::1"}
INNER_US = {4: "10.1.0.1", 6: "fd00:1::1"}
IPX = {4: IP, 6: IPv6}

# setkey's name: (scapy's name, lengths of the key in bytes, more arguments)
CIPHERS = {"null": ("NULL", [0]), "des-cbc": ("DES", [8]), "3des-cbc": ("3DES", [24]), "blowfish-cbc": ("Blowfish", [5, 16, 56]),
           "cast128-cbc": ("CAST", [5, 16]), "aes-cbc": ("AES-CBC", [16, 24, 32]), "rijndael-cbc": ("AES-CBC", [16]),
           "aes-ctr": ("AES-CTR", [20, 28, 36])}
AEADS = {"aes-gcm-16": ("AES-GCM", [20, 28, 36], 16), "aes-gcm": ("AES-GCM", [20], 16), "aes-ccm-8": ("AES-CCM", [19, 27, 35], 8),
         "aes-ccm-12": ("AES-CCM", [19, 27, 35], 12), "aes-ccm-16": ("AES-CCM", [19, 27, 35], 16),
         "chacha20-poly1305": ("CHACHA20-POLY1305", [36], 16)}
MACS = {None: ("NULL", 0, None), "hmac-md5": ("HMAC-MD5-96", 16, "md5"), "hmac-sha1": ("HMAC-SHA1-96", 20, "sha1"),
        "hmac-sha256": ("SHA2-256-128", 32, "sha256"), "hmac-sha384": ("SHA2-384-192", 48, "sha384"),
        "hmac-sha512": ("SHA2-512-256", 64, "sha512"), "aes-cmac": ("AES-CMAC-96", 16, None)}
# mode, family inside, family outside, NAT-T
FORMS = [("transport", 4, 4, False), ("transport", 6, 6, False), ("tunnel", 4, 4, False), ("tunnel", 6, 6, False),
         ("tunnel", 4, 6, False), ("tunnel", 6, 4, False), ("transport", 4, 4, True), ("tunnel", 4, 4, True),
         ("tunnel", 6, 4, True)]


class Suite:
    """What an SA does, in the words of both sides; `keys` are made fresh for each case and direction."""

    def __init__(self, proto, cipher=None, key_length=0, mac=None, esn=False):
        self.proto, self.cipher, self.key_length, self.mac, self.esn = proto, cipher, key_length, mac, esn
        self.authenticated = mac is not None or cipher in AEADS

    def name(self):
        words = [self.proto, self.cipher, str(self.key_length * 8) if self.key_length else None, self.mac, "esn" if self.esn else None]
        return " ".join(w for w in words if w)

    def setkey(self, keys):
        text = " -f esn -r 32" if self.esn else ""
        if self.cipher:
            text += f" -E {self.cipher} {offline.hexkey(keys[0])}"
        if self.mac:
            text += f" -A {self.mac} {offline.hexkey(keys[1])}"
        return text

    def scapy(self, keys):
        arguments = {}
        if self.cipher in AEADS:
            name, _, icv = AEADS[self.cipher]
            arguments = {"crypt_algo": name, "crypt_key": keys[0], "crypt_icv_size": icv, "esn_en": self.esn}
        elif self.cipher:
            arguments = {"crypt_algo": CIPHERS[self.cipher][0], "crypt_key": keys[0] or None}
        if self.mac and not self.mac_by_hand():
            arguments |= {"auth_algo": MACS[self.mac][0], "auth_key": keys[1], "esn_en": self.esn}
        return arguments

    def mac_by_hand(self):
        return self.esn and self.proto == "esp" and self.mac is not None


class Case:
    """One suite in one form; `number` gives it its peer, SPIs, keys and sizes."""

    def __init__(self, number, suite, form, dress=None):
        self.number, self.suite, self.dress = number, suite, dress
        self.mode, self.inner, self.outer, self.natt = form
        self.them = f"198.18.{number >> 8}.{number & 255}" if self.outer == 4 else f"2001:db8:1::{number:x}"
        behind = f"10.2.{number >> 8}.{number & 255}" if self.inner == 4 else f"fd00:2::{number:x}"
        tunnel = self.mode == "tunnel"
        self.near, self.far = (INNER_US[self.inner], behind) if tunnel else (US[self.outer], self.them)
        self.port = 20000 + number
        self.spi = {"in": 0x10000 + 2 * number, "out": 0x10001 + 2 * number}
        self.keys = {way: (offline.bytes_of(f"{number} {way} cipher", suite.key_length),
                           offline.bytes_of(f"{number} {way} mac", MACS[suite.mac][1])) for way in ("in", "out")}
        self.sas = {way: self.scapy_sa(way) for way in ("in", "out")}
        self.packets = {way: [self.plain(way, size) for size in self.sizes()] for way in ("in", "out")}
        self.sealed_sizes = []

    def sizes(self):
        """Small ones of every alignment, and one of a full frame."""
        return [self.number % 17, 40 + self.number % 64, 1300 + self.number % 33]

    def name(self):
        form = f"{self.mode} {self.inner} in {self.outer}" if self.mode == "tunnel" else f"transport {self.outer}"
        return f"{self.suite.name()}, {form}{', NAT-T' if self.natt else ''}{', ' + self.dress if self.dress else ''}"

    def setkey(self):
        us, lines = US[self.outer], []
        ends = {"in": (self.them, us, f"[{self.port}]", "[4500]"), "out": (us, self.them, "[4500]", f"[{self.port}]")}
        for way, (source, destination, source_port, destination_port) in ends.items():
            if self.natt:
                source, destination, proto = source + source_port, destination + destination_port, "esp-udp"
            else:
                proto = self.suite.proto
            lines.append(f"add {source} {destination} {proto} 0x{self.spi[way]:x} -m {self.mode}"
                         f"{self.suite.setkey(self.keys[way])};")
        for way, (source, destination) in {"in": (self.far, self.near), "out": (self.near, self.far)}.items():
            tunnel = f"{ends[way][0]}-{ends[way][1]}" if self.mode == "tunnel" else ""
            lines.append(f"spdadd {source} {destination} any -P {way} ipsec {self.suite.proto}/{self.mode}/{tunnel}/require;")
        return "\n".join(lines)

    def scapy_sa(self, way):
        source, destination = (self.them, US[self.outer]) if way == "in" else (US[self.outer], self.them)
        arguments = self.suite.scapy(self.keys[way])
        if self.mode == "tunnel":
            arguments["tunnel_header"] = IPX[self.outer](src=source, dst=destination)
        if self.natt:
            ports = (self.port, 4500) if way == "in" else (4500, self.port)
            arguments["nat_t_header"] = UDP(sport=ports[0], dport=ports[1])
        return SecurityAssociation(ESP if self.suite.proto == "esp" else AH, spi=self.spi[way], **arguments)

    def plain(self, way, size):
        source, destination = (self.far, self.near) if way == "in" else (self.near, self.far)
        packet = IPX[self.inner](src=source, dst=destination)
        if self.inner == 4:
            packet.id, packet.ttl, packet.tos = self.number, 61, 0x28
            if self.dress == "options":  # one that AH covers, two that routers write into
                packet.options = [IPOption_Router_Alert(), IPOption_RR(routers=["1.2.3.4", "0.0.0.0"]),
                                  IPOption_Timestamp(timestamp=7)]
        else:
            packet.hlim, packet.tc, packet.fl = 61, 0x28, 0x12345
            if self.dress == "options":  # 0x20 in its type: an option that may change on its way
                packet /= IPv6ExtHdrHopByHop(options=[RouterAlert(), HBHOptUnknown(otype=0x3e, optlen=6, optdata=b"change")])
                packet /= IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1e, optlen=4, optdata=b"stay")])
        text = offline.bytes_of(f"{self.number} {way} {size} text", size)
        return raw(packet / UDP(sport=40001, dport=40002) / Raw(text))

    def seal(self, packet, sequence, high):
        sealed = self.sas["in"].encrypt(IPX[self.inner](packet), seq_num=sequence, **({"esn": high} if self.suite.esn else {}))
        if self.suite.mac_by_hand():
            sealed[ESP].data += self.icv(raw(sealed[ESP]), high, "in")
            for field in ("len", "chksum", "plen"):
                if hasattr(sealed, field):
                    delattr(sealed, field)
        if self.natt:
            del sealed[UDP].len
        return raw(sealed)

    def open(self, packet):
        parsed = IPX[self.outer](packet)
        if self.suite.mac_by_hand():
            name, _, _ = MACS[self.suite.mac]
            size = AUTH_ALGOS[name].icv_size
            body = raw(parsed[ESP])
            if body[-size:] != self.icv(body[:-size], 0, "out"):
                raise ValueError("ICV")
            parsed[ESP].data = parsed[ESP].data[:-size]
        return raw(self.sas["out"].decrypt(parsed))

    def icv(self, esp, high, way):
        """RFC 4303 section 2.2.1: the high half follows the packet, for the computation only."""
        name, _, digest = MACS[self.suite.mac]
        return hmac.digest(self.keys[way][1], esp + struct.pack("!I", high), digest)[:AUTH_ALGOS[name].icv_size]


def suites():
    for cipher, (_, lengths) in CIPHERS.items():
        for length in lengths:
            for mac in MACS:
                yield Suite("esp", cipher, length, mac)
    for cipher, (_, lengths, _) in AEADS.items():
        for length in lengths:
            yield Suite("esp", cipher, length)


def esn_suites():
    for cipher, length in (("aes-gcm-16", 20), ("aes-ccm-16", 19), ("chacha20-poly1305", 36)):
        yield Suite("esp", cipher, length, esn=True)
    for mac in ("hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"):
        yield Suite("esp", "aes-cbc", 16, mac, esn=True)
        yield Suite("ah", mac=mac, esn=True)


def all_cases():
    wanted = [(s, f, None) for s in suites() for f in FORMS]
    ah = [Suite("ah", mac=m) for m in MACS if m]
    wanted += [(s, f, None) for s in ah for f in FORMS if not f[3]]
    wanted += [(s, f, "options") for s in ah for f in FORMS if not f[3]]
    wanted += [(Suite("esp", "aes-gcm-16", 20), f, "options") for f in FORMS]
    wanted += [(s, f, None) for s in esn_suites() for f in FORMS if f[1] == f[2] and not f[3]]
    return [Case(number, *what) for number, what in enumerate(wanted, 1)]


def sequences(case):
    """With ESN the last packet lies behind 2^32: its high half is 1 and must be guessed (RFC 4303 appendix A)."""
    return [(0xfffffff0, 0), (0xffffffff, 0), (1, 1)] if case.suite.esn else [(1, 0), (2, 0), (3, 0)]


def we_open(lab, cases):
    sealed, good, bad = [], {}, 0
    for case in cases:
        for packet, (sequence, high) in zip(case.packets["in"], sequences(case)):
            wire = case.seal(packet, sequence, high)
            if case.suite.authenticated:
                broken = bytearray(wire)
                broken[-1] ^= 0x40
                sealed.append(bytes(broken))
                bad += 1
            sealed.append(wire)
            good[packet] = case
    opened = set(lab.run(sealed))
    failed = [case.name() for packet, case in good.items() if packet not in opened]
    return failed, len(good), bad, [p for p in opened if p not in good]


def we_seal(lab, cases):
    plain = {packet: case for case in cases for packet in case.packets["out"]}
    by_spi = {case.spi["out"]: case for case in cases}
    failed, opened, in_clear = [], set(), []
    for wire in lab.run(list(plain)):
        spi = offline.spi_of(wire)
        if spi not in by_spi:
            in_clear.append(wire)
            continue
        case = by_spi[spi]
        try:
            opened.add(case.open(wire))
        except Exception as error:  # scapy raises what it likes
            failed.append(f"{case.name()}: {type(error).__name__} {str(error)[:80]}")
    missing = [case.name() for packet, case in plain.items() if packet not in opened]
    return sorted(set(failed + missing)), len(plain), in_clear


def main():
    began = time.monotonic()
    cases = all_cases()
    with tempfile.TemporaryDirectory(prefix="tdo-") as folder:
        lab = offline.Lab(folder, "\n".join(case.setkey() for case in cases), list(US.values()) + list(INNER_US.values()))
        not_opened, opened, refused, strange = we_open(lab, cases)
        not_sealed, sealed, in_clear = we_seal(lab, cases)
    for title, names in (("not opened by us", not_opened), ("not opened by scapy", not_sealed)):
        for name in sorted(set(names)):
            print(f"{title}: {name}")
    for title, packets in (("came out though it should not", strange), ("left without its SA", in_clear)):
        for packet in packets[:5]:
            print(f"{title}: {packet[:64].hex()}")
    print(f"scapy: {len(cases)} cases, {opened} packets sealed by scapy and opened by us, {refused} changed ones refused, "
          f"{sealed} sealed by us and opened by scapy, {time.monotonic() - began:.0f} s")
    return 1 if not_opened or not_sealed or strange or in_clear else 0


if __name__ == "__main__":
    sys.exit(main())
