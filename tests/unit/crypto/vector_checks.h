#pragma once
// What a vector says, put to every back end that can express it.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/native/cbc_mac.h"
#include "crypto/openssl/hmac.h"
#include "unit/crypto/backends.h"

namespace testudo::crypto {

/// How many vectors were checked, and how many have a form that IPsec never uses (a nonce of 16 bytes for GCM, …).
struct Tally {
  std::size_t checked = 0, foreign = 0;
};

struct AeadCase {
  CipherKind kind{};
  ByteVector key{}, nonce{}, aad{}, plain{}, sealed{}, tag{};
  bool valid = true;
};

struct CipherCase {
  CipherKind kind{};
  ByteVector key{}, iv{}, plain{}, sealed{};
};

struct MacCase {
  MacKind kind{};
  ByteVector key{}, message{}, tag{};
  bool valid = true;
};

inline const CipherRow* row_of(CipherKind kind, std::size_t tag) {
  const auto rows = ciphers();
  const auto row = std::ranges::find_if(rows, [&](const CipherRow& r) { return r.kind == kind && r.icv == tag; });
  return row == rows.end() ? nullptr : &*row;
}

inline void check_aead_by(Suite& suite, const CipherRow& row, const AeadCase& v) {
  ByteVector text = v.plain, icv(v.tag.size());
  const Bytes iv = Bytes{v.nonce}.last(row.iv);
  if (v.valid) {
    Job sealing{.aad = v.aad, .iv = iv, .text = text, .icv = icv};
    suite.seal({&sealing, 1});
    EXPECT_TRUE(sealing.ok);
    EXPECT_EQ(to_hex(text), to_hex(v.sealed));
    EXPECT_EQ(to_hex(icv), to_hex(v.tag));
  }
  text = v.sealed;
  icv = v.tag;
  Job opening{.aad = v.aad, .iv = iv, .text = text, .icv = icv};
  suite.open({&opening, 1});
  EXPECT_EQ(opening.ok, v.valid);
  if (v.valid) {
    EXPECT_EQ(to_hex(text), to_hex(v.plain));
  }
}

inline void check_aead(const AeadCase& v, Tally& tally) {
  const CipherRow* const row = row_of(v.kind, v.tag.size());
  const bool native = row != nullptr && v.nonce.size() == std::size_t{row->salt} + row->iv;
  if (!native || !row->key.allows(v.key.size() + row->salt)) {
    ++tally.foreign;
    return;
  }
  const ByteVector key = join(v.key, Bytes{v.nonce}.first(row->salt));
  for (const Backend backend : kBackends) {
    const auto suite = suite_or_null({.cipher = row, .cipher_key = key}, backend);
    SCOPED_TRACE(std::string(row->name) + " by " + name_of(backend));
    if (suite) check_aead_by(*suite, *row, v);
  }
  ++tally.checked;
}

inline void check_cipher(const CipherCase& v, Tally& tally) {
  const CipherRow* const row = row_of(v.kind, 0);
  const bool native = row != nullptr && v.iv.size() == std::size_t{row->salt} + row->iv;
  if (!native || !row->key.allows(v.key.size() + row->salt)) {
    ++tally.foreign;
    return;
  }
  const ByteVector key = join(v.key, Bytes{v.iv}.first(row->salt));
  const Bytes iv = Bytes{v.iv}.subspan(row->salt);
  for (const Backend backend : kBackends) {
    auto made = make_suite({.cipher = row, .cipher_key = key}, backend);
    if (!made) continue;  // NIST's variable-key files hold weak DES keys
    ByteVector text = v.plain;
    Job job{.iv = iv, .text = text};
    (*made)->seal({&job, 1});
    EXPECT_EQ(to_hex(text), to_hex(v.sealed)) << row->name << " by " << name_of(backend);
    (*made)->open({&job, 1});
    EXPECT_EQ(to_hex(text), to_hex(v.plain)) << row->name << " by " << name_of(backend);
  }
  ++tally.checked;
}

/// With a null cipher, where ipsec-mb can take part; the tag is then as long as the row says.
inline void check_mac_in_suite(const MacRow& row, const MacCase& v) {
  const auto suite = suite_or_null({cipher_by_name("null"), {}, &row, v.key}, Backend::IpsecMb);
  if (!suite || v.message.empty() || v.tag.size() < row.icv) return;
  ByteVector icv(v.tag.begin(), v.tag.begin() + row.icv), text = v.message;
  Job job{.text = text, .icv = icv};
  suite->open({&job, 1});
  EXPECT_EQ(job.ok, v.valid) << row.name;
}

inline void check_mac(const MacCase& v, Tally& tally) {
  const bool block_cipher = v.kind == MacKind::AesCmac || v.kind == MacKind::AesXcbc;
  // Directly, because the rows allow only keys as long as the digest.
  const auto mac = block_cipher && v.key.size() != 16 ? nullptr
                   : block_cipher                     ? native::make_cbc_mac(v.kind, v.key)
                                                      : openssl::make_hmac(v.kind, v.key);
  if (!mac) {
    ++tally.foreign;
    return;
  }
  const Bytes pieces[] = {v.message};
  ByteVector out(v.tag.size());
  mac->compute(pieces, out);
  EXPECT_EQ(to_hex(out) == to_hex(v.tag), v.valid) << to_hex(v.key);
  const auto rows = macs();
  const auto row = std::ranges::find(rows, v.kind, &MacRow::kind);
  if (row->key.allows(v.key.size()) && (v.valid || v.tag.size() == row->icv)) check_mac_in_suite(*row, v);
  ++tally.checked;
}

}  // namespace testudo::crypto
