#include <optional>
#include <utility>

#include "wire/pfkey/extensions.h"
#include "wire/pfkey/sockaddr.h"

namespace testudo::wire::pfkey {
namespace {

constexpr std::size_t kRequestFixed = 16;

Result<PolicyExt, Malformed> parse_fixed(Reader& in) {
  PolicyExt policy;
  TRY(const auto type, in.host16());
  TRY(const auto direction, in.u8());
  TRY(policy.flags, in.u8());
  TRY(const auto id, in.host32());
  TRY(policy.priority, in.host32());
  policy.type = static_cast<PolicyType>(type);
  policy.direction = static_cast<Direction>(direction);
  policy.id = PolicyId{id};
  return policy;
}

// sadb_x_ipsecrequest: len u16 in bytes | proto u16 | mode u8 | level u8 | reserved u16 | reqid u32 |
// reserved u32 | addresses.
Result<RequestExt, Malformed> parse_request_fixed(Reader& in) {
  RequestExt request;
  TRY(request.protocol, in.host16());
  TRY(const auto mode, in.u8());
  TRY(const auto level, in.u8());
  TRY_DONE(in.skip(2));
  TRY(const auto reqid, in.host32());
  TRY_DONE(in.skip(4));
  request.mode = static_cast<Mode>(mode);
  request.level = static_cast<Level>(level);
  request.reqid = ReqId{reqid};
  return request;
}

Result<RequestExt, ParseError> parse_request(Reader& in) {
  const auto length = in.host16();
  if (!length || *length < kRequestFixed || *length % 8 != 0) return Failure{ParseError::BadPolicy};
  const auto body = in.take(*length - 2U);
  if (!body) return Failure{ParseError::BadPolicy};
  Reader record{*body};
  auto request = parse_request_fixed(record);
  if (!request) return Failure{ParseError::BadPolicy};
  if (record.empty()) return *request;

  // Both sockaddrs stand back to back, without padding between or behind them.
  TRY(request->source, parse_sockaddr(record));
  TRY(request->destination, parse_sockaddr(record));
  const bool same = request->source->address.family() == request->destination->address.family();
  if (!same || !record.empty()) return Failure{ParseError::BadPolicy};
  return *request;
}

void compose_request(const RequestExt& request, Writer& out) {
  const std::size_t start = out.size();
  out.host16(0).host16(request.protocol).u8(static_cast<std::uint8_t>(request.mode));
  out.u8(static_cast<std::uint8_t>(request.level)).zeros(2).host32(request.reqid.value).zeros(4);
  if (request.source && request.destination) {
    compose_sockaddr(*request.source, out);
    compose_sockaddr(*request.destination, out);
    out.zeros((8 - (out.size() - start) % 8) % 8);
  }
  out.patch_host16(start, static_cast<std::uint16_t>(out.size() - start));
}

}  // namespace

Result<PolicyExt, ParseError> parse_policy_body(Reader& body) {
  auto policy = parse_fixed(body);
  if (!policy) return Failure{ParseError::BadExtensionLength};
  while (!body.empty()) {
    TRY(const RequestExt request, parse_request(body));
    policy->requests.push_back(request);
  }
  return *std::move(policy);
}

void compose_policy_body(const PolicyExt& policy, Writer& out) {
  out.host16(static_cast<std::uint16_t>(policy.type)).u8(static_cast<std::uint8_t>(policy.direction));
  out.u8(policy.flags).host32(policy.id.value).host32(policy.priority);
  for (const RequestExt& request : policy.requests) compose_request(request, out);
}

}  // namespace testudo::wire::pfkey
