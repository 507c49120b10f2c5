#pragma once
// How rtnetlink messages are begun and walked; for the files of Netlink only.
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <optional>

#include "net/address.h"

namespace testudo::host {

inline constexpr std::size_t kBuffer = 16384;
inline constexpr std::uint8_t kOurProtocol =
    84;  // rtm_protocol: who made the route; a number that no routing daemon has

struct Buffer {
  alignas(nlmsghdr) std::array<char, kBuffer> bytes;
  char* data() { return bytes.data(); }
  std::size_t size() const { return bytes.size(); }
};

inline std::uint8_t af(net::Family family) {
  return family == net::Family::V4 ? AF_INET : AF_INET6;
}

template <typename Header>
Header* begin(Buffer& buffer, nlmsghdr*& message, int type, int flags) {
  message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = static_cast<std::uint16_t>(type);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  return static_cast<Header*>(mnl_nlmsg_put_extra_header(message, sizeof(Header)));
}

inline std::optional<net::Address> address_of(const nlattr* attribute) {
  const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
  const std::size_t size = mnl_attr_get_payload_len(attribute);
  if (size == 4) return net::Address::v4(std::span<const std::uint8_t, 4>{bytes, 4});
  if (size == 16) return net::Address::v6(std::span<const std::uint8_t, 16>{bytes, 16});
  return std::nullopt;
}

using Visit = std::function<void(const nlattr*)>;

inline void for_each_attribute(const nlmsghdr* message, std::size_t header, const Visit& visit) {
  mnl_attr_parse(
      message, static_cast<unsigned>(header),
      [](const nlattr* a, void* data) {
        (*static_cast<const Visit*>(data))(a);
        return MNL_CB_OK;
      },
      const_cast<Visit*>(&visit));  // libmnl's user pointer has no const
}

/// Runs `call` on each message of an answer.
using Answer = std::function<void(const nlmsghdr*)>;

}  // namespace testudo::host
