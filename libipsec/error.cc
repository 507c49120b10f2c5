#include "error.h"

#include <netipsec/ipsec.h>

#include <cerrno>
#include <cstring>

namespace testudo::libipsec {
namespace {

thread_local pfkey::IpsecError last_error = pfkey::IpsecError::None;
thread_local int last_errno = 0;

}  // namespace

void set_error(pfkey::IpsecError error) {
  last_error = error;
  last_errno = error == pfkey::IpsecError::System ? errno : 0;
}

}  // namespace testudo::libipsec

const char* ipsec_strerror() {
  using namespace testudo;
  if (libipsec::last_error == pfkey::IpsecError::System) return std::strerror(libipsec::last_errno);
  return pfkey::ipsec_error_text(libipsec::last_error).data();
}
