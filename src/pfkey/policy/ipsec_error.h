#pragma once
// The errors of ipsec_strerror(3): their numbers, which are libipsec's ABI, and their texts.  Pure.
#include <cstdint>
#include <string_view>

namespace testudo::pfkey {

enum class IpsecError : std::uint8_t {
  None = 0,
  NotSupported = 1,
  InvalidArgument = 2,
  InvalidMessage = 3,
  InvalidVersion = 4,
  InvalidPolicy = 5,
  InvalidAddress = 6,
  InvalidProtocol = 7,
  InvalidMode = 8,
  InvalidLevel = 9,
  InvalidSaType = 10,
  InvalidMessageType = 11,
  InvalidExtensionType = 12,
  InvalidAlgorithm = 13,
  InvalidKeyLength = 14,
  InvalidFamily = 15,
  InvalidPrefixLength = 16,
  InvalidDirection = 17,
  SpiRange = 18,
  NoProtocol = 19,
  NoAlgorithm = 20,
  NoBuffers = 21,
  NoSupportedAlgorithms = 22,
  ProtocolMismatch = 23,
  FamilyMismatch = 24,
  TooFewArguments = 25,
  System = 26,  ///< errno says more
  PriorityOffset = 27,
  PriorityBaseOffset = 28,
  NoPriorities = 29,
  Unknown = 30,
};

/// The text of ipsec_strerror(3); of System it is "System error".
std::string_view ipsec_error_text(IpsecError error);

}  // namespace testudo::pfkey
