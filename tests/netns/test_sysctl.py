#!/usr/bin/env python3
"""testudo sysctl where a variable is no number: counters and tables, read by name, short in a list, never written."""
import json

from lib import BIN, Lab, check, run, say

SCRIPT = """add 10.1.0.1 10.1.0.2 esp 0x1000 -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
add 10.1.0.2 10.1.0.1 ah 0x1001 -A hmac-sha1 "12345678901234567890";
spdadd 10.1.0.0/24 10.2.0.0/24 udp -P out ipsec esp/tunnel/10.1.0.1-10.1.0.2/require;
"""
COUNTERS = ("net.inet.ipsec.ipsecstats", "net.inet6.ipsec6.stats", "net.inet.ah.ah_stats", "net.inet.esp.esp_stats",
            "net.inet.ipip.ipip_stats", "net.inet.ipcomp.ipcomp_stats", "net.key.stats")
TABLES = ("net.key.dumpsa", "net.key.dumpsp")


def main():
    with Lab() as lab:
        node = lab.node("node")
        node.start_testudod("attach = none\n")
        read = lambda *words: node.testudo("sysctl", *words)
        tell = lambda *words: json.loads(node.testudo("--json", "sysctl", *words))
        program = lambda *words: run(BIN / "testudo", "--run-dir", node.run_dir, "sysctl", *words, check=False)

        say("without SAs and policies")
        check(read("net.key.dumpsa") == "" and read("net.key.dumpsp") == "", "the tables are empty")
        check(read("net.inet.ipsec.used") == "net.inet.ipsec.used = 0\n", "IPsec is not used")
        node.setkey(SCRIPT)
        check(read("net.inet.ipsec.used") == "net.inet.ipsec.used = 1\n", "it is as soon as there is a policy")
        node.setkey("spdflush;")
        check(read("net.inet6.ipsec6.used") == "net.inet6.ipsec6.used = 1\n", "and stays so")
        node.setkey("flush;" + SCRIPT)

        say("a list")
        lines = read("-a").splitlines()
        for name in COUNTERS + TABLES:
            check(sum(line.startswith(name) for line in lines) == 1, f"{name} is one line of it", lines)
        check("net.key.dumpsa: 2 messages" in lines and "net.key.dumpsp: 1 messages" in lines, "which says how much it holds", lines)

        say("counters")
        for name in COUNTERS:
            heading, *rest = read(name).splitlines()
            check(heading == name + ":" and rest and all(": " in line for line in rest), f"{name} by name", rest)
            row = tell(name)["variables"][0]
            check(row["name"] == name and len(row["counters"]) == len(rest), "with --json the same", row)
        check(read("net.inet.esp.stats") == read("net.inet.esp.esp_stats"), "net.inet.esp.stats is a short name")
        check("\tout_type.x_spdadd: 2\n" in read("net.key.stats"), "net.key.stats counts requests by type")

        say("tables")
        text = read("net.key.dumpsa")
        check("spi=4096(0x00001000)" in text and "spi=4097(0x00001001)" in text, "net.key.dumpsa shows the SAs", text)
        check("spi=4096" not in read("net.key.dumpsa.2") and "spi=4097" in read("net.key.dumpsa.2"), "net.key.dumpsa.2 those of AH")
        check("esp/tunnel/10.1.0.1-10.1.0.2/require" in read("net.key.dumpsp"), "net.key.dumpsp shows the policies")
        sas = tell("net.key.dumpsa.3")["messages"]
        check([(sa["spi"], sa["encryption"], sa["state"]) for sa in sas] == [(4096, "aes-cbc", "mature")], "with --json too", sas)
        policy = tell("net.key.dumpsp")["messages"][0]
        check(policy["policy"].startswith("out ipsec esp/tunnel/") and policy["source"]["prefix"] == "10.1.0.0/24", "policies as well", policy)

        say("writing")
        for name in COUNTERS + TABLES:
            refused = program("-w", f"{name}=0")
            check(refused.returncode == 1 and "read-only" in refused.stderr, f"{name} is read-only", refused)
        check(program("net.key.dumpsa.4").returncode == 1, "there is no SA type 4")
        read("-w", "net.key.debug=0x13")
        check(read("net.key.debug") == "net.key.debug = 19\n", "numbers may be hexadecimal")
        read("-w", "net.key.spi_try=-1", "net.inet.ipsec.ecn=7")
        check(read("net.key.spi_try", "net.inet.ipsec.ecn") == "net.key.spi_try = -1\nnet.inet.ipsec.ecn = 7\n", "what NetBSD takes is taken")


if __name__ == "__main__":
    main()
