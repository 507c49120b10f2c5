#pragma once
// What a chained suite keeps of its keys: expanded once, in the form that the library's jobs point to.
#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/manager.h"
#include "crypto/suite.h"

namespace testudo::crypto::ipsecmb {

/// AES in CBC or CTR, or no cipher.
struct CipherKeys {
  alignas(16) std::array<std::uint32_t, 60> encryption{};
  alignas(16) std::array<std::uint32_t, 60> decryption{};
  std::array<std::uint8_t, 4> nonce{};  ///< CTR
  std::size_t bytes = 0;
  IMB_CIPHER_MODE mode = IMB_CIPHER_NULL;

  CipherKeys() = default;
  CipherKeys(const CipherKeys&) = default;
  CipherKeys& operator=(const CipherKeys&) = default;
  ~CipherKeys() { clear(*this); }
};

/// For an HMAC the states after the first blocks; for XCBC and CMAC the expanded key and the two masks; or nothing.
struct MacKeys {
  alignas(16) std::array<std::uint32_t, 60> expanded{};
  alignas(16) std::array<std::uint8_t, 64> first{};
  alignas(16) std::array<std::uint8_t, 64> second{};
  std::size_t tag = 0;
  IMB_HASH_ALG algorithm = IMB_AUTH_NULL;

  MacKeys() = default;
  MacKeys(const MacKeys&) = default;
  MacKeys& operator=(const MacKeys&) = default;
  ~MacKeys() { clear(*this); }
};

/// Of 16, 24 or 32 bytes.
void expand_aes(IMB_MGR& manager, Bytes key, CipherKeys& out);
/// NotAvailable when the library has no such cipher in its job interface.
Result<CipherKeys, KeyError> expand_cipher(IMB_MGR& manager, const CipherRow& row, Bytes key);
/// row may be null.
Result<MacKeys, KeyError> expand_mac(IMB_MGR& manager, const MacRow* row, Bytes key);

}  // namespace testudo::crypto::ipsecmb
#endif
