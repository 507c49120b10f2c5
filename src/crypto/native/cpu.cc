#include "crypto/native/cpu.h"

#include <cstdint>

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace testudo::crypto::native {

#ifdef __x86_64__
namespace {

struct Leaf {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Leaf cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  Leaf out;
  if (__get_cpuid_count(leaf, subleaf, &out.eax, &out.ebx, &out.ecx, &out.edx) == 0) return {};
  return out;
}

constexpr std::uint32_t bit(unsigned n) {
  return std::uint32_t{1} << n;
}

constexpr bool has_all(std::uint32_t word, std::uint32_t bits) {
  return (word & bits) == bits;
}

/// XCR0: the register states that the kernel saves.
std::uint32_t saved_states() {
  constexpr std::uint32_t kOsxsave = bit(27);
  if (!has_all(cpuid(1, 0).ecx, kOsxsave)) return 0;
  std::uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool find_vaes_256() {
  constexpr std::uint32_t kPclmul = bit(1), kAes = bit(25), kAvx2 = bit(5), kVaes = bit(9), kVpclmul = bit(10);
  constexpr std::uint32_t kSseAndAvxStates = bit(1) | bit(2);
  const Leaf seven = cpuid(7, 0);
  return has_all(saved_states(), kSseAndAvxStates) && has_all(cpuid(1, 0).ecx, kPclmul | kAes) &&
         has_all(seven.ebx, kAvx2) && has_all(seven.ecx, kVaes | kVpclmul);
}

bool find_vaes_512() {
  constexpr std::uint32_t kBmi2 = bit(8), kFoundation = bit(16), kDwords = bit(17), kProducts = bit(21);
  constexpr std::uint32_t kBytes = bit(30), kShort = bit(31);
  constexpr std::uint32_t kAvx512States = bit(5) | bit(6) | bit(7);
  return find_vaes_256() && has_all(saved_states(), kAvx512States) &&
         has_all(cpuid(7, 0).ebx, kBmi2 | kFoundation | kDwords | kProducts | kBytes | kShort);
}

}  // namespace

// Asked once: a virtual machine leaves for its host at each cpuid, and every SA wants to know.
bool has_vaes_256() {
  static const bool has = find_vaes_256();
  return has;
}

bool has_vaes_512() {
  static const bool has = find_vaes_512();
  return has;
}
#else
bool has_vaes_256() {
  return false;
}

bool has_vaes_512() {
  return false;
}
#endif

}  // namespace testudo::crypto::native
