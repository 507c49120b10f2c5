"""The cipher alone, in batches of 64, against the same direct call: bench/aead.cc."""
from lab import Figure


def _measure(lab, figure):
    pairs = lab.google_pairs("bench_aead", figure.name)
    lab.base(figure.base.format(lab.version("libipsec-mb1|libipsec-mb2")))
    return pairs


def _figure(name, goals, what, cipher="aes128-gcm"):
    return Figure(name, *goals, unit="packets/s", base=f"ipsec-mb-{{}}:{cipher}-direct", what=what, measure=_measure)


FIGURES = [
    _figure("seal-gcm-1400", (1.6, 2), "AES-128-GCM, 1400 B, batches of 64: suite to direct call"),
    _figure("open-gcm-1400", (1.6, 2), "the same, opening"),
    _figure("seal-gcm-64", (3, 4), "AES-128-GCM, 64 B, batches of 64: suite to direct call"),
    _figure("open-gcm-64", (3, 4), "the same, opening"),
    _figure("seal-chacha-1400", (1.3, 1.6), "ChaCha20-Poly1305, 1400 B, batches of 64: suite to direct call", "chacha20-poly1305"),
    _figure("open-chacha-1400", (1.3, 1.6), "the same, opening", "chacha20-poly1305"),
    _figure("seal-chacha-64", (3, 4), "ChaCha20-Poly1305, 64 B, batches of 64: suite to direct call", "chacha20-poly1305"),
    _figure("open-chacha-64", (3, 4), "the same, opening", "chacha20-poly1305"),
]
