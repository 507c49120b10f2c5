#pragma once
// The addresses that a server lends to its clients: network4 and those behind it, `pool_size` in all, and those that
// whoever judges logins gives to a user (conf_source), wherever they are.  Who has one gets the same again as long as
// it is in use, so that a renewed phase 1 changes nothing; it is free when its last user has given it back.  Pure.
#include <algorithm>
#include <map>
#include <optional>
#include <string>

namespace testudo::ike {

class AddressPool {
 public:
  /// Its place in the pool; nothing when all are lent.  `owner` is whoever may share it.
  std::optional<unsigned> take(const std::string& owner, unsigned size) {
    unsigned free = 0;
    for (auto& [place, loan] : loans_) {
      if (loan.owner == owner) return ++loan.users, place;
      if (place == free) ++free;  // the map is in order: the first gap stays
    }
    if (free >= size) return std::nullopt;
    loans_[free] = {owner, 1};
    return free;
  }
  /// This place, also one behind the pool; false when another owner has it.
  bool claim(const std::string& owner, unsigned place) {
    const auto [loan, fresh] = loans_.try_emplace(place, Loan{owner, 0});
    if (!fresh && loan->second.owner != owner) return false;
    ++loan->second.users;
    return true;
  }
  /// True when nobody has it any more.
  bool give_back(unsigned place) {
    const auto loan = loans_.find(place);
    if (loan == loans_.end() || --loan->second.users != 0) return false;
    loans_.erase(loan);
    return true;
  }
  std::size_t lent() const { return loans_.size(); }

 private:
  struct Loan {
    std::string owner;
    unsigned users = 0;
  };
  std::map<unsigned, Loan> loans_;
};

}  // namespace testudo::ike
