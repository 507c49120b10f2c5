// The block `privsep`: rules.h has its words.
#include <array>

#include "config/racoon/rules.h"

namespace testudo::config {

/// Names or numbers; whoever starts the process looks them up.
void Rules::privsep(Builder& b, const Statement& s) {
  static constexpr auto take = [](Builder& x, const Statement& t, std::string Privsep::*target) {
    const Item* const name = x.value(t);
    if (name == nullptr) return;
    if (name->text.empty()) return x.error(*name, "syntax error", "expected a name");
    x.conf_.privsep.*target = name->text;
  };
  static constexpr std::array kRules{
      Rule{"user", [](Builder& x, const Statement& t) { take(x, t, &Privsep::user); }},
      Rule{"group", [](Builder& x, const Statement& t) { take(x, t, &Privsep::group); }},
      Rule{"chroot", [](Builder& x, const Statement& t) { take(x, t, &Privsep::chroot); }},
  };
  apply(b, s, kRules, "privsep");
}

}  // namespace testudo::config
