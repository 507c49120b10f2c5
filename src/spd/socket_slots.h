#pragma once
// What single sockets ask for: policies (KAME's inpcb policies; the order of precedence is netipsec's), and that ESP in
// what arrives there is the engine's.  Sockets that ask for the same with the same right share a slot; a slot's number
// is what marks their packets, so there are few.
// A slot remembers which sockets it was given to.  Pure; one thread.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "base/bytes.h"
#include "spd/policy.h"

namespace testudo::spd {

/// What one socket wants in one direction.
struct SocketPolicy {
  Policy policy;
  /// Of whoever set it.  KAME: a privileged socket's policy goes before the SPD, an unprivileged one's behind it.
  bool privileged = false;
  ByteVector bytes;  ///< as they were set
};

/// Of a UDP socket to which ESP is sent, in the numbers of setsockopt(2).
struct SocketEncapsulation {
  enum class Form : std::uint8_t { NonIke = 1, Esp = 2 };  ///< of the first drafts; of RFC 3948
  Form form = Form::Esp;
  bool privileged = false;

  friend bool operator==(const SocketEncapsulation&, const SocketEncapsulation&) = default;
};

/// Does a socket's policy decide about a packet for which the SPD has `listed` (null for nothing)?
bool decides(const SocketPolicy& socket, const Policy* listed);

/// Named by the kernel (SO_COOKIE), never used twice while it runs.
using SocketCookie = std::uint64_t;

class SocketSlots {
 public:
  /// 1 to kSlots; 0 stands for a socket that asked for nothing.
  static constexpr unsigned kSlots = 15;
  struct Slot {
    std::optional<SocketPolicy> in = std::nullopt, out = std::nullopt;
    std::optional<SocketEncapsulation> udp = std::nullopt;

    bool empty() const { return !in && !out && !udp; }
    bool unprivileged() const {
      return (in && !in->privileged) || (out && !out->privileged) || (udp && !udp->privileged);
    }
    const std::optional<SocketPolicy>& of(Direction d) const { return d == Direction::In ? in : out; }
  };

  /// Null for a slot that is not in use.
  const Slot* find(unsigned slot) const;
  /// The slot that says the same, or none.
  unsigned same(const Slot& wanted) const;
  /// A slot that is not in use, or none.  Those without privilege get some of them together, so that they cannot take
  /// all that there are.
  static constexpr unsigned kForUnprivileged = 9;
  unsigned vacant(bool privileged) const;

  void put(unsigned slot, Slot content);
  /// What was in it, when something was.
  std::optional<Slot> clear(unsigned slot);

  /// The socket is in this slot from now on, and in no other; 0: in none.
  void hold(SocketCookie socket, unsigned slot);
  void closed(SocketCookie socket) { hold(socket, 0); }
  bool is_held(unsigned slot) const { return holders_[slot] > 0; }
  std::size_t holders() const { return slot_of_.size(); }

  void for_each(const std::function<void(unsigned, const Slot&)>& visit) const;

 private:
  std::array<std::optional<Slot>, kSlots + 1> slots_;
  std::array<std::size_t, kSlots + 1> holders_{};
  std::unordered_map<SocketCookie, unsigned> slot_of_;
};

}  // namespace testudo::spd
