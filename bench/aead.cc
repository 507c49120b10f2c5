// The cipher alone: a suite's batches against a library's direct call on the same packets, which is what is left of the
// engine's figures when everything around the cipher costs nothing.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "crypto/suite.h"
#include "harness/figure.h"
#include "harness/peer.h"
#include "support/sas.h"

namespace testudo::bench {
namespace {

struct Aead {
  std::string name;  ///< in those of the figures
  Cipher cipher;
  std::unique_ptr<Peer> (*make_peer)(const Cipher&);
};
const Aead kGcm{"gcm", {"aes-gcm-16", "", 20}, make_ipsecmb_gcm};
const Aead kChaCha{"chacha", {"chacha20-poly1305", "", 36}, make_ipsecmb_chacha};

/// Heads, texts and ICVs of a batch, as ESP lays them out.
class Batch {
 public:
  static constexpr std::size_t kPackets = 64, kHead = 16, kIcv = 16;

  explicit Batch(std::size_t text) : text_(text), memory_(kPackets * stride()) {
    for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
    for (std::size_t i = 0; i < kPackets; ++i) {
      const MutableBytes packet = MutableBytes{memory_}.subspan(i * stride(), kHead + text + kIcv);
      crypto::Job job{.aad = packet.first(8), .iv = packet.subspan(8, 8)};
      job.text = packet.subspan(kHead, text);
      job.icv = packet.last(kIcv);
      jobs_.push_back(job);
      works_[i] = {packet.data(), job.text.data(), text};
    }
  }

  std::span<crypto::Job> jobs() { return jobs_; }
  std::span<const Work> works() const { return works_; }
  const ByteVector& memory() const { return memory_; }

 private:
  std::size_t stride() const { return (kHead + text_ + kIcv + 63) / 64 * 64; }

  std::size_t text_;
  ByteVector memory_;
  std::vector<crypto::Job> jobs_;
  std::array<Work, kPackets> works_{};
};

struct Bench {
  Bench(const Aead& aead, std::size_t text) : batch(text), peer(aead.make_peer(aead.cipher)) {
    const Secret key = test::key(aead.cipher.key, 11);
    auto made = crypto::make_suite({.cipher = crypto::cipher_by_name(aead.cipher.name), .cipher_key = key.expose()});
    if (!made) give_up("no " + aead.cipher.name);
    suite = *std::move(made);
    expect_same_seal(text);
  }

  void expect_same_seal(std::size_t text) {
    Batch others{text};
    peer->seal(others.works());
    suite->seal(batch.jobs());
    if (others.memory() != batch.memory()) give_up("the peer does not seal as the suite does");
    suite->open(batch.jobs());
    if (!std::ranges::all_of(batch.jobs(), &crypto::Job::ok)) give_up("open(seal(x)) is refused");
  }

  Batch batch;
  std::unique_ptr<Peer> peer;
  std::unique_ptr<crypto::Suite> suite;
};

constexpr int kBatchesAPass = 16;

void add_seal(const Aead& aead, std::size_t text) {
  const auto bench = std::make_shared<Bench>(aead, text);
  const auto pass = [](auto batch) {
    return Side{[] {},
                [batch] {
                  for (int i = 0; i < kBatchesAPass; ++i) batch();
                }};
  };
  add({.name = "seal-" + aead.name + "-" + std::to_string(text),
       .packets = Batch::kPackets * kBatchesAPass,
       .ours = [=] { return pass([bench] { bench->suite->seal(bench->batch.jobs()); }); },
       .theirs = [=] { return pass([bench] { bench->peer->seal(bench->batch.works()); }); }});
}

/// One batch a pass: what is opened must have been sealed.
void add_open(const Aead& aead, std::size_t text) {
  const auto bench = std::make_shared<Bench>(aead, text);
  const auto seal = [bench] { bench->suite->seal(bench->batch.jobs()); };
  const auto open = [bench] {
    bench->suite->open(bench->batch.jobs());
    if (!bench->batch.jobs().back().ok) give_up("a packet is refused");
  };
  add({.name = "open-" + aead.name + "-" + std::to_string(text),
       .packets = Batch::kPackets,
       .ours =
           [=] {
             return Side{seal, open};
           },
       .theirs =
           [=] {
             return Side{seal, [bench] { bench->peer->open(bench->batch.works()); }};
           }});
}

}  // namespace
}  // namespace testudo::bench

int main(int argc, char** argv) {
  using namespace testudo::bench;
  for (const Aead* aead : {&kGcm, &kChaCha}) {
    for (const std::size_t text : {std::size_t{1400}, std::size_t{64}}) {
      add_seal(*aead, text);
      add_open(*aead, text);
    }
  }
  return run(argc, argv);
}
