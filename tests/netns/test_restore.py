#!/usr/bin/env python3
"""What `setkey -D` shows, fed to `setkey --restore`, makes the same SAD again: every algorithm with its shortest and longest
key, every mode, flag, extension and family, in one testudod and from one to another."""
import re

from lib import BIN, Lab, check, run, say

# Lengths of keys in bytes, shortest and longest, as their RFCs (for tcp-md5 and twofish: NetBSD) have them.
CIPHERS = {"des-cbc": (8, 8), "3des-cbc": (24, 24), "blowfish-cbc": (5, 56), "cast128-cbc": (5, 16), "null": (0, 0), "aes-cbc": (16, 32),
           "rijndael-cbc": (16, 24), "aes-ctr": (20, 36), "camellia-cbc": (16, 32), "twofish-cbc": (16, 24),
           "des-deriv": (8, 8), "3des-deriv": (24, 24)}
AEADS = {"aes-gcm-8": (20, 36), "aes-gcm-12": (20, 36), "aes-gcm-16": (20, 36), "aes-gcm": (20, 28), "aes-gmac": (20, 36), "aes-ccm-8": (19, 35),
         "aes-ccm-12": (19, 35), "aes-ccm-16": (19, 35), "chacha20-poly1305": (36, 36)}
MACS = {"hmac-md5": (16, 16), "hmac-sha1": (20, 20), "hmac-sha256": (32, 32), "hmac-sha384": (48, 48), "hmac-sha512": (64, 64),
        "hmac-ripemd160": (20, 20), "aes-xcbc-mac": (16, 16), "aes-cmac": (16, 16), "keyed-md5": (16, 16), "keyed-sha1": (20, 20), "null": (0, 0)}
EXTENSIONS = ["", "-m transport", "-m tunnel -u 7", "-r 4", "-r 255", "-r 8192", "-lh 4000 -ls 3000", "-bh 5000000 -bs 4000000",
              "-u 65535 -lh 100000 -ls 90000 -bh 9 -bs 8", "-f random-pad", "-f zero-pad", "-f nocyclic-seq", "-f esn -r 32"]
ENDS = ["10.1.0.1 10.1.0.2", "fd00::1 fd00::2", "10.1.0.1 10.1.0.3"]


def key(length, seed):
    return "0x" + "".join(f"{(i * 29 + seed * 13 + 3) & 255:02x}" for i in range(length)) if length else ""


def sas():
    for name, lengths in {**CIPHERS, **AEADS}.items():
        for length in sorted(set(lengths)):
            yield "esp", f"-E {name} {key(length, length)}"
    for name, lengths in MACS.items():
        for length in sorted(set(lengths)):
            yield "ah", f"-A {name} {key(length, length + 1)}"
            yield "esp", f"-E 3des-cbc {key(24, 5)} -A {name} {key(length, length + 2)}"
            yield "esp", f"-E null -A {name} {key(length, length + 3)}"
    for extension in EXTENSIONS:
        yield "esp", f"{extension} -E aes-cbc {key(16, 1)} -A hmac-sha256 {key(32, 2)}"
        if "pad" not in extension:
            yield "ah", f"{extension} -A hmac-sha512 {key(64, 2)}"
    for mac in ("keyed-md5", "keyed-sha1", "hmac-sha256"):
        yield "ah-old", f"-A {mac} {key(MACS[mac][0], 9)}"
    for cipher in ("des-cbc", "3des-cbc", "des-32iv"):
        yield "esp-old", f"-E {cipher} {key(24 if '3' in cipher[:1] else 8, 9)}"
    yield "ipcomp", "-C deflate"
    yield "ipcomp", "-C deflate -R"
    yield "ipcomp", "-m tunnel -u 9 -C deflate"
    for length in (1, 16, 80):
        yield "tcp", f"-A tcp-md5 {key(length, 8)}"


def script():
    lines = []
    for number, (proto, rest) in enumerate(sas()):
        ends = ENDS[number % len(ENDS)]
        spi = 0x1000 if proto == "tcp" else 0x1000 + number
        if proto == "tcp":
            ends = f"10.7.0.1 10.7.1.{number % 250}"
        lines.append(f"add {ends} {proto} {spi} {rest};")
    lines.append(f"add 10.1.0.1[4500] 10.1.0.2[12345] esp-udp 0x9001 -E aes-gcm-16 {key(20, 4)};")
    lines.append(f"add 10.1.0.1[4500] 10.1.0.2[4500] esp-udp 0x9002 -m tunnel -esp_frag 552 -E aes-cbc {key(16, 4)} -A hmac-sha1 {key(20, 5)};")
    return "\n".join(lines) + "\n"


def blocks(dump):
    """The SAs of a dump without what time and the dump itself change."""
    out = []
    for line in dump.splitlines():
        if line[0] not in "\t ":  # a blank: a long key goes on
            out.append([])
        if re.match(r"\t(created|diff|last):|\tsadb_seq=", line):
            line = "".join(re.findall(r"\t(?:hard|soft): \d+\(s\)", line))
        out[-1].append(line)
    return ["\n".join(b) for b in out]


def setkey(node, *arguments, text=None):
    done = run("ip", "netns", "exec", node.ns, BIN / "setkey", *arguments, check=False, input=text, env=node.environment())
    check(done.returncode == 0 and not done.stderr, "setkey " + " ".join(arguments) + " ends well", done.stdout[-600:] + done.stderr[-600:])
    return done.stdout


def same(before, after, sentence):
    lost, new = [b for b in before if b not in after], [b for b in after if b not in before]
    check(not lost and not new and len(before) == len(after), sentence,
          f"{len(lost)} lost, {len(new)} new, first:\n" + "\n".join(lost[:2] + ["became"] + new[:2]))
    check(before == after, "in the same order")


def main():
    with Lab() as lab:
        one, two = lab.node("one"), lab.node("two")
        one.start_testudod()
        two.start_testudod()
        text = script()
        say(f"{text.count('add ')} SAs")
        check(setkey(one, "-c", text=text) == "", "all are taken")
        for options in ("-D", "-Dp"):
            dump = setkey(one, options)
            before = blocks(dump)
            check(len(before) == text.count("add "), f"setkey {options} shows every one", len(before))
            setkey(one, "-F")
            check(setkey(one, "-D") == "No SAD entries.\n", "all are flushed")
            setkey(one, "--restore", "-", text=dump)
            same(before, blocks(setkey(one, options)), f"setkey {options} shows the same SAs after they were restored")
        moved = re.sub(r"seq=0x00000000 (replay=\d+ flags=0x00000[0-3])", r"seq=0x00000123 \1", setkey(one, "-D"))  # 4: extended
        setkey(one, "-F")
        setkey(one, "--restore", "-", text=moved)
        same(blocks(moved), blocks(setkey(one, "-D")), "SAs that were in use go on behind their sequence numbers")
        setkey(two, "--restore", "-", text=setkey(one, "-D"))
        same(blocks(setkey(one, "-D")), blocks(setkey(two, "-D")), "another testudod has the same SAs from the dump")
    say("restore: passed")


if __name__ == "__main__":
    main()
