#pragma once
// One end of a tunnel without a network: databases, engine, and an Outbox that only counts, so that what is measured is
// the engine.  Two of them with the same keys are the two ends.  Ends the program when something does not fit: a figure
// of a broken tunnel is no figure.
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "crypto/stretched_random.h"
#include "engine/engine.h"
#include "io/random.h"
#include "support/packets.h"

namespace testudo::bench {

/// The cipher of a tunnel, in setkey's words.
struct Cipher {
  std::string name, mac;
  std::size_t key = 0;  ///< bytes, with the salt
};

/// Prints the complaint and ends the program.
[[noreturn]] void give_up(const std::string& complaint);

class Gateway final : public engine::Outbox, public engine::Host {
 public:
  enum class End : std::uint8_t { Sealing, Opening };

  Gateway(End end, const Cipher& cipher);
  /// Another worker of the same end, with its databases.
  Gateway(const Gateway& first, std::uint8_t worker);

  void seal(std::span<wire::packet::PacketBuffer* const> packets);
  void open(std::span<wire::packet::PacketBuffer* const> packets);

  /// Packets that came out protected (or, of the opening end, opened) so far.
  std::uint64_t passed() const { return passed_; }
  const sad::Sa& sa() const { return *tables_->sa; }
  /// Ends the program unless everything that went in came out.
  void expect_nothing_lost() const;

  void to_wire(engine::PacketBuffer&, bool in_clear) override { passed_ += in_clear ? 0 : 1; }
  void to_host(engine::PacketBuffer&) override { ++passed_; }
  void acquire(const engine::Acquire&) override { give_up("the engine asks for an SA"); }
  bool is_local(const net::Address& address) const override { return address == here_; }
  std::size_t mtu_towards(const net::Address&) const override { return 9000; }
  net::Address source_towards(const net::Address&) const override { return here_; }

 private:
  struct Tables {
    io::KernelRandom random;
    engine::Settings settings;
    sad::Database sad{settings.key, random};
    spd::Database spd;
    const sad::Sa* sa = nullptr;
  };

  net::Address here_;
  io::KernelRandom kernel_random_;
  crypto::StretchedRandom random_{kernel_random_};  // as a worker of testudod has
  std::shared_ptr<Tables> tables_;
  engine::Engine engine_;
  std::uint64_t passed_ = 0;
  Time now_{};
};

}  // namespace testudo::bench
