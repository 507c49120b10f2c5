#include "app/testudod/socket_file.h"

#include <fstream>
#include <map>
#include <sstream>

#include "base/hex.h"
#include "io/replace_file.h"
#include "net/protocol.h"
#include "pfkey/server/policy_message.h"
#include "wire/pfkey/message.h"
#include "wire/socket_request.h"

namespace testudo::app {
namespace {

using pfkey::server::Errno;

std::optional<ByteVector> policy_bytes(const std::string& hex) {
  return hex.size() <= 2 * wire::SocketRequest::kMaxPolicy ? from_hex(hex) : std::nullopt;
}

constexpr unsigned kEncapsulation = net::protocol::kUdp;  // where the others have their family

std::string line_of(unsigned slot, const spd::SocketEncapsulation& udp) {
  return std::to_string(slot) + ' ' + (udp.privileged ? '1' : '0') + ' ' + std::to_string(kEncapsulation) + ' ' +
         to_hex(wire::compose_socket_encapsulation(static_cast<std::uint8_t>(udp.form))) + '\n';
}

std::string line_of(unsigned slot, const spd::SocketPolicy& half) {
  const bool ipv6 = !half.policy.selector.source.address.is_v4();
  return std::to_string(slot) + ' ' + (half.privileged ? '1' : '0') + ' ' + (ipv6 ? '6' : '4') + ' ' +
         to_hex(half.bytes) + '\n';
}

struct Part {
  unsigned family = 0;
  bool privileged = false;
};

/// False for what makes no sense.
bool add_part(spd::SocketSlots::Slot& slot, Bytes bytes, const Part& part, Time now) {
  if (part.family == kEncapsulation) {
    const auto form = wire::socket_encapsulation(bytes);
    if (!form || *form == 0) return false;
    slot.udp = {static_cast<spd::SocketEncapsulation::Form>(*form), part.privileged};
    return true;
  }
  auto half = socket_policy(bytes, {part.family == 6, part.privileged}, now);
  if (!half) return false;
  (half->policy.direction == spd::Direction::In ? slot.in : slot.out) = *std::move(half);
  return true;
}

}  // namespace

Result<spd::SocketPolicy, Errno> socket_policy(Bytes bytes, const SocketOwner& owner, Time now) {
  const auto ext = wire::pfkey::parse_socket_policy(bytes);
  if (!ext) return Failure{Errno::Invalid};
  spd::SocketPolicy made;
  TRY(made.policy, pfkey::server::socket_policy_of(*ext, now));
  if (made.policy.action == spd::Action::Bypass && !owner.privileged) return Failure{Errno::NotPermitted};
  // Everything of its family: which packets are the socket's, its mark says.
  const auto everything = net::Address::any(owner.ipv6 ? net::Family::V6 : net::Family::V4);
  made.policy.selector = {{everything, 0}, {everything, 0}, net::protocol::kAny, 0, 0};
  made.privileged = owner.privileged;
  made.bytes.assign(bytes.begin(), bytes.end());
  return made;
}

Status<io::SystemError> write_sockets(const std::string& path, const spd::SocketSlots& slots) {
  std::string text;
  slots.for_each([&](unsigned number, const spd::SocketSlots::Slot& slot) {
    for (const auto* half : {&slot.in, &slot.out}) {
      if (*half) text += line_of(number, **half);
    }
    if (slot.udp) text += line_of(number, *slot.udp);
  });
  return io::replace_file(path, text, 0600);
}

std::vector<std::pair<unsigned, spd::SocketSlots::Slot>> read_sockets(const std::string& path, Time now) {
  std::map<unsigned, spd::SocketSlots::Slot> slots;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    unsigned number = 0, privileged = 0, family = 0;
    std::string hex;
    if (!(words >> number >> privileged >> family >> hex) || number == 0 || number > spd::SocketSlots::kSlots) continue;
    spd::SocketSlots::Slot slot = slots[number];
    if (const auto bytes = policy_bytes(hex); bytes && add_part(slot, *bytes, {family, privileged == 1}, now))
      slots[number] = std::move(slot);
  }
  std::erase_if(slots, [](const auto& row) { return row.second.empty(); });
  return {slots.begin(), slots.end()};
}

}  // namespace testudo::app
