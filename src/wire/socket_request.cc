#include "wire/socket_request.h"

#include "wire/writer.h"

namespace testudo::wire {

Result<SocketRequest, Malformed> parse_socket_request(Bytes message) {
  Reader in{message};
  TRY(const auto version, in.u8());
  TRY(const auto what, in.u8());
  TRY(const auto level, in.u8());
  TRY(const auto zero, in.u8());
  if (version != SocketRequest::kVersion) return Failure{Malformed::BadVersion};
  SocketRequest request{static_cast<SocketRequest::What>(what), static_cast<SocketRequest::Level>(level), in.rest()};
  const bool known_what = request.what == SocketRequest::What::Get || request.what == SocketRequest::What::Set;
  const bool known_level = request.level == SocketRequest::Level::Ip || request.level == SocketRequest::Level::Ipv6 ||
                           request.level == SocketRequest::Level::Udp;
  if (!known_what || !known_level || zero != 0) return Failure{Malformed::BadValue};
  if (request.policy.size() > SocketRequest::kMaxPolicy) return Failure{Malformed::BadLength};
  return request;
}

std::optional<std::uint8_t> socket_encapsulation(Bytes value) {
  constexpr std::uint32_t kEspInUdp = 2;
  Reader in{value};
  const auto number = in.host32();
  if (!number || !in.rest().empty() || *number > kEspInUdp) return std::nullopt;
  return static_cast<std::uint8_t>(*number);
}

ByteVector compose_socket_encapsulation(std::uint8_t value) {
  Writer out;
  out.host32(value);
  return out.take();
}

Result<pfkey::Direction, Malformed> socket_policy_direction(Bytes policy) {
  Reader in{policy};
  TRY_DONE(in.skip(6));
  TRY(const auto direction, in.u8());
  return static_cast<pfkey::Direction>(direction);
}

ByteVector compose_socket_reply(std::uint32_t error, Bytes policy) {
  Writer out;
  out.host32(error).raw(policy);
  return out.take();
}

}  // namespace testudo::wire
