#pragma once
// Who is logged in, as accounting sees it: a session begins with the first phase 1 of its owner and ends with the last,
// so that a renewed phase 1 is no second one.  Pure: time and numbers come in.
#include <map>
#include <optional>
#include <string>

#include "base/time.h"

namespace testudo::ike {

class Sessions {
 public:
  struct Session {
    std::uint64_t id = 0;  ///< random, so that it is of no session of yesterday
    unsigned slot = 0;     ///< the lowest that was free
    Time since{};
    unsigned users = 1;
  };

  /// Nothing when it is under way already.
  std::optional<Session> begin(const std::string& owner, std::uint64_t id, Time now) {
    if (const auto known = sessions_.find(owner); known != sessions_.end()) {
      ++known->second.users;
      return std::nullopt;
    }
    unsigned slot = 0;
    while (slots_.contains(slot)) ++slot;
    slots_.emplace(slot, owner);
    return sessions_[owner] = Session{id, slot, now};
  }

  /// Nothing while another phase 1 of it lasts.
  std::optional<Session> end(const std::string& owner) {
    const auto known = sessions_.find(owner);
    if (known == sessions_.end() || --known->second.users != 0) return std::nullopt;
    const Session over = known->second;
    slots_.erase(over.slot);
    sessions_.erase(known);
    return over;
  }

 private:
  std::map<std::string, Session> sessions_;
  std::map<unsigned, std::string> slots_;
};

}  // namespace testudo::ike
