#include "io/wire_filter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "io/bpf.h"
#include "net/protocol.h"

namespace testudo::io {
namespace {

constexpr std::uint32_t kMaxAddresses = 4096;
constexpr std::int16_t kEthernet = 14, kIpv4 = 20, kIpv6 = 40, kUdp = 8, kMarker = 4;
constexpr std::int16_t kContextEnd = 4, kContextQueue = 16;  // struct xdp_md

// Registers that calls leave alone.
constexpr std::uint8_t kContext = BPF_REG_6, kFrame = BPF_REG_7, kEnd = BPF_REG_8, kProtocol = BPF_REG_9;
constexpr std::uint8_t kResult = BPF_REG_0, kFirst = BPF_REG_1, kSecond = BPF_REG_2, kThird = BPF_REG_3,
                       kStack = BPF_REG_10;
constexpr std::int16_t kKey = -16;  // of a look-up, on the stack

using Key = std::array<std::uint8_t, 16>;

/// IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
Key key_of(const net::Address& address) {
  Key key{};
  const Bytes bytes = address.bytes();
  if (address.is_v4()) key[10] = key[11] = 0xff;
  std::ranges::copy(bytes, key.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  return key;
}

template <typename T>
std::uint32_t as_loaded(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

class Text {
 public:
  Text(const MacAddress& own, std::span<const std::uint16_t> ports, int addresses, int sockets)
      : own_(own), ports_(ports), addresses_(addresses), sockets_(sockets) {}

  std::vector<bpf_insn> write() {
    const auto v6 = w_.label();
    begin(v6);
    ipv4();
    w_.put(v6);
    ipv6();
    ends();
    return w_.finish();
  }

 private:
  void need(std::int32_t length) {
    w_.move(kSecond, kFrame);
    w_.add(kSecond, length);
    w_.jump_if_beyond(kSecond, kEnd, pass_);
  }

  void begin(BpfWriter::Label v6) {
    w_.move(kContext, kFirst);
    w_.load(BPF_W, kFrame, kFirst, 0);
    w_.load(BPF_W, kEnd, kFirst, kContextEnd);
    need(kEthernet);
    w_.load(BPF_W, kSecond, kFrame, 0);
    w_.jump_if_not_equal(kSecond, as_loaded<std::uint32_t>(own_.data()), pass_);
    w_.load(BPF_H, kSecond, kFrame, 4);
    w_.jump_if_not_equal(kSecond, as_loaded<std::uint16_t>(own_.data() + 4), pass_);
    w_.load(BPF_H, kSecond, kFrame, 12);
    w_.jump_if_equal(kSecond, htons(0x86dd), v6);
    w_.jump_if_not_equal(kSecond, htons(0x0800), pass_);
  }

  void ipv4() {
    need(kEthernet + kIpv4);
    version(4);
    w_.load(BPF_B, kThird, kFrame, kEthernet + 16);
    w_.jump_if_greater(kThird, 223, pass_);
    w_.jump_if_equal(kThird, 127, pass_);
    w_.jump_if_equal(kThird, 0, pass_);
    w_.set(kThird, 0);
    w_.store(BPF_W, kStack, kKey, kThird);
    w_.store(BPF_W, kStack, kKey + 4, kThird);
    w_.set(kThird, static_cast<std::int32_t>(htonl(0xffff)));
    w_.store(BPF_W, kStack, kKey + 8, kThird);
    w_.load(BPF_W, kThird, kFrame, kEthernet + 16);
    w_.store(BPF_W, kStack, kKey + 12, kThird);
    w_.load(BPF_B, kProtocol, kFrame, kEthernet + 9);
    look_up();
    w_.load(BPF_H, kSecond, kFrame, kEthernet + 6);
    w_.bit_and(kSecond, htons(0x3fff));  // more fragments, and the offset
    w_.jump_if_not_equal(kSecond, 0, pass_);
    protocols();
    w_.load(BPF_B, kSecond, kFrame, kEthernet);
    w_.bit_and(kSecond, 15);
    w_.jump_if_not_equal(kSecond, kIpv4 / 4, pass_);
    udp(kEthernet + kIpv4);
  }

  void ipv6() {
    need(kEthernet + kIpv6);
    version(6);
    w_.load(BPF_B, kThird, kFrame, kEthernet + 24);
    w_.jump_if_equal(kThird, 0xff, pass_);
    for (const std::int16_t address : {std::int16_t{24}, std::int16_t{8}}) {  // destination; source: never forwarded
      w_.load(BPF_H, kThird, kFrame, static_cast<std::int16_t>(kEthernet + address));
      w_.bit_and(kThird, htons(0xffc0));
      w_.jump_if_equal(kThird, htons(0xfe80), pass_);
    }
    for (std::int16_t i = 0; i < 16; i = static_cast<std::int16_t>(i + 4)) {
      w_.load(BPF_W, kThird, kFrame, static_cast<std::int16_t>(kEthernet + 24 + i));
      w_.store(BPF_W, kStack, static_cast<std::int16_t>(kKey + i), kThird);
    }
    w_.load(BPF_B, kProtocol, kFrame, kEthernet + 6);
    look_up();
    protocols();
    udp(kEthernet + kIpv6);
  }

  void version(std::uint32_t number) {
    w_.load(BPF_B, kThird, kFrame, kEthernet);
    w_.shift_right(kThird, 4);
    w_.jump_if_not_equal(kThird, number, pass_);
  }

  void look_up() {
    w_.set_map(kFirst, addresses_);
    w_.move(kSecond, kStack);
    w_.add(kSecond, kKey);
    w_.call(BPF_FUNC_map_lookup_elem);
    w_.jump_if_null(kResult, take_);
  }

  /// Of packets to an own address; UDP goes on.
  void protocols() {
    for (const std::uint8_t number : {net::protocol::kEsp, net::protocol::kAh, net::protocol::kIpcomp}) {
      w_.jump_if_equal(kProtocol, number, take_);
    }
    w_.jump_if_not_equal(kProtocol, net::protocol::kUdp, pass_);
  }

  void udp(std::int16_t at) {
    need(at + kUdp + kMarker);
    w_.load(BPF_W, kThird, kFrame, static_cast<std::int16_t>(at + kUdp));
    w_.jump_if_equal(kThird, 0, pass_);
    w_.load(BPF_H, kSecond, kFrame, static_cast<std::int16_t>(at + 2));
    for (const std::uint16_t port : ports_) w_.jump_if_equal(kSecond, htons(port), take_);
    w_.jump(pass_);
  }

  void ends() {
    w_.put(take_);
    w_.set_map(kFirst, sockets_);
    w_.load(BPF_W, kSecond, kContext, kContextQueue);
    w_.set(kThird, XDP_DROP);  // when there is no socket
    w_.call(BPF_FUNC_redirect_map);
    w_.leave();
    w_.put(pass_);
    w_.set(kResult, XDP_PASS);
    w_.leave();
  }

  BpfWriter w_;
  BpfWriter::Label pass_ = w_.label(), take_ = w_.label();
  MacAddress own_;
  std::span<const std::uint16_t> ports_;
  int addresses_, sockets_;
};

}  // namespace

Result<WireFilter, SystemError> WireFilter::load(const MacAddress& own,
                                                 std::span<const std::uint16_t> encapsulation_ports) {
  TRY(Fd addresses, make_bpf_map({BPF_MAP_TYPE_HASH, sizeof(Key), 1, kMaxAddresses, "testudo_own"}));
  TRY(Fd sockets, make_bpf_map({BPF_MAP_TYPE_XSKMAP, 4, 4, kMaxQueues, "testudo_xsk"}));
  Text text{own, encapsulation_ports, addresses.get(), sockets.get()};
  TRY(Fd program, load_xdp(text.write(), "testudo_wire"));
  return WireFilter{std::move(addresses), std::move(sockets), std::move(program)};
}

void WireFilter::set_addresses(std::span<const net::Address> own) {
  constexpr std::array<std::uint8_t, 1> kThere{1};
  std::unordered_set<net::Address> now;
  for (const net::Address& a : own) {
    const Key key = key_of(a);
    if (put_into_bpf_map(addresses_.get(), key, kThere)) now.insert(a);
  }
  for (const net::Address& a : known_) {
    if (!now.contains(a)) remove_from_bpf_map(addresses_.get(), key_of(a));
  }
  known_ = std::move(now);
}

Status<SystemError> WireFilter::lead(std::uint32_t queue, int socket) {
  std::array<std::uint8_t, 4> key{}, value{};
  std::memcpy(key.data(), &queue, sizeof queue);
  std::memcpy(value.data(), &socket, sizeof socket);
  return put_into_bpf_map(sockets_.get(), key, value);
}

}  // namespace testudo::io
