#!/usr/bin/env python3
"""tshark decrypts and authenticates what we seal: a witness that shares no code with us, the Linux kernel or scapy.

    plain packets ── plain.pcap ──►  testudo pcap  ── out.pcap ──►  tshark with the keys: the data we started from, ICV good

With another key it must not see the data, or the test would prove nothing.
"""
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import offline  # noqa: E402

US, THEM = {4: "192.0.2.1", 6: "2001:db8::1"}, {4: "198.51.100.2", 6: "2001:db8:1::2"}
INNER_US, INNER_THEM = {4: "10.1.0.1", 6: "fd00:1::1"}, {4: "10.2.0.2", 6: "fd00:2::2"}
# setkey's name: (tshark's name, key bytes)
CIPHERS = {"aes-cbc": ("AES-CBC [RFC3602]", 16), "rijndael-cbc": ("AES-CBC [RFC3602]", 32), "aes-ctr": ("AES-CTR [RFC3686]", 20),
           "3des-cbc": ("TripleDES-CBC [RFC2451]", 24), "des-cbc": ("DES-CBC [RFC2405]", 8),
           "blowfish-cbc": ("BLOWFISH-CBC [RFC2451]", 16), "cast128-cbc": ("CAST5-CBC [RFC2144]", 16),
           "twofish-cbc": ("TWOFISH-CBC", 32), "null": ("NULL", 0), "aes-gcm-16": ("AES-GCM with 16 octet ICV [RFC4106]", 20),
           "aes-gcm-12": ("AES-GCM with 12 octet ICV [RFC4106]", 28), "aes-gcm-8": ("AES-GCM with 8 octet ICV [RFC4106]", 36)}
MACS = {"hmac-md5": ("HMAC-MD5-96 [RFC2403]", 16), "hmac-sha1": ("HMAC-SHA-1-96 [RFC2404]", 20),
        "hmac-sha256": ("HMAC-SHA-256-128 [RFC4868]", 32), "hmac-sha384": ("HMAC-SHA-384-192 [RFC4868]", 48),
        "hmac-sha512": ("HMAC-SHA-512-256 [RFC4868]", 64), "hmac-ripemd160": ("MAC-RIPEMD-160-96 [RFC2857]", 20)}
FORMS = [("transport", 4), ("transport", 6), ("tunnel", 4), ("tunnel", 6)]


class Case:
    """One SA with a destination port of its own, and the data that it carries."""

    def __init__(self, number, cipher, mac, form):
        self.spi, self.port, self.cipher, self.mac, (self.mode, self.family) = 0x10000 + number, 2000 + number, cipher, mac, form
        self.cipher_key = offline.bytes_of(f"cipher {number}", CIPHERS[cipher][1])
        self.mac_key = offline.bytes_of(f"mac {number}", MACS[mac][1]) if mac else b""
        self.data = f"case {number}: ".encode() + offline.bytes_of(f"data {number}", 60 + number % 40)

    def name(self):
        return f"{self.cipher} {self.mac or 'alone'} {self.mode} IPv{self.family}"

    def setkey(self):
        us, them = US[self.family], THEM[self.family]
        ends = (INNER_US[self.family], INNER_THEM[self.family]) if self.mode == "tunnel" else (us, them)
        auth = f"-A {self.mac} {offline.hexkey(self.mac_key)}" if self.mac else ""
        reqid = self.spi & 0x3fff
        where = f"{us}-{them}" if self.mode == "tunnel" else ""
        return (f"add {us} {them} esp {self.spi} -m {self.mode} -u {reqid} -E {self.cipher} {offline.hexkey(self.cipher_key)} {auth};\n"
                f"spdadd {ends[0]} {ends[1]}[{self.port}] udp -P out ipsec esp/{self.mode}/{where}/unique:{reqid};\n")

    def packet(self):
        ends = (INNER_US, INNER_THEM) if self.mode == "tunnel" else (US, THEM)
        addresses = b"".join(offline.socket.inet_pton(offline.socket.AF_INET if self.family == 4 else offline.socket.AF_INET6,
                                                      end[self.family]) for end in ends)
        udp = struct.pack("!HHHH", 1025, self.port, 8 + len(self.data), 0)
        upper = udp[:6] + struct.pack("!H", ones(addresses + struct.pack("!II", len(udp + self.data), 17) + udp + self.data)) + self.data
        if self.family == 6:
            return struct.pack("!IHBB", 6 << 28, len(upper), 17, 64) + addresses + upper
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(upper), 7, 0, 64, 17, 0) + addresses
        return header[:10] + struct.pack("!H", ones(header)) + header[12:] + upper

    def association(self, spoiled):
        """A row of tshark's table; with a bit of each key changed when spoiled."""
        def key(k):
            return "0x" + bytes([k[0] ^ (0x10 if spoiled else 0), *k[1:]]).hex() if k else ""
        mac = MACS[self.mac][0] if self.mac else "NULL"
        return (f'uat:esp_sa:"IPv{self.family}","{US[self.family]}","{THEM[self.family]}","0x{self.spi:08x}",'
                f'"{CIPHERS[self.cipher][0]}","{key(self.cipher_key)}","{mac}","{key(self.mac_key)}"')


def ones(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def all_cases():
    wanted = [(c, None if c.startswith("aes-gcm") else "hmac-sha1", f) for c in CIPHERS for f in FORMS]
    wanted += [("aes-cbc", m, f) for m in MACS for f in FORMS]
    return [Case(number, *what) for number, what in enumerate(wanted, 1)]


def dissect(capture, cases, spoiled):
    """SPI: (the UDP data that tshark sees, whether it found the ICV good)."""
    command = ["tshark", "-r", capture, "-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]
    for case in cases:
        command += ["-o", case.association(spoiled)]
    for field in ("esp.spi", "udp.dstport", "udp.payload", "esp.icv_good"):
        command += ["-e", field]
    # By another key a payload may look like anything, ESP in ESP too: the first of each field is the packet's own.
    command += ["-T", "fields", "-E", "separator=|", "-E", "occurrence=f"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"tshark: exit {done.returncode}\n{done.stderr[-2000:]}")
    seen = {}
    for line in done.stdout.splitlines():
        spi, port, data, good = line.split("|")
        seen[int(spi, 16)] = (port, data.replace(":", ""), good)
    return seen


def main():
    if shutil.which("tshark") is None:
        offline.skip("needs tshark")
    cases = all_cases()
    failed = []
    with tempfile.TemporaryDirectory(prefix="tdo-") as folder:
        lab = offline.Lab(folder, "".join(case.setkey() for case in cases), [*US.values(), *INNER_US.values()])
        sealed = lab.run([case.packet() for case in cases])
        capture = pathlib.Path(folder) / "out.pcap"
        right, wrong = dissect(capture, cases, False), dissect(capture, cases, True)
    for case in cases:
        port, data, good = right.get(case.spi, ("", "", ""))
        if (port, data) != (str(case.port), case.data.hex()):
            failed.append(f"{case.name()}: tshark reads {data or 'nothing'}")
        if case.mac and good not in ("1", "True"):
            failed.append(f"{case.name()}: ICV {good or 'not checked'}")
        if case.cipher != "null" and wrong.get(case.spi, ("", "", ""))[1] == case.data.hex():
            failed.append(f"{case.name()}: readable with another key")
        if case.mac and wrong.get(case.spi, ("", "", ""))[2] in ("1", "True"):
            failed.append(f"{case.name()}: ICV good with another key")
    for line in failed:
        print(line)
    print(f"tshark: {len(cases)} packets of {len(sealed)}, {len(failed)} complaints")
    return 1 if failed or len(sealed) != len(cases) else 0


if __name__ == "__main__":
    sys.exit(main())
