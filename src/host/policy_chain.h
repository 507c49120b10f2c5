#pragma once
// The policies of one direction as a chain of nft, made so that a packet costs no walk over all of them and a change no
// new rendering.  Pure text.
//
// Neighbours in the list that treat packets alike form a run; within a run the order does not matter.  So the selectors
// of one shape (family, prefix lengths, which of protocol and ports count) in one run become a set, and the chain has a
// rule for each set, runs in their order:
//
//   ip saddr & 255.255.0.0 . ip daddr & 255.255.0.0 . meta l4proto @out4 <verdict>
//   elements: 10.1.0.0 . 10.2.0.0 . 6, …
//
// Exact like the list: the first run that has a match decides.  A new policy comes last, so it is an element of the
// last run, or begins another; a removed one is an element less.  Few policies stand as plain rules, for people to
// read, as do selectors that sets cannot hold.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/settings.h"
#include "net/flow.h"

namespace testudo::host {

enum class Treatment : std::uint8_t { Clear, Protect };

struct FilterRule {
  net::Selector selector;
  Treatment treatment = Treatment::Clear;
  std::uint16_t mss = 0;     ///< the largest TCP segment that fits; 0: whatever the ends agree on
  std::uint32_t policy = 0;  ///< its id: by what it is removed

  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

/// One policy that came, went, or was replaced by one with the same selector.
struct FilterChange {
  enum class Kind : std::uint8_t { Appended, Replaced, Removed } kind = Kind::Appended;
  FilterRule rule;  ///< of one that went: its id alone
};

/// Up to this many policies stand as plain rules.
inline constexpr std::size_t kPlainPolicies = 64;

class PolicyChain {
 public:
  struct Place {
    std::string table, chain;
    std::string sets;  ///< how the names of its sets begin
  };
  /// What stands behind the match of a rule, and whether packets match that nft cannot tell apart.
  struct Verdict {
    enum class Generous : std::uint8_t { Never, WithProtocol, Always };
    std::string text;
    Generous generous = Generous::Never;
  };

  PolicyChain(Place place, Verdict clear, Verdict protect);
  ~PolicyChain();
  PolicyChain(PolicyChain&&) noexcept;
  PolicyChain& operator=(PolicyChain&&) noexcept;

  /// Commands that make the chain say `rules`; none when it does.
  std::string replace(const std::vector<FilterRule>& rules);
  /// Commands for some changes, in their order, appended to `commands`.  False when it needs the whole list: replace()
  /// goes on from where `commands` then lead.
  bool follow(const std::vector<FilterChange>& changes, std::string& commands);

  bool holds(std::uint32_t policy) const;
  bool in_sets() const;
  bool protects(net::Family family) const;
  /// True when a policy of this family names more than addresses: what not every packet shows.
  bool looks_inside(net::Family family) const;
  std::size_t rules() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "add rule inet TABLE CHAIN …" for each, from the given one on.
std::string chain_rules(const std::string& table, const std::string& chain, const std::vector<std::string>& rules,
                        std::size_t from = 0);
/// Commands that turn one list of rules into another: appended when only that is needed.
std::string replace_or_append(const std::string& table, const std::string& chain,
                              const std::vector<std::string>& before, const std::vector<std::string>& after);

}  // namespace testudo::host
