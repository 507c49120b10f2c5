#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/aead.h"

#include <algorithm>

#include "crypto/job_shape.h"
#include "crypto/tag.h"

namespace testudo::crypto::ipsecmb {
namespace {

using Tag = std::array<std::uint8_t, 16>;

/// The library's entry points for one key length.
struct GcmCalls {
  std::size_t key;
  aes_gcm_pre_t IMB_MGR::*expand;
  aes_gcm_enc_dec_t IMB_MGR::*encrypt;
  aes_gcm_enc_dec_t IMB_MGR::*decrypt;
  aes_gmac_init_t IMB_MGR::*gmac_start;
  aes_gmac_update_t IMB_MGR::*gmac_update;
  aes_gmac_finalize_t IMB_MGR::*gmac_finish;
};

constexpr std::array kGcmCalls{
    GcmCalls{16, &IMB_MGR::gcm128_pre, &IMB_MGR::gcm128_enc, &IMB_MGR::gcm128_dec, &IMB_MGR::gmac128_init,
             &IMB_MGR::gmac128_update, &IMB_MGR::gmac128_finalize},
    GcmCalls{24, &IMB_MGR::gcm192_pre, &IMB_MGR::gcm192_enc, &IMB_MGR::gcm192_dec, &IMB_MGR::gmac192_init,
             &IMB_MGR::gmac192_update, &IMB_MGR::gmac192_finalize},
    GcmCalls{32, &IMB_MGR::gcm256_pre, &IMB_MGR::gcm256_enc, &IMB_MGR::gcm256_dec, &IMB_MGR::gmac256_init,
             &IMB_MGR::gmac256_update, &IMB_MGR::gmac256_finalize},
};

/// salt | IV
class Nonce {
 public:
  explicit Nonce(Bytes salt) { std::ranges::copy(salt, bytes_.begin()); }

  const std::uint8_t* with(Bytes iv) {
    std::ranges::copy(iv, bytes_.end() - static_cast<std::ptrdiff_t>(iv.size()));
    return bytes_.data();
  }

 private:
  std::array<std::uint8_t, 12> bytes_{};
};

/// AES with the hash keys of GHASH, expanded; wiped when it goes.
class GcmKey {
 public:
  GcmKey(IMB_MGR& m, const CipherRow& row, Bytes key)
      : calls_(std::ranges::find(kGcmCalls, key.size() - row.salt, &GcmCalls::key)) {
    (m.*calls_->expand)(key.data(), &data_);
  }
  GcmKey(const GcmKey&) = default;
  GcmKey& operator=(const GcmKey&) = delete;
  ~GcmKey() { clear(data_); }

  const GcmCalls& calls() const { return *calls_; }
  const gcm_key_data* data() const { return &data_; }

 private:
  gcm_key_data data_;
  const GcmCalls* calls_;
};

/// What is the same for all: `Mode` gives `Tag seal(IMB_MGR&, Job&)` and `Tag open(IMB_MGR&, Job&)`, which do not
/// compare.
template <typename Mode>
class Aead final : public Suite {
 public:
  Aead(IMB_MGR& m, const CipherRow& row, Bytes key) : shape_(JobShape::of(row, nullptr)), mode_(m, row, key) {}

  void seal(std::span<Job> jobs) override {
    IMB_MGR* const m = manager();
    for (Job& job : jobs) {
      job.ok = m != nullptr && shape_.fits(job);
      if (!job.ok) continue;
      const Tag tag = mode_.seal(*m, job);
      std::copy_n(tag.begin(), job.icv.size(), job.icv.begin());
    }
  }

  void open(std::span<Job> jobs) override {
    IMB_MGR* const m = manager();
    for (Job& job : jobs) {
      job.ok = m != nullptr && shape_.fits(job);
      if (!job.ok) continue;
      const Tag tag = mode_.open(*m, job);
      job.ok = same_tag(job.icv, tag.data());
    }
  }

  std::unique_ptr<Suite> clone() const override { return std::make_unique<Aead>(*this); }

 private:
  JobShape shape_;
  Mode mode_;
};

class Gcm {
 public:
  Gcm(IMB_MGR& m, const CipherRow& row, Bytes key) : key_(m, row, key), nonce_(key.last(row.salt)) {}

  Tag seal(IMB_MGR& m, Job& job) { return run(m.*key_.calls().encrypt, job); }
  Tag open(IMB_MGR& m, Job& job) { return run(m.*key_.calls().decrypt, job); }

 private:
  Tag run(aes_gcm_enc_dec_t call, Job& job) {
    Tag tag;
    gcm_context_data context;
    call(key_.data(), &context, job.text.data(), job.text.data(), job.text.size(), nonce_.with(job.iv), job.aad.data(),
         job.aad.size(), tag.data(), tag.size());
    return tag;
  }

  GcmKey key_;
  Nonce nonce_;
};

/// RFC 4543: GCM of no text, with everything as additional data.
class Gmac {
 public:
  Gmac(IMB_MGR& m, const CipherRow& row, Bytes key) : key_(m, row, key), nonce_(key.last(row.salt)) {}

  Tag seal(IMB_MGR& m, Job& job) {
    Tag tag;
    gcm_context_data context;
    const std::uint8_t* const nonce = nonce_.with(job.iv);
    (m.*key_.calls().gmac_start)(key_.data(), &context, nonce, 12);
    for (const Bytes piece : {job.aad, job.iv, Bytes{job.text}}) {
      if (!piece.empty()) (m.*key_.calls().gmac_update)(key_.data(), &context, piece.data(), piece.size());
    }
    (m.*key_.calls().gmac_finish)(key_.data(), &context, tag.data(), tag.size());
    return tag;
  }
  Tag open(IMB_MGR& m, Job& job) { return seal(m, job); }

 private:
  GcmKey key_;
  Nonce nonce_;
};

class ChaCha {
 public:
  ChaCha(IMB_MGR&, const CipherRow& row, Bytes key) : nonce_(key.last(row.salt)) {
    std::ranges::copy(key.first(key_.size()), key_.begin());
  }
  ChaCha(const ChaCha&) = default;
  ChaCha& operator=(const ChaCha&) = delete;
  ~ChaCha() { clear(key_); }

  Tag seal(IMB_MGR& m, Job& job) { return run(m, m.chacha20_poly1305_enc_update, m.chacha20_poly1305_finalize, job); }
  Tag open(IMB_MGR& m, Job& job) { return run(m, m.chacha20_poly1305_dec_update, m.chacha20_poly1305_finalize, job); }

 private:
  Tag run(IMB_MGR& m, chacha_poly_enc_dec_update_t update, chacha_poly_finalize_t finish, Job& job) {
    Tag tag;
    chacha20_poly1305_context_data context;
    m.chacha20_poly1305_init(key_.data(), &context, nonce_.with(job.iv), job.aad.data(), job.aad.size());
    if (!job.text.empty()) update(key_.data(), &context, job.text.data(), job.text.data(), job.text.size());
    finish(&context, tag.data(), tag.size());
    return tag;
  }

  alignas(64) std::array<std::uint8_t, 32> key_{};
  Nonce nonce_;
};

}  // namespace

std::unique_ptr<Suite> make_aead(IMB_MGR& m, const CipherRow& row, Bytes key) {
  switch (row.kind) {
    case CipherKind::AesGcm:
      return std::make_unique<Aead<Gcm>>(m, row, key);
    case CipherKind::AesGmac:
      return std::make_unique<Aead<Gmac>>(m, row, key);
    case CipherKind::ChaCha20Poly1305:
      return std::make_unique<Aead<ChaCha>>(m, row, key);
    default:
      return nullptr;
  }
}

}  // namespace testudo::crypto::ipsecmb
#endif
