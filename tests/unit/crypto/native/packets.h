#pragma once
// Random packets for the kernels, each part of each at any address.
#include <random>
#include <vector>

#include "crypto/suite.h"

namespace testudo::crypto::native {

using Chance = std::mt19937;

inline std::size_t below(Chance& chance, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>{0, end - 1}(chance);
}

inline void fill(MutableBytes out, Chance& chance) {
  for (auto& byte : out) byte = static_cast<std::uint8_t>(chance());
}

inline ByteVector random_bytes(Chance& chance, std::size_t size) {
  ByteVector out(size);
  fill(out, chance);
  return out;
}

/// Some packets, each part of each at any address.
struct Packets {
  std::vector<ByteVector> memory;
  std::vector<Job> jobs;

  Packets() = default;
  Packets(const Packets& o) : memory(o.memory), jobs(o.jobs) {
    for (std::size_t i = 0; i < jobs.size(); ++i) move_to(jobs[i], o.memory[i].data(), memory[i].data());
  }
  Packets& operator=(const Packets&) = delete;

  void add(std::size_t aad, std::size_t text, std::size_t icv, Chance& chance) {
    const std::size_t gap = below(chance, 64);
    memory.push_back(random_bytes(chance, gap + aad + 8 + text + icv));
    const MutableBytes all = MutableBytes{memory.back()}.subspan(gap);
    Job job{.aad = all.first(aad), .iv = all.subspan(aad, 8)};
    job.text = all.subspan(aad + 8, text);
    job.icv = all.last(icv);
    jobs.push_back(job);
  }

 private:
  static void move_to(Job& job, const std::uint8_t* from, std::uint8_t* to) {
    job.aad = {to + (job.aad.data() - from), job.aad.size()};
    job.iv = {to + (job.iv.data() - from), job.iv.size()};
    job.text = {to + (job.text.data() - from), job.text.size()};
    job.icv = {to + (job.icv.data() - from), job.icv.size()};
  }
};

inline std::size_t random_aad(Chance& chance) {
  switch (below(chance, 4)) {
    case 0:
      return 12;
    case 1:
      return below(chance, 70);
    default:
      return 8;
  }
}

/// Runs of equal packets, as a busy SA has them, and of all lengths.
inline Packets random_packets(std::size_t icv, Chance& chance) {
  Packets out;
  const std::size_t limit = below(chance, 2) == 0 ? 160 : 2001;
  const std::size_t count = 1 + below(chance, 20), aad = random_aad(chance), text = below(chance, limit);
  const bool alike = below(chance, 2) == 0;
  for (std::size_t i = 0; i < count; ++i) {
    out.add(alike ? aad : random_aad(chance), alike ? text : below(chance, limit), icv, chance);
  }
  return out;
}

inline void flip_a_bit(Bytes part, Chance& chance) {
  auto* const hit = const_cast<std::uint8_t*>(&part[below(chance, part.size())]);
  *hit = static_cast<std::uint8_t>(*hit ^ (1U << below(chance, 8)));
}

}  // namespace testudo::crypto::native
