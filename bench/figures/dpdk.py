"""The engine against DPDK: its ipsec-mb GCM device alone, driven by dpdk-test-crypto-perf in bursts of 32.

What librte_ipsec and an SAD and SPD would add is not in theirs: its own test of that, `DPDK_TEST=ipsec_perf_autotest
dpdk-test`, needs a crypto device, and with 22.11's software ones it ends without a result, with crypto_null and
crypto_aesni_gcm by a segmentation fault (without huge pages).  So theirs is a lower bound of their cycles, and the ratio one of
ours.  Both sides are processor time, of one core: ours of the thread, theirs of the process, where the start is taken off by
a second, shorter run.
"""
import functools
import resource
import shutil

from lab import CannotMeasure, Figure

FEW, MANY = 100_000, 1_100_000


def _packets_a_second(lab, program, size):
    def seconds(packets):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = lab.run(program, "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-l", "0,1", "-m", 1000,
                       "--vdev", "crypto_aesni_gcm", "--", "--devtype", "crypto_aesni_gcm", "--ptest", "throughput",
                       "--optype", "aead", "--aead-algo", "aes-gcm", "--aead-op", "encrypt", "--aead-key-sz", 16,
                       "--aead-iv-sz", 12, "--aead-aad-sz", 8, "--digest-sz", 16, "--burst-sz", 32, "--buffer-sz", size,
                       "--total-ops", packets, "--silent")
        words = said.split()
        if str(packets) not in words:
            raise CannotMeasure("dpdk-test-crypto-perf did not do what it was asked for")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return (MANY - FEW) / (seconds(MANY) - seconds(FEW))


def _measure(lab, _figure, size):
    lab.packages("apt-bench.txt")
    program = lab.peer("DPDK_TEST_CRYPTO_PERF", "dpdk-test-crypto-perf")
    if not shutil.which(program):
        raise CannotMeasure("dpdk-test-crypto-perf is not installed")
    lab.base(f"dpdk-{lab.version('dpdk-dev')}:crypto_aesni_gcm")
    pairs, engine = [], f"encap-gcm-{size}"
    for _ in range(lab.pairs):
        ours, _ = lab.google_pairs("bench_engine", engine, pairs=1)[0]
        pairs.append((ours, _packets_a_second(lab, program, size)))
    return pairs


def _figure(name, size):
    return Figure(name, 1.2, 2, unit="packets/s", base="dpdk-{}:crypto_aesni_gcm",
                  what=f"ESP tunnel, AES-128-GCM, {size} B: engine to DPDK's cipher device, without its IPsec library",
                  measure=functools.partial(_measure, size=size))


FIGURES = [_figure("engine-vs-dpdk", 64), _figure("engine-vs-dpdk-1400", 1400)]
