#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/ccm.h"

#include <algorithm>

#include "crypto/ipsecmb/flight.h"
#include "crypto/ipsecmb/keys.h"
#include "crypto/job_shape.h"
#include "crypto/tag.h"

namespace testudo::crypto::ipsecmb {
namespace {

/// The library takes no more; ESP has 8 or 12 bytes.
constexpr std::size_t kMaxAad = 46;

/// Without initialisers: what is read is set for each packet.
struct Slot {
  alignas(16) std::array<std::uint8_t, 16> tag;
  std::array<std::uint8_t, 11> nonce;
  bool completed;
};

class Ccm final : public Suite {
 public:
  Ccm(const CipherRow& row, const CipherKeys& keys, Bytes salt)
      : row_(&row), shape_(JobShape::of(row, nullptr)), keys_(keys) {
    std::ranges::copy(salt, salt_.begin());
  }

  void seal(std::span<Job> jobs) override {
    for_each_batch(jobs, [this](IMB_MGR& m, std::span<Job> batch) { run_batch(m, batch, IMB_DIR_ENCRYPT); });
  }
  void open(std::span<Job> jobs) override {
    for_each_batch(jobs, [this](IMB_MGR& m, std::span<Job> batch) { run_batch(m, batch, IMB_DIR_DECRYPT); });
  }
  std::unique_ptr<Suite> clone() const override { return std::make_unique<Ccm>(*this); }

 private:
  void run_batch(IMB_MGR& m, std::span<Job> jobs, IMB_CIPHER_DIRECTION direction) const {
    std::array<Slot, kBatch> slots;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i].ok = shape_.fits(jobs[i]) && jobs[i].aad.size() <= kMaxAad;
      if (!jobs[i].ok) continue;
      describe(*IMB_GET_NEXT_JOB(&m), jobs[i], slots[i], direction);
      submit_next(m);
    }
    land_all(m);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i].ok) finish(jobs[i], slots[i], direction);
    }
  }

  void describe(IMB_JOB& out, const Job& job, Slot& slot, IMB_CIPHER_DIRECTION direction) const {
    slot.completed = false;
    std::ranges::copy(job.iv, std::ranges::copy(salt_, slot.nonce.begin()).out);
    out = IMB_JOB{};
    out.cipher_direction = direction;
    out.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
    out.cipher_mode = IMB_CIPHER_CCM;
    out.hash_alg = IMB_AUTH_AES_CCM;
    out.enc_keys = keys_.encryption.data();
    out.dec_keys = keys_.encryption.data();  // CCM never runs AES backwards
    out.key_len_in_bytes = keys_.bytes;
    out.dst = job.text.empty() ? slot.tag.data() : job.text.data();
    out.src = out.dst;
    out.msg_len_to_cipher_in_bytes = job.text.size();
    out.msg_len_to_hash_in_bytes = job.text.size();
    out.iv = slot.nonce.data();
    out.iv_len_in_bytes = slot.nonce.size();
    out.auth_tag_output = slot.tag.data();
    out.auth_tag_output_len_in_bytes = row_->icv;
    out.u.CCM = {job.aad.data(), job.aad.size()};
    out.user_data = &slot.completed;
  }

  static void finish(Job& job, const Slot& slot, IMB_CIPHER_DIRECTION direction) {
    job.ok = slot.completed;
    if (!job.ok) return;
    if (direction == IMB_DIR_ENCRYPT) {
      std::copy_n(slot.tag.begin(), job.icv.size(), job.icv.begin());
    } else {
      job.ok = same_tag(job.icv, slot.tag.data());
    }
  }

  const CipherRow* row_;
  JobShape shape_;
  CipherKeys keys_;
  std::array<std::uint8_t, 3> salt_{};
};

}  // namespace

std::unique_ptr<Suite> make_ccm(IMB_MGR& m, const CipherRow& row, Bytes key) {
  const Bytes cipher_key = key.first(key.size() - row.salt);
  if (cipher_key.size() == 24) return nullptr;
  CipherKeys keys;
  expand_aes(m, cipher_key, keys);
  return std::make_unique<Ccm>(row, keys, key.last(row.salt));
}

}  // namespace testudo::crypto::ipsecmb
#endif
