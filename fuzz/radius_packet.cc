// What anybody may send to the port on which racoon waits for a RADIUS server's answer.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "radius/exchange.h"

namespace radius = testudo::radius;
using testudo::Bytes;
using testudo::ByteVector;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram{data, size};
  const auto packet = testudo::wire::radius::parse(datagram);
  if (!packet) return 0;
  // Attributes are written as they were read.
  testudo::wire::radius::Attributes all;
  bool whole = true;
  for (const auto& each : packet->attributes) whole = all.add(each.type, each.value) && whole;
  const auto code = testudo::wire::radius::Code{packet->code};
  const ByteVector again = testudo::wire::radius::compose(code, packet->id, packet->authenticator, all.bytes());
  if (whole && !std::equal(again.begin(), again.end(), packet->whole.begin(), packet->whole.end())) std::abort();
  // Made genuine, all that it says is looked at.
  const ByteVector secret{1, 2, 3};
  ByteVector request = radius::access_request(packet->id, {}, {}, secret);
  static_cast<void>(radius::message_proof(*packet, {}, secret));
  std::vector<radius::Server> servers;
  servers.push_back({"x", testudo::Secret{secret}, std::move(request)});
  radius::Exchange exchange{std::move(servers), {}, radius::Proof::Optional};
  ByteVector proven(packet->whole.begin(), packet->whole.end());
  const ByteVector authenticator = radius::answer_authenticator(*packet, {}, secret);
  std::copy(authenticator.begin(), authenticator.end(), proven.begin() + 4);
  static_cast<void>(exchange.take(0, proven));
  return 0;
}
