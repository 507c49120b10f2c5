#ifdef TESTUDO_HAVE_IPSECMB
#include "crypto/ipsecmb/manager.h"

namespace testudo::crypto::ipsecmb {
namespace {

using Manager = std::unique_ptr<IMB_MGR, FreeManager>;

/// init_mb_mgr_auto() runs the library's self-test: a manager that did not pass it is none.
Manager make_manager() {
  Manager made{alloc_mb_mgr(0)};
  if (!made) return nullptr;
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(made.get(), &arch);
  const bool sound = imb_get_errno(made.get()) == 0 && arch != IMB_ARCH_NONE && arch != IMB_ARCH_NOAESNI &&
                     (made->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
  return sound ? std::move(made) : nullptr;
}

}  // namespace

IMB_MGR* manager() {
  thread_local const Manager own = make_manager();
  return own.get();
}

}  // namespace testudo::crypto::ipsecmb
#endif
