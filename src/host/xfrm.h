#pragma once
// The kernel's own IPsec, where it has one: only whether anything is in it.  By NETLINK_XFRM.
#include <cstdint>

namespace testudo::host {

struct KernelIpsec {
  std::uint32_t sas = 0, policies = 0;
};

/// Zeros where the kernel knows no IPsec or does not say.
KernelIpsec count_kernel_ipsec();

}  // namespace testudo::host
