#include "io/privileges.h"

#include <cap-ng.h>
#include <sys/prctl.h>

namespace testudo::io {
namespace {

unsigned number_of(Capability capability) {
  switch (capability) {
    case Capability::NetAdmin:
      return CAP_NET_ADMIN;
    case Capability::NetRaw:
      return CAP_NET_RAW;
    case Capability::NetBindService:
      return CAP_NET_BIND_SERVICE;
    case Capability::Kill:
      return CAP_KILL;
  }
  return CAP_LAST_CAP;
}

}  // namespace

std::string_view name_of(Capability capability) {
  switch (capability) {
    case Capability::NetAdmin:
      return "CAP_NET_ADMIN";
    case Capability::NetRaw:
      return "CAP_NET_RAW";
    case Capability::NetBindService:
      return "CAP_NET_BIND_SERVICE";
    case Capability::Kill:
      return "CAP_KILL";
  }
  return "";
}

bool has(Capability capability) {
  capng_get_caps_process();
  return capng_have_capability(CAPNG_EFFECTIVE, number_of(capability)) != 0;
}

Status<SystemError> keep_only(std::initializer_list<Capability> kept, std::initializer_list<Capability> own) {
  capng_get_caps_process();
  // Only CAP_SETPCAP can shrink the bounding set; without it no_new_privs below closes the same door.
  const bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  capng_clear(CAPNG_SELECT_BOTH);
  // In the bounding set too: programs that this one starts have what it has.
  constexpr auto kSets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET);
  constexpr auto kOwnSets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
  for (const Capability capability : kept) capng_update(CAPNG_ADD, kSets, number_of(capability));
  for (const Capability capability : own) capng_update(CAPNG_ADD, kOwnSets, number_of(capability));
  if (capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0) {
    return Failure{SystemError{"cannot drop capabilities", 0}};
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return last_error("no_new_privs");
  return Done{};
}

}  // namespace testudo::io
