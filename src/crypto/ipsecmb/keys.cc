#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/keys.h"

#include <algorithm>

#include "base/secret.h"

namespace testudo::crypto::ipsecmb {
namespace {

struct HmacCalls {
  MacKind kind;
  IMB_HASH_ALG algorithm;
  std::size_t block;
  hash_one_block_t IMB_MGR::*one_block;
};

constexpr std::array kHmacCalls{
    HmacCalls{MacKind::HmacMd5, IMB_AUTH_MD5, 64, &IMB_MGR::md5_one_block},
    HmacCalls{MacKind::HmacSha1, IMB_AUTH_HMAC_SHA_1, 64, &IMB_MGR::sha1_one_block},
    HmacCalls{MacKind::HmacSha256, IMB_AUTH_HMAC_SHA_256, 64, &IMB_MGR::sha256_one_block},
    HmacCalls{MacKind::HmacSha384, IMB_AUTH_HMAC_SHA_384, 128, &IMB_MGR::sha384_one_block},
    HmacCalls{MacKind::HmacSha512, IMB_AUTH_HMAC_SHA_512, 128, &IMB_MGR::sha512_one_block},
};

/// RFC 2104.  The rows allow no key longer than a block.
void expand_hmac(IMB_MGR& m, const HmacCalls& calls, Bytes key, MacKeys& out) {
  constexpr std::uint8_t kInnerPad = 0x36, kOuterPad = 0x5c;
  std::array<std::uint8_t, 128> block{};
  std::ranges::copy(key, block.begin());
  for (auto& byte : block) byte = static_cast<std::uint8_t>(byte ^ kInnerPad);
  (m.*calls.one_block)(block.data(), out.first.data());
  for (auto& byte : block) byte = static_cast<std::uint8_t>(byte ^ kInnerPad ^ kOuterPad);
  (m.*calls.one_block)(block.data(), out.second.data());
  wipe(block);
  out.algorithm = calls.algorithm;
}

void expand_cmac(IMB_MGR& m, Bytes key, MacKeys& out) {
  alignas(16) std::array<std::uint32_t, 60> unused{};
  IMB_AES_KEYEXP_128(&m, key.data(), out.expanded.data(), unused.data());
  IMB_AES_CMAC_SUBKEY_GEN_128(&m, out.expanded.data(), out.first.data(), out.second.data());
  clear(unused);
  out.algorithm = IMB_AUTH_AES_CMAC;
}

void expand_xcbc(IMB_MGR& m, Bytes key, MacKeys& out) {
  IMB_AES_XCBC_KEYEXP(&m, key.data(), out.expanded.data(), out.first.data(), out.second.data());
  out.algorithm = IMB_AUTH_AES_XCBC;
}

}  // namespace

void expand_aes(IMB_MGR& m, Bytes key, CipherKeys& out) {
  const keyexp_t expand = key.size() == 16 ? m.keyexp_128 : key.size() == 24 ? m.keyexp_192 : m.keyexp_256;
  expand(key.data(), out.encryption.data(), out.decryption.data());
  out.bytes = key.size();
}

Result<CipherKeys, KeyError> expand_cipher(IMB_MGR& m, const CipherRow& row, Bytes key) {
  CipherKeys out;
  switch (row.kind) {
    case CipherKind::Null:
      return out;
    case CipherKind::AesCbc:
      out.mode = IMB_CIPHER_CBC;
      break;
    case CipherKind::AesCtr:
      out.mode = IMB_CIPHER_CNTR;
      break;
    default:
      return Failure{KeyError::NotAvailable};
  }
  std::ranges::copy(key.last(row.salt), out.nonce.begin());
  expand_aes(m, key.first(key.size() - row.salt), out);
  return out;
}

Result<MacKeys, KeyError> expand_mac(IMB_MGR& m, const MacRow* row, Bytes key) {
  MacKeys out;
  if (row == nullptr || row->esp_icv() == 0) return out;
  out.tag = row->icv;
  const auto hmac = std::ranges::find(kHmacCalls, row->kind, &HmacCalls::kind);
  if (hmac != kHmacCalls.end()) {
    expand_hmac(m, *hmac, key, out);
  } else if (row->kind == MacKind::AesCmac) {
    expand_cmac(m, key, out);
  } else if (row->kind == MacKind::AesXcbc) {
    expand_xcbc(m, key, out);
  } else {
    return Failure{KeyError::NotAvailable};
  }
  return out;
}

}  // namespace testudo::crypto::ipsecmb
#endif
