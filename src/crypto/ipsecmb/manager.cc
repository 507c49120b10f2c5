#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/manager.h"

#include <cstdint>

namespace testudo::crypto::ipsecmb {
namespace {

using Manager = std::unique_ptr<IMB_MGR, FreeManager>;

/// init_mb_mgr_auto() runs the library's self-test: a manager that did not pass it is none.
Manager make_manager() {
  Manager made{alloc_mb_mgr(0)};
  if (!made) return nullptr;
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(made.get(), &arch);
  // Without AES instructions the library (before 2.0) emulates them, slower than OpenSSL.
  constexpr std::uint64_t kNeeded = IMB_FEATURE_SELF_TEST_PASS | IMB_FEATURE_AESNI;
  const bool sound = imb_get_errno(made.get()) == 0 && arch != IMB_ARCH_NONE && (made->features & kNeeded) == kNeeded;
  return sound ? std::move(made) : nullptr;
}

}  // namespace

IMB_MGR* manager() {
  thread_local const Manager own = make_manager();
  return own.get();
}

}  // namespace testudo::crypto::ipsecmb
#endif
