"""The databases at scale, against DPDK's: bench/tables/sad.cc to dpdk-test-sad, bench/tables/spd.cc to dpdk-test-acl.

Both of theirs run without huge pages and devices.  Each measurement of theirs builds its tables anew, ours stay.
"""
import contextlib
import functools
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

from lab import CannotMeasure, Figure

DPDK = ("--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-l", "0")
SAS, LOOKUPS = 1_000_000, 5_000_000
FLOWS = 50_000


def peer(lab, variable, name):
    lab.packages("apt-bench.txt")
    program = lab.peer(variable, name)
    if not shutil.which(program):
        raise CannotMeasure(f"{name} is not installed")
    return program


def number_in(text, pattern):
    found = re.search(pattern, text)
    if not found:
        raise CannotMeasure(f"the peer said: {text.strip().splitlines()[-1] if text.strip() else 'nothing'}")
    return float(found.group(1))


class Table:
    """A program of bench/tables: says something once it is ready, and answers each line with a measurement."""

    def __init__(self, process):
        self.process = process
        self.facts = self._line()

    def measure(self, line=""):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self._line()

    def end(self):
        """What it says when there are no more lines for it."""
        self.process.stdin.close()
        return self._line()

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise CannotMeasure(f"{self.process.args[0]} ended")
        return json.loads(line)


@contextlib.contextmanager
def table(lab, program, *arguments):
    command = [str(a) for a in (lab.program(program), *arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Table(process)
        if not process.stdin.closed:
            process.stdin.close()


def sad(lab, _figure):
    theirs = peer(lab, "DPDK_TEST_SAD", "dpdk-test-sad")
    lab.base(f"dpdk-{lab.version('dpdk-dev')}:test-sad")
    with table(lab, "bench_sad", SAS, LOOKUPS) as ours:
        lab.remark(f"{ours.facts['bytes']} bytes for each SA, all told, before its first packet")
        pairs = []
        for _ in range(lab.pairs):
            rate = ours.measure()["rate"]
            said = lab.run(theirs, *DPDK, "-m", 3000, "--", "-n", SAS, "-l", LOOKUPS, "-b", 32, "-d", "100/0/0")
            pairs.append((rate, number_in(said, r"lookups/sec: ([\d.]+)")))
        lab.remark(f"{ours.end()['used']} bytes for each SA once all were used: with what the cipher makes of its key")
        return pairs


def prefix(draw, lengths):
    length = draw.choices(*zip(*lengths.items()))[0]
    return draw.getrandbits(32) >> (32 - length) << (32 - length) if length else 0, length


def rules(count):
    """After the filters of ClassBench's acl seeds: long prefixes on both sides, some ports, few of either alone."""
    draw = random.Random(count)
    seen = {}
    while len(seen) < count:
        source = prefix(draw, {32: 45, 28: 10, 24: 25, 16: 12, 8: 5, 0: 3})
        destination = prefix(draw, {32: 50, 30: 10, 24: 25, 16: 12, 8: 3})
        protocol = draw.choices((6, 17, 0), (60, 25, 15))[0]
        port = draw.choice((22, 25, 53, 80, 123, 443, 1521, 3306, 8080)) if protocol and draw.random() < 0.6 else 0
        seen[(source, destination, protocol, port)] = None
    return list(seen)


def dotted(address):
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def as_text(rule):
    source, destination, protocol, port = rule
    ports = f"{port} : {port}" if port else "0 : 65535"
    mask = "0xFF" if protocol else "0x00"
    return (f"@{dotted(source[0])}/{source[1]}\t{dotted(destination[0])}/{destination[1]}\t0 : 65535\t{ports}\t"
            f"0x{protocol:02x}/{mask}")


def flow(draw, rule):
    source, destination, protocol, port = rule
    there = [address | draw.getrandbits(32) >> length if length else draw.getrandbits(32)
             for address, length in (source, destination)]
    return f"{there[0]} {there[1]} {draw.randrange(1024, 65536)} {port or draw.randrange(1, 65536)} {protocol or 6}"


def write(folder, count):
    made, draw = rules(count), random.Random(1)
    (folder / "rules").write_text("\n".join(map(as_text, made)) + "\n", encoding="ascii")
    (folder / "trace").write_text("\n".join(flow(draw, draw.choice(made)) for _ in range(FLOWS)) + "\n", encoding="ascii")
    return folder / "rules", folder / "trace"


def spd(lab, _figure, count):
    theirs = peer(lab, "DPDK_TEST_ACL", "dpdk-test-acl")
    lab.base(f"dpdk-{lab.version('dpdk-dev')}:test-acl")
    with tempfile.TemporaryDirectory() as name:
        files = write(pathlib.Path(name), count)
        with table(lab, "bench_spd", *files) as ours:
            pairs = []
            for _ in range(lab.pairs):
                cycles = ours.measure()["cycles"]
                said = lab.run(theirs, *DPDK, "-m", 6000, "--", f"--rulesf={files[0]}", f"--tracef={files[1]}",
                               f"--rulenum={count}", f"--tracenum={FLOWS}", "--tracestep=64", "--iter=8", "--verbose=0")
                pairs.append((cycles, number_in(said, r"([\d.]+) cycles/pkt")))
            return pairs


def spd_changing(lab, _figure):
    with tempfile.TemporaryDirectory() as name:
        with table(lab, "bench_spd", *write(pathlib.Path(name), 100_000)) as ours:
            changing, still = zip(*[(ours.measure(200_000), ours.measure()) for _ in range(lab.pairs)])
            lab.remark(f"changes made a second, at least: {min(m['changes'] for m in changing):.0f}")
            return [(c["nanoseconds"], s["nanoseconds"]) for c, s in zip(changing, still)]


def _spd(name, count):
    return Figure(name, 1.0, 2, unit="cycles", base="dpdk-{}:test-acl", less_is_better=True,
                  what=f"look-up of a flow among {count} policies like ClassBench's: to DPDK's classifier",
                  measure=functools.partial(spd, count=count))


FIGURES = [
    Figure("sad-1m", 1.5, 3, unit="lookups/s", base="dpdk-{}:test-sad",
           what="look-ups of 1,000,000 SAs at random, 32 at a time: to DPDK's SA database", measure=sad),
    _spd("spd-1k", 1_000),
    _spd("spd-10k", 10_000),
    _spd("spd-100k", 100_000),
    Figure("spd-100k-changing", 0.8, 0.95, unit="ns", base="unchanging", less_is_better=True,
           what="look-ups among 100,000 policies, in processor time, while another thread makes 200,000 changes a second: "
                "to without changes",
           measure=spd_changing),
]
