// ipsec_set_policy(3): the policy language of pfkey/policy behind KAME's C interface.
#include <net/if.h>
#include <netipsec/ipsec.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "error.h"
#include "pfkey/policy/policy_text.h"

namespace {

using namespace testudo;
using pfkey::IpsecError;

constexpr std::size_t kWord = 8;  // what sadb_x_policy_len counts

/// The bytes of a policy; none for what says no length.
Bytes bytes_of(const void* policy) {
  sadb_x_policy head{};
  if (policy == nullptr) return {};
  std::memcpy(&head, policy, sizeof head);
  if (head.sadb_x_policy_exttype != SADB_X_EXT_POLICY || head.sadb_x_policy_len < sizeof head / kWord) return {};
  return {static_cast<const std::uint8_t*>(policy), head.sadb_x_policy_len * kWord};
}

/// A copy that free() takes.
template <typename T>
T* handed_out(const void* from, std::size_t size) {
  void* copy = std::malloc(size);  // NOLINT: of the C interface
  if (copy == nullptr) {
    libipsec::set_error(IpsecError::NoBuffers);
    return nullptr;
  }
  std::memcpy(copy, from, size);
  libipsec::set_error(IpsecError::None);
  return static_cast<T*>(copy);
}

char* dump(const void* blob, const char* delimiter, pfkey::PolicyPorts ports) {
  const Bytes bytes = bytes_of(blob);
  const auto policy = wire::pfkey::parse_policy(bytes);
  if (bytes.empty() || !policy) {
    libipsec::set_error(IpsecError::InvalidPolicy);
    return nullptr;
  }
  const auto text = pfkey::print_policy_text(*policy, delimiter == nullptr ? " " : delimiter, ports);
  if (!text) {
    libipsec::set_error(text.error());
    return nullptr;
  }
  return handed_out<char>(text->c_str(), text->size() + 1);
}

/// "fe80::1%eth0"
std::optional<net::Address> scoped(const std::string& text) {
  const auto percent = text.find('%');
  const auto address = net::Address::parse(text.substr(0, percent));
  const unsigned link = percent == text.npos ? 0 : ::if_nametoindex(text.c_str() + percent + 1);
  if (!address || address->is_v4() || link == 0) return std::nullopt;
  return net::Address::v6(address->bytes().first<16>(), link);
}

}  // namespace

ipsec_policy_t ipsec_set_policy(const char* text, int /* length */) {
  if (text == nullptr) {
    libipsec::set_error(IpsecError::InvalidArgument);
    return nullptr;
  }
  const auto policy = pfkey::parse_policy_text(text, scoped);
  if (!policy) {
    const auto& error = policy.error();
    std::fprintf(stderr, "libipsec: %s while parsing \"%s\"\n", pfkey::ipsec_error_text(error.code).data(),
                 error.token.c_str());
    libipsec::set_error(error.code);
    return nullptr;
  }
  const ByteVector bytes = wire::pfkey::compose_policy(*policy);
  if (bytes.empty()) {
    libipsec::set_error(IpsecError::InvalidPolicy);
    return nullptr;
  }
  return handed_out<char>(bytes.data(), bytes.size());
}

int ipsec_get_policylen(ipsec_policy_t policy) {
  const Bytes bytes = bytes_of(policy);
  libipsec::set_error(bytes.empty() ? IpsecError::InvalidPolicy : IpsecError::None);
  return bytes.empty() ? -1 : static_cast<int>(bytes.size());
}

char* ipsec_dump_policy(ipsec_policy_t policy, const char* delimiter) {
  return dump(policy, delimiter, pfkey::PolicyPorts::Hidden);
}

char* ipsec_dump_policy_withports(void* policy, const char* delimiter) {
  return dump(policy, delimiter, pfkey::PolicyPorts::Shown);
}
