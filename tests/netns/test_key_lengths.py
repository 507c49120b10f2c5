#!/usr/bin/env python3
"""Every valid key length of every algorithm is accepted, every neighbour refused: by setkey in NetBSD's words, and by testudod
when something else than setkey asks."""
import socket
import struct

from lib import BIN, Lab, check, run, say

# Name: (valid lengths in bytes, PF_KEY's number); from the RFCs named in the manual page, twofish and tcp-md5 as NetBSD.
CIPHERS = {"des-cbc": ([8], 2), "3des-cbc": ([24], 3), "cast128-cbc": (range(5, 17), 6), "blowfish-cbc": (range(5, 57), 7),
           "aes-cbc": ([16, 24, 32], 12), "rijndael-cbc": ([16, 24, 32], 12), "aes-ctr": ([20, 28, 36], 13),
           "aes-ccm-8": ([19, 27, 35], 14), "aes-ccm-12": ([19, 27, 35], 15), "aes-ccm-16": ([19, 27, 35], 16),
           "aes-gcm-8": ([20, 28, 36], 18), "aes-gcm-12": ([20, 28, 36], 19), "aes-gcm-16": ([20, 28, 36], 20),
           "camellia-cbc": ([16, 24, 32], 22), "aes-gmac": ([20, 28, 36], 23), "chacha20-poly1305": ([36], 31),
           "twofish-cbc": ([16, 24, 32], 253), "des-deriv": ([8], None), "3des-deriv": ([24], None)}
MACS = {"hmac-md5": ([16], 2), "hmac-sha1": ([20], 3), "hmac-sha256": ([32], 5), "hmac-sha384": ([48], 6), "hmac-sha512": ([64], 7),
        "hmac-ripemd160": ([20], 8), "aes-xcbc-mac": ([16], 9), "aes-cmac": ([16], 248), "keyed-md5": ([16], 249),
        "keyed-sha1": ([20], 250)}
TCP = {"tcp-md5": (range(1, 81), 252)}
EINVAL = 22


def key(length):
    return bytes((i * 37 + length + 1) & 255 for i in range(length))


def candidates():
    """(protocol, words in front, the option that takes the key, name, PF_KEY's number, length, valid)"""
    for proto, before, option, table in (("esp", "", "-E", CIPHERS), ("esp", "-E null ", "-A", MACS), ("ah", "", "-A", MACS),
                                         ("tcp", "", "-A", TCP)):
        for name, (valid, number) in table.items():
            tried = {n + d for n in valid for d in (-1, 0, 1)} | {1, 128}
            for length in sorted(tried - {0}):
                yield proto, before, option, name, number, length, length in valid


def statement(number, proto, before, option, name, length):
    spi = 0x1000 if proto == "tcp" else 0x10000 + number
    return f"add 10.1.0.1 10.2.{number >> 8}.{number & 255} {proto} {spi} {before}{option} {name} 0x{key(length).hex()};\n"


def setkey(node, text):
    return run("ip", "netns", "exec", node.ns, BIN / "setkey", "-f", "-", check=False, input=text, env=node.environment())


def through_setkey(node, all_candidates):
    valid = [(i, c) for i, c in enumerate(all_candidates) if c[6]]
    done = setkey(node, "".join(statement(i, *c[:4], c[5]) for i, c in valid))
    check(done.returncode == 0 and not done.stdout + done.stderr, f"setkey takes {len(valid)} keys of valid length", (done.stdout + done.stderr)[:400])
    dump = run("ip", "netns", "exec", node.ns, BIN / "setkey", "-D", env=node.environment()).stdout
    check(dump.count("state=mature") == len(valid), "testudod has as many SAs", dump.count("state=mature"))
    wrong = [(i, c) for i, c in enumerate(all_candidates) if not c[6]]
    for i, c in wrong:
        done = setkey(node, statement(i, *c[:4], c[5]))
        said = done.stdout + done.stderr
        if done.returncode == 0 or "nvalid key length" not in said:
            raise AssertionError(f"setkey on {c[3]} with {c[5] * 8} bits: exit {done.returncode}, {said!r}")
    check(True, f"setkey refuses {len(wrong)} neighbours: invalid key length")


class PfKey:
    """ADD requests without setkey in between."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(path))
        self.sequence = 0

    def add(self, proto, option, name, number, length, index):
        satype = {"esp": 3, "ah": 2, "tcp": 11}[proto]
        mac, cipher = (number, 11 if proto == "esp" else 0) if option == "-A" else (0, number)
        spi = 0x1000 if proto == "tcp" else 0x50000 + index
        parts = struct.pack("=HHIBBBBI", 2, 1, socket.htonl(spi), 0, 1, mac, cipher, 0)
        for kind, address in ((5, "10.3.0.1"), (6, f"10.4.{index >> 8}.{index & 255}")):
            parts += struct.pack("=HHBBHHH4s8x", 3, kind, 0, 32, 0, socket.AF_INET, 0, socket.inet_aton(address))
        padded = key(length) + bytes(-length % 8)
        parts += struct.pack("=HHHH", 1 + len(padded) // 8, 8 if option == "-A" else 9, length * 8, 0) + padded
        self.sequence += 1
        self.socket.send(struct.pack("=BBBBHHII", 2, 3, 0, satype, 2 + len(parts) // 8, 0, self.sequence, 1) + parts)
        while True:
            version, kind, error, _, _, _, sequence, _ = struct.unpack_from("=BBBBHHII", self.socket.recv(65536))
            if (version, kind, sequence) == (2, 3, self.sequence):
                return error


def through_pf_key(node, all_candidates):
    pfkey = PfKey(node.run_dir / "pfkey.sock")
    counts = {True: 0, False: 0}
    for index, (proto, _, option, name, number, length, valid) in enumerate(all_candidates):
        if number is None:
            continue
        error = pfkey.add(proto, option, name, number, length, index)
        if error != (0 if valid else EINVAL):
            raise AssertionError(f"testudod on {proto} {name} with {length * 8} bits: errno {error}")
        counts[valid] += 1
    check(True, f"testudod itself takes {counts[True]} of them and refuses {counts[False]} with EINVAL")


def main():
    with Lab() as lab:
        node = lab.node("one")
        node.start_testudod()
        wanted = list(candidates())
        through_setkey(node, wanted)
        through_pf_key(node, wanted)
    say("key lengths: passed")


if __name__ == "__main__":
    main()
