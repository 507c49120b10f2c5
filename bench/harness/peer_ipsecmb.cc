#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>

#include "harness/peer.h"
#include "support/sas.h"

namespace testudo::bench {
namespace {

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, FreeManager>;

Manager make_manager() {
  Manager made{alloc_mb_mgr(0)};
  IMB_ARCH arch = IMB_ARCH_NONE;
  if (made) init_mb_mgr_auto(made.get(), &arch);
  if (!made || arch == IMB_ARCH_NONE) give_up("ipsec-mb does not run on this machine");
  return made;
}

class Gcm final : public Peer {
 public:
  explicit Gcm(const Cipher& cipher) : manager_(make_manager()) {
    const Secret key = test::key(cipher.key, 11);
    IMB_AES128_GCM_PRE(manager_.get(), key.expose().data(), &key_);
    std::copy_n(key.expose().end() - 4, 4, nonce_.begin());
  }

  void seal(std::span<const Work> batch) override {
    for (const Work& w : batch) {
      std::copy_n(w.head + 8, 8, nonce_.begin() + 4);
      IMB_AES128_GCM_ENC(manager_.get(), &key_, &context_, w.text, w.text, w.length, nonce_.data(), w.head, 8,
                         w.text + w.length, 16);
    }
  }

  void open(std::span<const Work> batch) override {
    std::array<std::uint8_t, 16> tag;
    for (const Work& w : batch) {
      std::copy_n(w.head + 8, 8, nonce_.begin() + 4);
      IMB_AES128_GCM_DEC(manager_.get(), &key_, &context_, w.text, w.text, w.length, nonce_.data(), w.head, 8,
                         tag.data(), 16);
    }
  }

 private:
  Manager manager_;
  gcm_key_data key_{};
  gcm_context_data context_{};
  std::array<std::uint8_t, 12> nonce_{};
};

class ChaCha final : public Peer {
 public:
  explicit ChaCha(const Cipher& cipher) : manager_(make_manager()) {
    const Secret key = test::key(cipher.key, 11);
    std::copy_n(key.expose().begin(), 32, key_.begin());
    std::copy_n(key.expose().end() - 4, 4, nonce_.begin());
  }

  void seal(std::span<const Work> batch) override {
    for (const Work& w : batch) {
      begin(w);
      manager_->chacha20_poly1305_enc_update(key_.data(), &context_, w.text, w.text, w.length);
      manager_->chacha20_poly1305_finalize(&context_, w.text + w.length, 16);
    }
  }

  void open(std::span<const Work> batch) override {
    std::array<std::uint8_t, 16> tag;
    for (const Work& w : batch) {
      begin(w);
      manager_->chacha20_poly1305_dec_update(key_.data(), &context_, w.text, w.text, w.length);
      manager_->chacha20_poly1305_finalize(&context_, tag.data(), 16);
    }
  }

 private:
  void begin(const Work& w) {
    std::copy_n(w.head + 8, 8, nonce_.begin() + 4);
    manager_->chacha20_poly1305_init(key_.data(), &context_, nonce_.data(), w.head, 8);
  }

  Manager manager_;
  std::array<std::uint8_t, 32> key_{};
  chacha20_poly1305_context_data context_{};
  std::array<std::uint8_t, 12> nonce_{};
};

class CbcSha256 final : public Peer {
 public:
  explicit CbcSha256(const Cipher& cipher) : manager_(make_manager()) {
    shape = {.iv = 16, .block = 16, .icv = 16};
    const Secret key = test::key(cipher.key, 11), mac_key = test::key(32, 12);
    IMB_AES_KEYEXP_128(manager_.get(), key.expose().data(), encryption_.data(), decryption_.data());
    hash_padded(mac_key.expose(), 0x36, inner_);
    hash_padded(mac_key.expose(), 0x5c, outer_);
  }

  void seal(std::span<const Work> batch) override {
    IMB_MGR* const m = manager_.get();
    for (const Work& w : batch) {
      describe(*IMB_GET_NEXT_JOB(m), w);
      for (auto* done = IMB_SUBMIT_JOB(m); done != nullptr; done = IMB_GET_COMPLETED_JOB(m)) note(*done);
    }
    while (auto* done = IMB_FLUSH_JOB(m)) note(*done);
  }

  void open(std::span<const Work>) override { give_up("this peer only seals"); }

 private:
  using State = std::array<std::uint8_t, 32>;

  void hash_padded(Bytes key, std::uint8_t pad, State& state) {
    alignas(16) std::array<std::uint8_t, 64> block;
    block.fill(pad);
    for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
    IMB_SHA256_ONE_BLOCK(manager_.get(), block.data(), state.data());
  }

  void describe(IMB_JOB& job, const Work& w) const {
    job = {};
    job.cipher_direction = IMB_DIR_ENCRYPT;
    job.chain_order = IMB_ORDER_CIPHER_HASH;
    job.cipher_mode = IMB_CIPHER_CBC;
    job.enc_keys = encryption_.data();
    job.dec_keys = decryption_.data();
    job.key_len_in_bytes = 16;
    job.hash_alg = IMB_AUTH_HMAC_SHA_256;
    job.u.HMAC = {inner_.data(), outer_.data()};
    job.src = w.head;
    job.dst = w.text;
    job.cipher_start_src_offset_in_bytes = shape.head();
    job.msg_len_to_cipher_in_bytes = w.length;
    job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_hash_in_bytes = shape.head() + w.length;
    job.iv = w.head + 8;
    job.iv_len_in_bytes = 16;
    job.auth_tag_output = w.text + w.length;
    job.auth_tag_output_len_in_bytes = 16;
  }

  static void note(const IMB_JOB& done) {
    if (done.status != IMB_STATUS_COMPLETED) give_up("ipsec-mb did not complete a job");
  }

  Manager manager_;
  alignas(16) std::array<std::uint32_t, 60> encryption_{}, decryption_{};
  alignas(16) State inner_{}, outer_{};
};

}  // namespace

std::unique_ptr<Peer> make_ipsecmb_gcm(const Cipher& cipher) {
  return std::make_unique<Gcm>(cipher);
}

std::unique_ptr<Peer> make_ipsecmb_chacha(const Cipher& cipher) {
  return std::make_unique<ChaCha>(cipher);
}

std::unique_ptr<Peer> make_ipsecmb_cbc_sha256(const Cipher& cipher) {
  return std::make_unique<CbcSha256>(cipher);
}

}  // namespace testudo::bench
