#!/usr/bin/python3
"""Packet forms that no peer of today offers, against their definition worked out here with hashlib, zlib and cryptography:

    esp-old      RFC 1827 with DES of RFC 1829 (64-bit and 32-bit IV) and 3DES of RFC 1851: no sequence number
    ah-old       RFC 1826 with keyed MD5 (RFC 1828) and keyed SHA (RFC 1852, its first 128 bits as KAME sends them)
    keyed-*      the same two in the AH of RFC 4302, whole
    des-deriv    the IV is the sequence number and its complement, and not sent
    ah null      twelve bytes that nobody looks at
    ipcomp       the well-known CPI of RFC 3173, and with -R a negotiated one

Each in transport and tunnel mode, IPv4 and IPv6, several sizes, both directions, through `testudo pcap`; and with one byte
changed, where the form can tell.
"""
import hashlib
import pathlib
import struct
import sys
import tempfile
import warnings
import zlib
from ipaddress import ip_address

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import offline  # noqa: E402

warnings.filterwarnings("ignore")
try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    offline.skip("needs python3-cryptography")

US = {4: "192.0.2.1", 6: "2001:db8::1"}
THEM = {4: "198.51.100.{}", 6: "2001:db8:1::{:x}"}
INNER_US = {4: "10.1.0.1", 6: "fd00:1::1"}
INNER_THEM = {4: "10.2.0.{}", 6: "fd00:2::{:x}"}
UDP, IPV4, ESP, AH, COMP, IPV6 = 17, 4, 50, 51, 108, 41
SIZES = [1, 8, 100, 333, 1000]


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_packet(source, destination, protocol, payload, tos=0x28, hops=61):
    ends = ip_address(source).packed + ip_address(destination).packed
    if len(ends) == 32:
        return struct.pack("!IHBB", 6 << 28 | tos << 20 | 0x12345, len(payload), protocol, hops) + ends + payload
    head = struct.pack("!BBHHHBB", 0x45, tos, 20 + len(payload), 7, 0, hops, protocol)
    return head + struct.pack("!H", checksum(head + bytes(2) + ends)) + ends + payload


def body(packet):
    return packet[20:] if packet[0] >> 4 == 4 else packet[40:]


def udp(source, destination, text):
    head = struct.pack("!HHH", 40001, 40002, 8 + len(text))
    pseudo = ip_address(source).packed + ip_address(destination).packed + struct.pack("!IxxxB", 8 + len(text), UDP)
    return head + struct.pack("!H", checksum(pseudo + head + bytes(2) + text) or 0xffff) + text


class Esp:
    protocol, authenticated = ESP, False

    def __init__(self, name, setkey_proto, cipher, key_length, header, iv_length):
        self.name, self.setkey_proto, self.cipher = name, setkey_proto, cipher
        self.key = offline.bytes_of(name, key_length)
        self.header, self.iv_length = header, iv_length

    def setkey(self):
        return f"-E {self.cipher} {offline.hexkey(self.key)}"

    def des(self, head, iv):
        """The IV that the cipher takes: as sent, or 32 bits (sent, or the sequence number) and their complement."""
        if self.iv_length == 8:
            whole = iv
        else:
            half = iv if self.iv_length == 4 else head[4:8]
            whole = half + bytes(b ^ 0xff for b in half)
        return Cipher(algorithms.TripleDES(self.key), modes.CBC(whole))

    def seal(self, ip, spi, sequence, next_header, payload):
        head = struct.pack("!II", spi, sequence)[:self.header]
        iv = offline.bytes_of(f"{self.name} {sequence} iv", self.iv_length)
        pad = -(len(payload) + 2) % 8
        text = payload + bytes(range(1, pad + 1)) + bytes([pad, next_header])
        encryptor = self.des(head, iv).encryptor()
        return ip(ESP, head + iv + encryptor.update(text) + encryptor.finalize())

    def open(self, packet, spi):
        esp = body(packet)
        head, iv, text = esp[:self.header], esp[self.header:][:self.iv_length], esp[self.header + self.iv_length:]
        decryptor = self.des(head, iv).decryptor()
        text = decryptor.update(text) + decryptor.finalize()
        pad, next_header = text[-2], text[-1]
        assert struct.unpack("!I", head[:4])[0] == spi and text[len(text) - 2 - pad:-2] == bytes(range(1, pad + 1))
        return next_header, text[:len(text) - 2 - pad]


def keyed(digest):
    """RFC 1828 section 1.2: key, keyfill, datagram, key; the fill is the digest's own, with the key's length."""
    def mac(key, datagram):
        order = "little" if digest == "md5" else "big"
        fill = b"\x80" + bytes((55 - len(key)) % 64) + (8 * len(key)).to_bytes(8, order)
        assert (len(key) + len(fill)) % 64 == 0
        return hashlib.new(digest, key + fill + datagram + key).digest()
    return mac


class Ah:
    protocol = AH

    def __init__(self, name, setkey_proto, mac_name, mac, key_length, icv):
        self.name, self.setkey_proto, self.mac_name, self.mac = name, setkey_proto, mac_name, mac
        self.key, self.icv, self.authenticated = offline.bytes_of(name, key_length), icv, mac is not None
        self.fixed = 8 if setkey_proto == "ah-old" else 12

    def setkey(self):
        return f"-A {self.mac_name} {offline.hexkey(self.key)}"

    def compute(self, packet, ah_length):
        """Over the packet with the fields of RFC 4302 appendix A zeroed, and the ICV itself."""
        if self.mac is None:
            return bytes(self.icv)
        cooked = bytearray(packet)
        if packet[0] >> 4 == 4:
            cooked[1] = cooked[6] = cooked[7] = cooked[8] = cooked[10] = cooked[11] = 0
            offset = 20
        else:
            cooked[0:4], cooked[7] = b"\x60\0\0\0", 0
            offset = 40
        cooked[offset + self.fixed:offset + ah_length] = bytes(ah_length - self.fixed)
        return self.mac(self.key, bytes(cooked))[:self.icv]

    def length(self, packet):
        multiple = 4 if packet[0] >> 4 == 4 else 8
        return -(-(self.fixed + self.icv) // multiple) * multiple

    def header(self, next_header, length, spi, sequence):
        # RFC 1826 counts the authentication data alone, RFC 4302 the header without its first two words.
        words = (length - 8) // 4
        return struct.pack("!BBHII", next_header, words, 0, spi, sequence)[:self.fixed]

    def seal(self, ip, spi, sequence, next_header, payload):
        length = self.length(ip(0, b""))
        head = self.header(next_header, length, spi, sequence)
        packet = ip(AH, head + bytes(length - self.fixed) + payload)
        icv = self.compute(packet, length)
        return ip(AH, head + icv + bytes(length - self.fixed - self.icv) + payload)

    def open(self, packet, spi):
        length, data = self.length(packet), body(packet)
        sequence = struct.unpack_from("!I", data, 8)[0]
        assert data[:self.fixed] == self.header(data[0], length, spi, sequence), "header"
        assert data[self.fixed:self.fixed + self.icv] == self.compute(packet, length), "ICV"
        return data[0], data[length:]


class Comp:
    protocol, setkey_proto, authenticated = COMP, "ipcomp", False

    def __init__(self, name, raw_cpi):
        self.name, self.raw_cpi = name, raw_cpi

    def setkey(self):
        return "-C deflate" + (" -R" if self.raw_cpi else "")

    def cpi(self, spi):
        return spi & 0xffff if self.raw_cpi else 2

    def seal(self, ip, spi, sequence, next_header, payload):
        deflate = zlib.compressobj(wbits=-15)
        packed = deflate.compress(payload) + deflate.flush()
        if len(packed) + 4 >= len(payload):
            return ip(next_header, payload)
        return ip(COMP, struct.pack("!BBH", next_header, 0, self.cpi(spi)) + packed)

    def open(self, packet, spi):
        protocol = packet[9] if packet[0] >> 4 == 4 else packet[6]
        if protocol != COMP:
            assert len(body(packet)) < 120, "left uncompressed"
            return protocol, body(packet)
        next_header, flags, cpi = struct.unpack_from("!BBH", body(packet))
        assert (flags, cpi) == (0, self.cpi(spi)), "header"
        return next_header, zlib.decompress(body(packet)[4:], wbits=-15)


FORMS = [Esp("esp-old, DES with a 64-bit IV", "esp-old", "des-cbc", 8, 4, 8),
         Esp("esp-old, DES with a 32-bit IV", "esp-old", "des-32iv", 8, 4, 4),
         Esp("esp-old, 3DES", "esp-old", "3des-cbc", 24, 4, 8),
         Esp("esp, des-deriv", "esp", "des-deriv", 8, 8, 0),
         Esp("esp, 3des-deriv", "esp", "3des-deriv", 24, 8, 0),
         Ah("ah-old, keyed MD5", "ah-old", "keyed-md5", keyed("md5"), 16, 16),
         Ah("ah-old, keyed SHA", "ah-old", "keyed-sha1", keyed("sha1"), 20, 16),
         Ah("ah, keyed MD5", "ah", "keyed-md5", keyed("md5"), 16, 16),
         Ah("ah, keyed SHA", "ah", "keyed-sha1", keyed("sha1"), 20, 20),
         Ah("ah, null", "ah", "null", None, 0, 12),
         Comp("ipcomp, the well-known CPI", False), Comp("ipcomp, a CPI of its own", True)]


class Case:
    def __init__(self, number, form, mode, family):
        self.number, self.form, self.mode, self.family = number, form, mode, family
        self.outer = {"in": (THEM[family].format(number), US[family]), "out": (US[family], THEM[family].format(number))}
        far, near = (INNER_THEM[family].format(number), INNER_US[family]) if mode == "tunnel" else self.outer["in"]
        self.inner = {"in": (far, near), "out": (near, far)}
        high = 0x10000 if form.setkey().endswith("-R") else 0  # of which a packet has room for 16 bits
        self.spi = {"in": high + 0x2000 + 2 * number, "out": high + 0x2001 + 2 * number}
        self.plain = {way: [self.packet(way, size) for size in SIZES] for way in ("in", "out")}

    def name(self):
        return f"{self.form.name}, {self.mode} IPv{self.family}"

    def packet(self, way, size):
        source, destination = self.inner[way]
        text = (f"{self.number} {way} {size} ".encode() + b"compressible " * size)[:size]
        return ip_packet(source, destination, UDP, udp(source, destination, text))

    def setkey(self):
        form, lines = self.form, []
        for way, (source, destination) in self.outer.items():
            lines.append(f"add {source} {destination} {form.setkey_proto} 0x{self.spi[way]:x} -m {self.mode} {form.setkey()};")
        word = form.setkey_proto.removesuffix("-old")
        # A peer may leave a packet uncompressed (RFC 3173 section 2.2).
        level = {way: "use" if word == "ipcomp" and way == "in" else "require" for way in ("in", "out")}
        for way, (source, destination) in self.inner.items():
            ends = "-".join(self.outer[way]) if self.mode == "tunnel" else ""
            lines.append(f"spdadd {source} {destination} any -P {way} ipsec {word}/{self.mode}/{ends}/{level[way]};")
        return "\n".join(lines)

    def seal(self, packet, sequence):
        source, destination = self.outer["in"]

        def ip(protocol, payload):
            return ip_packet(source, destination, protocol, payload)
        if self.mode == "tunnel":
            return self.form.seal(ip, self.spi["in"], sequence, IPV4 if self.family == 4 else IPV6, packet)
        return self.form.seal(ip, self.spi["in"], sequence, UDP, body(packet))

    def open(self, wire):
        next_header, payload = self.form.open(wire, self.spi["out"])
        if self.mode == "tunnel":
            assert next_header == (IPV4 if self.family == 4 else IPV6), "next header"
            return payload
        return ip_packet(*self.outer["out"], next_header, payload)


def main():
    cases = [Case(number, form, mode, family) for number, (form, mode, family) in enumerate(
        ((f, m, v) for f in FORMS for m in ("transport", "tunnel") for v in (4, 6)), 1)]
    wanted = {packet: case for case in cases for packet in case.plain["in"]}
    sealed, broken = [], 0
    for case in cases:
        for sequence, packet in enumerate(case.plain["in"], 1):
            wire = case.seal(packet, sequence)
            if case.form.authenticated:
                sealed.append(wire[:-1] + bytes([wire[-1] ^ 1]))
                broken += 1
            sealed.append(wire)
    with tempfile.TemporaryDirectory(prefix="tdo-") as folder:
        lab = offline.Lab(folder, "\n".join(c.setkey() for c in cases), list(US.values()) + list(INNER_US.values()))
        opened = lab.run(sealed)
        report = lab.said
        ours = {}
        for wire in lab.run([p for case in cases for p in case.plain["out"]]):
            ours.setdefault(offline.addresses(wire)[1], []).append(wire)
    faults = sorted({f"not opened by us: {case.name()}" for packet, case in wanted.items() if packet not in opened})
    faults += [f"came out though it should not: {p[:64].hex()}" for p in opened if p not in wanted]
    for case in cases:
        faults += judge(case, ours.get(case.outer["out"][1], []))
    print("\n".join(faults + ([report] if faults else [])))
    print(f"old forms: {len(cases)} cases, {len(wanted)} packets opened by us, {broken} changed ones refused, "
          f"{sum(len(c.plain['out']) for c in cases)} sealed by us and opened here")
    return 1 if faults else 0


def judge(case, wires):
    """What is wrong with the packets that we sealed."""
    opened = []
    for wire in wires:
        try:
            opened.append(case.open(wire))
        except (AssertionError, ValueError, zlib.error) as error:
            return [f"sealed by us, not as written: {case.name()}: {error}"]
    return [] if opened == case.plain["out"] else [f"sealed by us, opens to something else: {case.name()}"]


if __name__ == "__main__":
    sys.exit(main())
