#pragma once
// Runs a vector through every back end that has the algorithm, so that no vector file needs to know which do.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "crypto/suite.h"
#include "unit/crypto/hex.h"

namespace testudo::crypto {

inline constexpr Backend kBackends[] = {Backend::OpenSsl, Backend::IpsecMb, Backend::Vaes, Backend::Vaes256};

inline std::string name_of(Backend backend) {
  switch (backend) {
    case Backend::OpenSsl:
      return "openssl";
    case Backend::IpsecMb:
      return "ipsecmb";
    case Backend::Vaes:
      return "vaes";
    case Backend::Vaes256:
      return "vaes256";
    case Backend::Best:
      break;
  }
  return "best";
}

/// For the names of tests.
inline void PrintTo(Backend backend, std::ostream* out) {
  *out << name_of(backend);
}

/// A suite, or null where this back end lacks it; any other refusal fails the test.
inline std::unique_ptr<Suite> suite_or_null(const SuiteKeys& keys, Backend backend) {
  auto made = make_suite(keys, backend);
  if (made) return *std::move(made);
  EXPECT_EQ(made.error(), KeyError::NotAvailable) << keys.cipher->name << " by " << name_of(backend);
  return nullptr;
}

struct CipherVector {
  std::string_view algorithm, key, iv, plain, sealed;
};

/// The cipher alone: sealed from plain, and back.  The portable back end must have it.
inline void expect_cipher(const CipherVector& v) {
  const ByteVector key = hex(v.key), iv = hex(v.iv), plain = hex(v.plain), sealed = hex(v.sealed);
  for (const Backend backend : kBackends) {
    const auto suite = suite_or_null({.cipher = cipher_by_name(v.algorithm), .cipher_key = key}, backend);
    if (backend == Backend::OpenSsl) {
      ASSERT_TRUE(suite) << v.algorithm;
    }
    if (!suite) continue;
    ByteVector text = plain;
    Job job{.iv = iv, .text = text};
    suite->seal({&job, 1});
    EXPECT_TRUE(job.ok) << v.algorithm << " by " << name_of(backend);
    EXPECT_EQ(to_hex(text), to_hex(sealed)) << v.algorithm << " by " << name_of(backend);
    suite->open({&job, 1});
    EXPECT_TRUE(job.ok);
    EXPECT_EQ(to_hex(text), to_hex(plain)) << v.algorithm << " by " << name_of(backend);
  }
}

struct AeadVector {
  std::string_view algorithm, key_and_salt, iv, aad, plain, sealed, icv;
};

/// Sealed and tag from plain, and back; then a forged tag is refused.
inline void expect_aead(const AeadVector& v) {
  const ByteVector key = hex(v.key_and_salt), iv = hex(v.iv), aad = hex(v.aad), plain = hex(v.plain);
  for (const Backend backend : kBackends) {
    const auto suite = suite_or_null({.cipher = cipher_by_name(v.algorithm), .cipher_key = key}, backend);
    if (backend == Backend::OpenSsl) {
      ASSERT_TRUE(suite) << v.algorithm;
    }
    if (!suite) continue;
    ByteVector text = plain, icv(hex(v.icv).size());
    Job job{.aad = aad, .iv = iv, .text = text, .icv = icv};
    suite->seal({&job, 1});
    EXPECT_TRUE(job.ok);
    EXPECT_EQ(to_hex(text), to_hex(hex(v.sealed))) << v.algorithm << " by " << name_of(backend);
    EXPECT_EQ(to_hex(icv), to_hex(hex(v.icv))) << v.algorithm << " by " << name_of(backend);
    suite->open({&job, 1});
    EXPECT_TRUE(job.ok);
    EXPECT_EQ(to_hex(text), to_hex(plain)) << v.algorithm << " by " << name_of(backend);
    suite->seal({&job, 1});
    icv.front() = static_cast<std::uint8_t>(icv.front() ^ 0x80);
    suite->open({&job, 1});
    EXPECT_FALSE(job.ok) << v.algorithm << " by " << name_of(backend);
  }
}

struct MacVector {
  std::string_view algorithm, key, message, mac;
};

/// The MAC alone, of the message in one piece and in two.
inline void expect_mac(const MacVector& v) {
  const ByteVector key = hex(v.key), message = hex(v.message), expected = hex(v.mac);
  const auto made = make_mac(*mac_by_name(v.algorithm), key);
  ASSERT_TRUE(made) << v.algorithm;
  for (const std::size_t cut : {std::size_t{0}, message.size() / 2, message.size()}) {
    const Bytes pieces[] = {Bytes{message}.first(cut), Bytes{message}.subspan(cut)};
    ByteVector out(expected.size());
    (*made)->compute(pieces, out);
    EXPECT_EQ(to_hex(out), to_hex(expected)) << v.algorithm;
  }
}

}  // namespace testudo::crypto
