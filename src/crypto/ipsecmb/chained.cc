#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/chained.h"

#include <algorithm>

#include "crypto/ipsecmb/flight.h"
#include "crypto/tag.h"

namespace testudo::crypto::ipsecmb {
namespace {

constexpr std::size_t kAesBlock = 16;

}  // namespace

/// One packet in flight.  Deliberately without initialisers: start() sets what is read.
struct Chained::Slot {
  alignas(16) std::array<std::uint8_t, 64> tag;
  alignas(16) std::array<std::uint8_t, 16> iv;
  std::array<std::uint8_t, 32> received;  ///< the ICV of a packet to open, while the tail lies in its place
  std::uint8_t* text;                     ///< in the packet, or gathered in the scratch
  bool tail_in_place;
  bool completed;
};

Chained::Chained(JobShape shape, const CipherKeys& cipher, const MacKeys& mac)
    : shape_(shape),
      cipher_(cipher),
      mac_(mac),
      sealing_(pattern(IMB_DIR_ENCRYPT)),
      opening_(pattern(IMB_DIR_DECRYPT)) {}

void Chained::seal(std::span<Job> jobs) {
  for_each_batch(jobs, [this](IMB_MGR& m, std::span<Job> batch) { run_batch(m, batch, sealing_); });
}
void Chained::open(std::span<Job> jobs) {
  for_each_batch(jobs, [this](IMB_MGR& m, std::span<Job> batch) { run_batch(m, batch, opening_); });
}

IMB_JOB Chained::pattern(IMB_CIPHER_DIRECTION direction) const {
  IMB_JOB job{};
  job.cipher_direction = direction;
  job.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
  job.cipher_mode = cipher_.mode;
  job.enc_keys = cipher_.encryption.data();
  job.dec_keys = cipher_.decryption.data();
  job.key_len_in_bytes = cipher_.bytes;
  job.iv_len_in_bytes = cipher_.mode == IMB_CIPHER_CNTR ? 12 : 16;
  job.hash_alg = mac_.algorithm;
  job.auth_tag_output_len_in_bytes = mac_.tag;
  if (mac_.algorithm == IMB_AUTH_AES_CMAC) {
    job.u.CMAC = {mac_.expanded.data(), mac_.first.data(), mac_.second.data()};
  } else if (mac_.algorithm == IMB_AUTH_AES_XCBC) {
    job.u.XCBC = {mac_.expanded.data(), mac_.first.data(), mac_.second.data()};
  } else {
    job.u.HMAC = {mac_.first.data(), mac_.second.data()};
  }
  return job;
}

/// The library must not be asked to authenticate nothing at all; ESP never does.
bool Chained::acceptable(const Job& job) const {
  return shape_.fits(job) && (!authenticates() || job.head.size() + job.text.size() + job.tail.size() > 0);
}

/// CMAC for AVX-512 (version 1.3) fetches the last block whole, though the message may end before it does.
bool Chained::reads_beyond(const Job& job) const {
  return mac_.algorithm == IMB_AUTH_AES_CMAC && (job.head.size() + job.text.size() + job.tail.size()) % kAesBlock != 0;
}

/// The MAC reads head, text and tail as one piece.  The tail can be put where the ICV will be.
bool Chained::lies_in_one_piece(const Job& job) const {
  if (reads_beyond(job)) return false;
  const std::uint8_t* const end = job.text.data() + job.text.size();
  const bool head_adjacent = job.head.empty() || job.head.data() + job.head.size() == job.text.data();
  const bool tail_fits = job.tail.empty() || (job.icv.data() == end && job.icv.size() >= job.tail.size());
  return !authenticates() || (head_adjacent && tail_fits);
}

void Chained::run_batch(IMB_MGR& m, std::span<Job> jobs, const IMB_JOB& pattern) {
  std::array<Slot, kBatch> slots;
  reserve_scratch(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].ok = acceptable(jobs[i]);
    if (!jobs[i].ok) continue;
    start(jobs[i], slots[i]);
    describe(*IMB_GET_NEXT_JOB(&m), jobs[i], slots[i], pattern);
    submit_next(m);
  }
  land_all(m);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].ok) finish(jobs[i], slots[i], pattern.cipher_direction == IMB_DIR_ENCRYPT);
  }
}

void Chained::reserve_scratch(std::span<const Job> jobs) {
  std::size_t needed = 0;
  for (const Job& job : jobs) {
    if (!lies_in_one_piece(job)) needed += job.head.size() + job.text.size() + job.tail.size();
  }
  needed += kAesBlock;  // for reads_beyond()
  if (scratch_.size() < needed) scratch_.resize(needed);
  scratch_used_ = 0;
}

/// Brings head, text and tail together and the IV into its form.
void Chained::start(Job& job, Slot& slot) {
  slot.completed = false;
  slot.text = job.text.data();
  slot.tail_in_place = false;
  std::ranges::copy(cipher_.nonce, slot.iv.begin());
  std::ranges::copy(job.iv, slot.iv.begin() + (cipher_.mode == IMB_CIPHER_CNTR ? 4 : 0));
  if (!authenticates()) return;
  if (!lies_in_one_piece(job)) {
    std::uint8_t* const head = scratch_.data() + scratch_used_;
    slot.text = std::ranges::copy(job.head, head).out;
    std::uint8_t* const tail = std::ranges::copy(job.text, slot.text).out;
    std::uint8_t* const end = std::ranges::copy(job.tail, tail).out;
    scratch_used_ = static_cast<std::size_t>(end - scratch_.data());
  } else if (!job.tail.empty()) {
    std::ranges::copy(job.icv, slot.received.begin());
    std::ranges::copy(job.tail, job.icv.begin());
    slot.tail_in_place = true;
  }
}

void Chained::describe(IMB_JOB& out, const Job& job, Slot& slot, const IMB_JOB& pattern) const {
  const std::size_t head = authenticates() ? job.head.size() : 0;
  out = pattern;
  if (job.text.empty()) out.cipher_mode = IMB_CIPHER_NULL;
  out.src = slot.text - head;
  out.dst = slot.text;
  out.cipher_start_src_offset_in_bytes = head;
  out.msg_len_to_cipher_in_bytes = job.text.size();
  out.hash_start_src_offset_in_bytes = 0;
  out.msg_len_to_hash_in_bytes = head + job.text.size() + job.tail.size();
  out.iv = slot.iv.data();
  out.auth_tag_output = slot.tag.data();
  out.user_data = &slot.completed;
}

void Chained::finish(Job& job, Slot& slot, bool sealing) const {
  if (slot.tail_in_place) std::copy_n(slot.received.begin(), job.icv.size(), job.icv.begin());
  job.ok = slot.completed;
  if (!job.ok) return;
  if (slot.text != job.text.data()) std::copy_n(slot.text, job.text.size(), job.text.begin());
  if (sealing) {
    std::copy_n(slot.tag.begin(), job.icv.size(), job.icv.begin());
  } else {
    job.ok = job.icv.empty() || same_tag(job.icv, slot.tag.data());
  }
}

}  // namespace testudo::crypto::ipsecmb
#endif
