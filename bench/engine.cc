// The whole engine against the cipher alone: parse, flow, SPD, SAD, sequence or replay window, headers, cipher, verdict
// on our side, and on the other a library's direct call on the same bytes of the same buffers.
//
//   bench_engine                                         all of it, as Google Benchmark prints it
//   bench_engine --pairs=9 --figure=encap-gcm-1400       what bench/run asks for
#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "harness/figure.h"
#include "harness/gateway.h"
#include "harness/peer.h"
#include "harness/pool.h"

namespace testudo::bench {
namespace {

const Cipher kGcm{"aes-gcm-16", "", 20};
const Cipher kCbcSha256{"aes-cbc", "hmac-sha256", 16};

using MakePeer = std::unique_ptr<Peer> (*)(const Cipher&);

/// What both sides of one figure share: the packets, and somebody who makes sealed ones.
struct Bench {
  Bench(const Cipher& c, std::size_t bytes) : cipher(c), size(bytes), pool(bytes) {}

  Cipher cipher;
  std::size_t size;
  Pool pool;
  Gateway sealing{Gateway::End::Sealing, cipher}, opening{Gateway::End::Opening, cipher};

  void seal_all() {
    pool.renew_headers();
    sealing.seal(pool.packets());
  }
};

/// What the opening end makes of what the sealing end made must be what went in.
void expect_round_trip(Bench& bench) {
  bench.pool.fill();
  bench.sealing.seal(bench.pool.packets());
  bench.sealing.expect_nothing_lost();
  bench.opening.open(bench.pool.packets());
  bench.opening.expect_nothing_lost();
  for (const PacketBuffer* packet : bench.pool.packets()) {
    if (!std::ranges::equal(std::as_const(*packet).bytes(), bench.pool.original())) give_up("decap(encap(x)) != x");
  }
}

/// The peer must make of a packet what the engine makes of it.
void expect_same_seal(Bench& bench, Peer& peer) {
  bench.pool.fill();
  bench.sealing.seal(bench.pool.packets());
  PacketBuffer& packet = *bench.pool.packets().front();
  const ByteVector engines{packet.bytes().begin(), packet.bytes().end()};
  const Work work = peer.shape.sealed(packet);
  std::ranges::copy(bench.pool.original(), work.text);
  const std::size_t pad = work.length - 2 - bench.size;
  for (std::size_t i = 0; i < pad; ++i) work.text[bench.size + i] = static_cast<std::uint8_t>(i + 1);
  work.text[work.length - 2] = static_cast<std::uint8_t>(pad);
  work.text[work.length - 1] = 4;
  peer.seal({&work, 1});
  if (!std::ranges::equal(packet.bytes(), engines)) give_up("the peer does not make the packet that the engine makes");
}

Side engine_seals(const std::shared_ptr<Bench>& bench) {
  expect_round_trip(*bench);
  return {[bench] { bench->pool.renew_headers(); },
          [bench] {
            bench->sealing.seal(bench->pool.packets());
            bench->sealing.expect_nothing_lost();
          }};
}

Side engine_opens(const std::shared_ptr<Bench>& bench) {
  expect_round_trip(*bench);
  return {[bench] { bench->seal_all(); },
          [bench] {
            bench->opening.open(bench->pool.packets());
            bench->opening.expect_nothing_lost();
          }};
}

/// Gives the peer its work in the engine's batches.
template <typename Call>
void in_batches(Pool& pool, Call call) {
  std::array<Work, 64> works;
  auto packets = pool.packets();
  while (!packets.empty()) {
    const std::size_t n = std::min(works.size(), packets.size());
    call(packets.first(n), std::span{works}.first(n));
    packets = packets.subspan(n);
  }
}

Side peer_seals(const std::shared_ptr<Bench>& bench, MakePeer make) {
  const std::shared_ptr<Peer> peer = make(bench->cipher);
  expect_same_seal(*bench, *peer);
  return {[bench] { bench->pool.renew_headers(); },
          [bench, peer] {
            in_batches(bench->pool, [&](auto packets, std::span<Work> works) {
              for (std::size_t i = 0; i < packets.size(); ++i) {
                works[i] = peer->shape.before_seal(*packets[i], bench->size);
              }
              peer->seal(works);
            });
          }};
}

Side peer_opens(const std::shared_ptr<Bench>& bench, MakePeer make) {
  const std::shared_ptr<Peer> peer = make(bench->cipher);
  expect_same_seal(*bench, *peer);
  return {[bench] { bench->seal_all(); },
          [bench, peer] {
            in_batches(bench->pool, [&](auto packets, std::span<Work> works) {
              for (std::size_t i = 0; i < packets.size(); ++i) works[i] = peer->shape.sealed(*packets[i]);
              peer->open(works);
            });
          }};
}

struct Subject {
  Cipher cipher;
  std::size_t size;
  MakePeer peer;
};

/// The Bench of both sides of a figure, made when the first of them runs.
std::function<std::shared_ptr<Bench>()> shared_by_both(const Subject& subject) {
  const auto bench = std::make_shared<std::shared_ptr<Bench>>();
  return [bench, subject] {
    if (!*bench) *bench = std::make_shared<Bench>(subject.cipher, subject.size);
    return *bench;
  };
}

void add_encap(const std::string& name, const Subject& subject) {
  const auto bench = shared_by_both(subject);
  add({.name = name,
       .packets = Pool::count_of(subject.size),
       .ours = [bench] { return engine_seals(bench()); },
       .theirs = [bench, subject] { return peer_seals(bench(), subject.peer); }});
}

void add_decap(const std::string& name, const Subject& subject) {
  const auto bench = shared_by_both(subject);
  add({.name = name,
       .packets = Pool::count_of(subject.size),
       .ours = [bench] { return engine_opens(bench()); },
       .theirs = [bench, subject] { return peer_opens(bench(), subject.peer); }});
}

void add_figures() {
  add_encap("encap-gcm-1400", {kGcm, 1400, make_ipsecmb_gcm});
  add_decap("decap-gcm-1400", {kGcm, 1400, make_ipsecmb_gcm});
  add_encap("encap-gcm-64", {kGcm, 64, make_ipsecmb_gcm});
  add_decap("decap-gcm-64", {kGcm, 64, make_ipsecmb_gcm});
  add_encap("encap-cbc-sha256-1400", {kCbcSha256, 1400, make_ipsecmb_cbc_sha256});
  add_encap("encap-vs-evp-1400", {kGcm, 1400, make_evp_gcm});
  // For bench/plot.
  for (const std::size_t size : std::initializer_list<std::size_t>{64, 128, 192, 256, 384, 512, 768, 1024, 1400}) {
    add_encap("sweep-ipsec-mb-" + std::to_string(size), {kGcm, size, make_ipsecmb_gcm});
    add_encap("sweep-openssl-" + std::to_string(size), {kGcm, size, make_evp_gcm});
  }
}

}  // namespace
}  // namespace testudo::bench

int main(int argc, char** argv) {
  testudo::bench::add_figures();
  return testudo::bench::run(argc, argv);
}
