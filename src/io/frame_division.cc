#include "io/frame_division.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/protocol.h"

namespace testudo::io {
namespace {

/// Ends of jumps that are not written yet.
enum class Place : std::uint8_t { Spi, AhSpi, Cpi, Udp, Encapsulated, Ports, Addresses };
constexpr std::size_t kPlaces = 7;

// The golden ratio's (Knuth): bits of all words reach the upper half.
constexpr std::uint32_t kSpread = 0x9e3779b1;

struct Layout {
  std::uint32_t protocol = 0;                ///< where its number stands
  std::span<const std::uint32_t> addresses;  ///< words that tell hosts apart
};
constexpr std::array<std::uint32_t, 2> kV4Words{12, 16};
constexpr std::array<std::uint32_t, 4> kV6Words{16, 20, 32, 36};
constexpr Layout kV4{9, kV4Words}, kV6{6, kV6Words};

class Program {
 public:
  Program(net::Family family, const Layout& layout) : v4_(family == net::Family::V4), layout_(layout) {}

  void add(unsigned code, std::uint32_t k) { text_.push_back({static_cast<std::uint16_t>(code), 0, 0, k}); }
  void go_if(unsigned test, std::uint32_t value, Place place) {
    jumps_.emplace_back(text_.size(), place);
    add(BPF_JMP | test | BPF_K, value);
  }
  void stand(Place place) { places_.at(static_cast<std::size_t>(place)) = text_.size(); }

  /// Behind the IP header from here on.
  void enter() {
    // NOLINTNEXTLINE(misc-redundant-expression): names of bits, some of which are 0
    add(v4_ ? BPF_LDX | BPF_B | BPF_MSH : BPF_LDX | BPF_W | BPF_IMM, v4_ ? 0 : 40);
  }
  void give(unsigned size, std::uint32_t at) {
    enter();
    add(BPF_LD | size | BPF_IND, at);
    add(BPF_RET | BPF_A, 0);
  }
  /// Of what stands in A and of the addresses.
  void give_hash() {
    for (const std::uint32_t at : layout_.addresses) {
      add(BPF_MISC | BPF_TAX, 0);
      add(BPF_LD | BPF_W | BPF_ABS, at);
      add(BPF_ALU | BPF_XOR | BPF_X, 0);
      add(BPF_ALU | BPF_MUL | BPF_K, kSpread);
    }
    add(BPF_ALU | BPF_RSH | BPF_K, 16);
    add(BPF_RET | BPF_A, 0);
  }

  std::vector<sock_filter> finish() {
    for (const auto& [at, place] : jumps_) {
      text_[at].jt = static_cast<std::uint8_t>(places_.at(static_cast<std::size_t>(place)) - at - 1);
    }
    return std::move(text_);
  }

 private:
  bool v4_;
  Layout layout_;
  std::vector<sock_filter> text_;
  std::vector<std::pair<std::size_t, Place>> jumps_;
  std::array<std::size_t, kPlaces> places_{};
};

// Jumps reach 255 instructions; further ports are divided as any others.
constexpr std::size_t kMostPorts = 64;

}  // namespace

std::vector<sock_filter> divide_frames(net::Family family, std::span<const std::uint16_t> encapsulation_ports) {
  const bool v4 = family == net::Family::V4;
  const Layout& layout = v4 ? kV4 : kV6;
  constexpr std::uint32_t kFragment = 0x3fff;  // more of them, or an offset
  Program program{family, layout};
  if (v4) {
    program.add(BPF_LD | BPF_H | BPF_ABS, 6);
    program.go_if(BPF_JSET, kFragment, Place::Addresses);
  }
  program.add(BPF_LD | BPF_B | BPF_ABS, layout.protocol);
  program.go_if(BPF_JEQ, net::protocol::kEsp, Place::Spi);
  program.go_if(BPF_JEQ, net::protocol::kAh, Place::AhSpi);
  program.go_if(BPF_JEQ, net::protocol::kIpcomp, Place::Cpi);
  program.go_if(BPF_JEQ, net::protocol::kUdp, Place::Udp);
  program.go_if(BPF_JEQ, net::protocol::kTcp, Place::Ports);

  program.stand(Place::Addresses);
  program.add(BPF_LD | BPF_W | BPF_IMM, 0);
  program.give_hash();

  program.stand(Place::Udp);
  program.enter();
  program.add(BPF_LD | BPF_H | BPF_IND, 2);
  for (const std::uint16_t port : encapsulation_ports.first(std::min(encapsulation_ports.size(), kMostPorts))) {
    program.go_if(BPF_JEQ, port, Place::Encapsulated);
  }
  program.stand(Place::Ports);
  program.enter();
  program.add(BPF_LD | BPF_W | BPF_IND, 0);
  program.give_hash();

  program.stand(Place::Spi);
  program.give(BPF_W, 0);
  program.stand(Place::AhSpi);
  program.give(BPF_W, 4);
  program.stand(Place::Cpi);
  program.give(BPF_H, 2);
  program.stand(Place::Encapsulated);
  program.give(BPF_W, 8);
  return program.finish();
}

}  // namespace testudo::io
