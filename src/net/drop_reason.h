#pragma once
// Why a packet went no further.  One line here is one enum value, one counter and one sentence; nothing disappears
// without one. The third column is the counter of netstat -s that it also feeds ("" = none): netipsec's name of
// section 5.1's arrays.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace testudo::net {

// clang-format off
#define TESTUDO_DROP_REASONS(X) \
  /* outbound and policy */ \
  X(PolicyDiscard,        "ipsec.out_polvio", "An outbound policy says discard.") \
  X(DefaultDiscard,       "ipsec.out_polvio", "No outbound policy matches and net.inet.ipsec.def_policy (or net.inet6.ipsec6.def_policy) is 0 (discard).") \
  X(NoSa,                 "ipsec.out_nosa",   "The policy requires an SA that does not exist (yet); an ACQUIRE was or will be sent to the key daemon.") \
  X(OutboundInvalid,      "ipsec.out_inval",  "The outbound packet is not a valid IP packet or cannot carry the transform asked for.") \
  X(NoRoom,               "ipsec.out_nomem",  "The packet buffer has no room for the headers that the policy adds.") \
  X(BundleTooDeep,        "ipsec.out_inval",  "The policy nests more transforms than can be applied to one packet.") \
  X(TransformDisabled,    "pdrops",           "The transform is switched off by net.inet.ipsec.{ah,esp,ipcomp}_enable.") \
  X(SequenceExhausted,    "wrap",             "The SA has used its last sequence number and may not wrap; it has to be replaced.") \
  X(HardLifetime,         "notdb",            "The SA is past its hard lifetime.") \
  X(TooBig,               "toobig",           "The protected packet is larger than an IP packet can be.") \
  X(NeedsFragmentation,   "",                 "The protected packet is larger than the path MTU and may not be fragmented; ICMP was sent to the source.") \
  X(TunnelRecursion,      "",                 "A packet of a tunnel interface was led into a tunnel interface again: the route to its remote address must not lead there.") \
  X(UnspecifiedEndpoint,  "ipip.unspec",      "A tunnel endpoint of the SA is unspecified.") \
  /* inbound */ \
  X(InboundMalformed,     "hdrops",           "The received packet's headers are malformed or cut short.") \
  X(InboundNoSa,          "notdb",            "No SA has this destination, protocol and SPI.") \
  X(SaNotUsable,          "notdb",            "The SA exists but is larval or dead.") \
  X(IcmpUnbelieved,       "",                 "An ICMP error quotes a protected packet that no SA of ours sent.") \
  X(Replayed,             "replay",           "The sequence number was received before, or is older than the replay window.") \
  X(BadIcv,               "badauth",          "The integrity check failed: wrong authentication key or algorithm, or a packet changed on its way.") \
  X(BadIcvLength,         "badauthl",         "The AH header's length is not the one the SA's algorithm implies: the peer uses another algorithm or truncation.") \
  X(BadPayloadLength,     "badilen",          "The ESP payload is shorter than its trailer or not a multiple of the cipher's block.") \
  X(BadPadding,           "badenc",           "The ESP padding is not what RFC 4303 prescribes: wrong encryption key or algorithm.") \
  X(BadNextHeader,        "hdrops",           "The protected payload claims a protocol that cannot stand there.") \
  X(DummyPacket,          "",                 "A dummy packet (next header 59) for traffic flow confidentiality; dropping it is right.") \
  X(BadCompression,       "noxform",          "The IPcomp payload is not a complete DEFLATE stream.") \
  X(ExpandsTooBig,        "toobig",           "The IPcomp payload expands to more than an IP packet can hold.") \
  X(InnerMalformed,       "ipip.hdrops",      "The packet inside the tunnel is malformed.") \
  X(InnerFamilyMismatch,  "ipip.family",      "The packet inside the tunnel is not of the version that the next header says.") \
  X(InnerSpoofed,         "ipip.spoof",       "The packet inside the tunnel claims to come from one of our own addresses (net.inet.ipsec.ipip_spoofcheck).") \
  X(EcnForbidden,         "",                 "The outer header carries congestion experienced but the inner packet says it cannot (RFC 6040).") \
  X(WrongModeOrEndpoint,  "tunnel",           "The packet came through the SA in another mode or between other endpoints than the SA says.") \
  X(InboundPolicyClear,   "ipsec.in_polvio",  "An inbound policy requires protection and the packet had none.") \
  X(InboundPolicyMismatch,"ipsec.in_polvio",  "The packet was protected, but not by the SAs that the inbound policy requires.") \
  X(InboundPolicyDiscard, "ipsec.in_polvio",  "An inbound policy says discard.") \
  X(NestedTooDeep,        "hdrops",           "The packet nests more protected layers than are opened.") \
  X(NatTPortMismatch,     "notdb",            "An SA of NAT-T receives in UDP only, any other never; and without authentication from the SA's own address and ports only.") \
  X(NatKeepalive,         "",                 "A NAT keepalive; it carries nothing.") \
  /* fragments */ \
  X(ReassemblyTimeout,    "",                 "Fragments of the packet are missing and the others were kept long enough.") \
  X(ReassemblyOverflow,   "",                 "Too many unfinished packets are waiting for fragments; the oldest was given up.") \
  X(ReassemblyInvalid,    "",                 "Fragments overlap or contradict each other (RFC 5722).") \
  /* the outside */ \
  X(QueueFull,            "qfull",            "The queue towards the network was full.") \
  X(HostQueueFull,        "ipip.qfull",       "The queue towards the host was full.") \
  X(ReceiveQueueFull,     "qfull",            "The kernel's queue towards the engine was full.") \
  X(NoRoute,              "ipsec.out_noroute","The kernel has no route for the protected packet.") \
  X(SendFailed,           "ipsec.out_inval","The kernel refused to send the packet.") \
  /* forwarding: attach = wire */ \
  X(HopLimit,             "",                 "The packet's TTL or hop limit ran out here; ICMP was sent to its source.") \
  X(Martian,              "",                 "A packet to be forwarded has a source that nobody else can have: one of our own addresses, a group, loopback or link-local.")
// clang-format on

enum class DropReason : std::uint8_t {
#define X(name, counter, sentence) name,
  TESTUDO_DROP_REASONS(X)
#undef X
};

struct DropReasonRow {
  std::string_view name, counter, sentence;
};

inline constexpr std::array kDropReasons{
#define X(name, counter, sentence) DropReasonRow{#name, counter, sentence},
    TESTUDO_DROP_REASONS(X)
#undef X
};
#undef TESTUDO_DROP_REASONS

inline constexpr std::size_t kDropReasonCount = kDropReasons.size();
constexpr const DropReasonRow& describe(DropReason reason) {
  return kDropReasons[static_cast<std::size_t>(reason)];
}

}  // namespace testudo::net
