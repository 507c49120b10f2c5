#pragma once
// Memory that ends where the next page may not be touched: a read or write of one byte too many ends the test program.
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"

namespace testudo::crypto {

class GuardPage {
 public:
  GuardPage() : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* const mapped = mmap(nullptr, kPages * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return;
    start_ = static_cast<std::uint8_t*>(mapped);
    guarded_ = mprotect(start_ + (kPages - 1) * page_, page_, PROT_NONE) == 0;
  }
  GuardPage(const GuardPage&) = delete;
  GuardPage& operator=(const GuardPage&) = delete;
  ~GuardPage() {
    if (start_ != nullptr) munmap(start_, kPages * page_);
  }

  bool ready() const { return guarded_; }
  /// The last bytes in front of the guard.
  MutableBytes last(std::size_t size) const { return {start_ + (kPages - 1) * page_ - size, size}; }

 private:
  static constexpr std::size_t kPages = 4;

  std::size_t page_;
  std::uint8_t* start_ = nullptr;
  bool guarded_ = false;
};

}  // namespace testudo::crypto
