"""The cipher alone, in batches of 64, against the same direct call: bench/crypto_gcm.cc."""
import functools

from lab import Figure


def _measure(lab, figure):
    pairs = lab.google_pairs("bench_crypto_gcm", figure.name)
    lab.base(f"ipsec-mb-{lab.version('libipsec-mb1|libipsec-mb2')}:aes128-gcm-direct")
    return pairs


def _figure(name, goals, what):
    return Figure(name, *goals, unit="packets/s", base="ipsec-mb-{}:aes128-gcm-direct", what=what,
                  measure=functools.partial(_measure))


FIGURES = [
    _figure("seal-gcm-1400", (1.6, 2), "AES-128-GCM, 1400 B, batches of 64: suite to direct call"),
    _figure("open-gcm-1400", (1.6, 2), "the same, opening"),
    _figure("seal-gcm-64", (3, 4), "AES-128-GCM, 64 B, batches of 64: suite to direct call"),
    _figure("open-gcm-64", (3, 4), "the same, opening"),
]
