#include "app/testudod/socket_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "io/fd.h"
#include "pfkey/server/policy_message.h"
#include "wire/pfkey/message.h"
#include "wire/socket_request.h"

namespace testudo::app {
namespace {

using pfkey::server::Errno;

std::optional<ByteVector> bytes_of(const std::string& hex) {
  ByteVector bytes;
  if (hex.size() % 2 != 0 || hex.size() > 2 * wire::SocketRequest::kMaxPolicy) return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
    bytes.push_back(static_cast<std::uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  }
  return bytes;
}

std::string line_of(unsigned slot, const spd::SocketPolicy& half) {
  const bool ipv6 = !half.policy.selector.source.address.is_v4();
  return std::to_string(slot) + ' ' + (half.privileged ? '1' : '0') + ' ' + (ipv6 ? '6' : '4') + ' ' +
         hex_of(half.bytes) + '\n';
}

}  // namespace

Result<spd::SocketPolicy, Errno> socket_policy(Bytes bytes, const SocketOwner& owner, Time now) {
  const auto ext = wire::pfkey::parse_policy(bytes);
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
  });
  const std::string temporary = path + ".new";
  const io::Fd file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) return io::last_error("open " + temporary);
  const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written) return io::last_error("write " + temporary);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return io::last_error("rename " + temporary);
  return Done{};
}

std::vector<std::pair<unsigned, spd::SocketSlots::Slot>> read_sockets(const std::string& path, Time now) {
  std::vector<std::pair<unsigned, spd::SocketSlots::Slot>> slots;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    unsigned number = 0, privileged = 0, family = 0;
    std::string hex;
    if (!(words >> number >> privileged >> family >> hex) || number == 0 || number > spd::SocketSlots::kSlots) continue;
    const auto bytes = bytes_of(hex);
    auto half = bytes ? socket_policy(*bytes, {family == 6, privileged == 1}, now) : Failure{Errno::Invalid};
    if (!half) continue;
    if (slots.empty() || slots.back().first != number) slots.emplace_back(number, spd::SocketSlots::Slot{});
    auto& slot = slots.back().second;
    (half->policy.direction == spd::Direction::In ? slot.in : slot.out) = *std::move(half);
  }
  return slots;
}

std::string hex_of(Bytes bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace testudo::app
