#pragma once
// The library's IMB_MGR, one for each thread: nothing in it is safe to share.  A suite therefore owns
// keys only and asks for the manager of the thread that runs it, once a run.
#ifdef TESTUDO_HAVE_IPSECMB
#define NO_COMPAT_IMB_API_053  // the old names are macros called SHA1, CBC, …
#include <intel-ipsec-mb.h>

#include <array>
#include <memory>

#include "base/bytes.h"

static_assert(alignof(gcm_key_data) == 64, "compile with LINUX defined: the library's own alignment depends on it");

namespace testudo::crypto::ipsecmb {

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

/// Of the calling thread, made on its first call.  Null when the library cannot be used on this machine.
IMB_MGR* manager();

/// Wipes an object that holds expanded keys.
template <typename T>
void clear(T& keys) {
  imb_clear_mem(&keys, sizeof keys);
}

}  // namespace testudo::crypto::ipsecmb
#endif
