#pragma once
// What packets ask of the SPD, twice over: one view that readers in other threads look at, one that the database's
// thread changes.  publish() exchanges them, waits until the readers have left the old one, and makes the same changes
// there.  So a reader sees all policies as they were at one moment, locks nothing and waits for nobody, and the tables
// themselves know nothing of threads.  While there are no readers there is one view.
//
//   changes ──► back ──publish()──► front ◄── readers, each in a batch or out of it
//                 ▲ the same changes, when all have left │
//                 └──────────────────────────────────────┘
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "spd/address_index.h"
#include "spd/flow_index.h"
#include "spd/policy.h"

namespace testudo::spd {

/// The policies of both directions, for looking up.
class View {
 public:
  struct Rule {
    Direction direction = Direction::Out;
    net::Selector selector{};
    std::uint64_t order = 0;  ///< unlike that of any other
    const Policy* policy = nullptr;
  };
  void add(const Rule& rule);
  void remove(const Rule& rule);

  const Policy* lookup(Direction direction, const net::Flow& flow) const { return of(direction).by_flow.lookup(flow); }
  /// Of each of at most kMostFlows flows, side by side.
  static constexpr std::size_t kMostFlows = FlowIndex::kMostFlows;
  void lookup(Direction direction, std::span<const net::Flow> flows, std::span<const Policy*> out) const {
    of(direction).by_flow.lookup(flows, out);
  }
  const Policy* first_for_addresses(Direction direction, const net::Address& source,
                                    const net::Address& destination) const {
    return of(direction).by_addresses.lookup(source, destination);
  }
  std::size_t size() const { return size_; }

 private:
  struct Tables {
    FlowIndex by_flow;
    AddressIndex by_addresses;
  };
  Tables& of(Direction direction) { return tables_[static_cast<std::size_t>(direction)]; }
  const Tables& of(Direction direction) const { return tables_[static_cast<std::size_t>(direction)]; }

  std::array<Tables, 2> tables_;
  std::size_t size_ = 0;
};

/// Where one reader is.  In a cache line of its own, for it is written at every batch.
struct alignas(64) Seat {
  std::atomic<const View*> in{nullptr};
};

class Views {
 public:
  // -- the database's thread --

  const View& latest() const { return *back_; }
  void add(const View::Rule& rule) { change({Change::Kind::Add, rule}); }
  void remove(const View::Rule& rule) { change({Change::Kind::Remove, rule}); }
  bool has_readers() const { return !seats_.empty(); }
  /// What readers may still look at goes when they cannot any more.
  void retire(std::shared_ptr<const void> gone) { retired_.push_back(std::move(gone)); }
  void publish();

  /// A reader comes; the first one needs a view of its own, made of these rules, which are all.
  void seat(Seat& reader, const std::vector<View::Rule>& all);
  void unseat(const Seat& reader);

  // -- any thread --

  /// The view that is published, held until the seat is left.
  const View& enter(Seat& seat) const {
    const View* view = nullptr;
    do {
      view = front_.load();
      seat.in.store(view);
      // Sequentially consistent, here and in publish(): either we see that another one was published, or it sees us.
    } while (front_.load() != view);
    return *view;
  }
  static void leave(Seat& seat) { seat.in.store(nullptr, std::memory_order_release); }

 private:
  struct Change {
    enum class Kind : std::uint8_t { Add, Remove };
    Kind kind = Kind::Add;
    View::Rule rule;
  };
  void change(const Change& change);
  static void make(const Change& change, View& view);

  std::unique_ptr<View> back_ = std::make_unique<View>(), held_;  ///< held_: the one in front
  std::atomic<const View*> front_{nullptr};
  std::vector<Change> unpublished_;
  std::vector<std::shared_ptr<const void>> retired_;
  std::vector<const Seat*> seats_;
};

}  // namespace testudo::spd
