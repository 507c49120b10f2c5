"""The whole engine against the cipher that it calls: bench/engine.cc, bench/workers.cc."""
import functools
import json
import statistics

from lab import Figure


def _measure(lab, figure, package, peer):
    pairs = lab.google_pairs("bench_engine", figure.name)
    lab.base(peer.format(lab.version(package)))
    return pairs


def _workers(lab, _figure):
    sides = json.loads(lab.run(lab.program("bench_workers"), f"--pairs={lab.pairs}"))
    busy = [ours / theirs for ours, theirs in zip(sides["ours_busy"], sides["theirs_busy"])]
    lab.remark(f"by processor time, whatever else ran: {statistics.median(busy):.2f}, {min(busy):.2f} to {max(busy):.2f}")
    return list(zip(sides["ours"], sides["theirs"]))


def _figure(name, goals, against, what):
    package, peer = against
    return Figure(name, *goals, unit="packets/s", base=peer, what=what,
                  measure=functools.partial(_measure, package=package, peer=peer))


_GCM = ("libipsec-mb1|libipsec-mb2", "ipsec-mb-{}:aes128-gcm-direct")
_JOBS = ("libipsec-mb1|libipsec-mb2", "ipsec-mb-{}:aes128-cbc+hmac-sha256-jobs")
_EVP = ("libssl3|libssl3t64", "openssl-{}:evp-aes128-gcm")

FIGURES = [
    _figure("encap-gcm-1400", (0.90, 1.6), _GCM, "ESP tunnel, AES-128-GCM, 1400 B, one SA: engine to direct call"),
    _figure("decap-gcm-1400", (0.90, 1.6), _GCM, "the same, opening"),
    _figure("encap-gcm-64", (0.75, 3.0), _GCM, "ESP tunnel, AES-128-GCM, 64 B, one SA: engine to direct call"),
    _figure("decap-gcm-64", (0.75, 3.0), _GCM, "the same, opening"),
    _figure("encap-cbc-sha256-1400", (0.85, 1.1), _JOBS, "AES-128-CBC and HMAC-SHA-256, 1400 B: engine to job API"),
    _figure("encap-vs-evp-1400", (4, 6), _EVP, "ESP tunnel, AES-128-GCM, 1400 B: engine to OpenSSL's cipher"),
    Figure("workers-2", 1.85, 1.97, unit="packets/s", base="one-worker", measure=_workers,
           what="ESP tunnel, AES-128-GCM, 1400 B, one SA: two engines in two threads to one; needs two idle cores"),
]
