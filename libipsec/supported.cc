// SADB_REGISTER, and the algorithms that its reply lists.
#include <libpfkey.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "request.h"

namespace {

using namespace testudo;
using libipsec::refuse;
using pfkey::IpsecError;
using wire::pfkey::Algorithm;

/// Of the process, as in ipsec-tools: what the last reply said.
struct Supported {
  std::mutex mutex;
  std::vector<Algorithm> auth, encrypt;
};

Supported& supported() {
  static Supported lists;
  return lists;
}

const std::vector<Algorithm>* list_of(const Supported& lists, unsigned type) {
  if (type == SADB_EXT_SUPPORTED_AUTH) return &lists.auth;
  return type == SADB_EXT_SUPPORTED_ENCRYPT ? &lists.encrypt : nullptr;
}

/// -1 and the reason, or 0 and the row.
int find(unsigned type, unsigned id, Algorithm& found) {
  Supported& lists = supported();
  const std::lock_guard hold{lists.mutex};
  const auto* list = list_of(lists, type);
  if (list == nullptr) return refuse(IpsecError::InvalidArgument);
  if (list->empty()) return refuse(IpsecError::NoSupportedAlgorithms);
  for (const Algorithm& row : *list) {
    if (row.id != id) continue;
    found = row;
    libipsec::set_error(IpsecError::None);
    return 0;
  }
  return refuse(IpsecError::InvalidAlgorithm);
}

struct Free {
  void operator()(void* bytes) const { std::free(bytes); }  // NOLINT: of the C interface
};

}  // namespace

int pfkey_send_register(int so, u_int satype) {
  return libipsec::submit(so, libipsec::request(wire::pfkey::Type::Register, satype));
}

int pfkey_set_supported(sadb_msg* reply, int length) {
  if (reply == nullptr || length < 0) return refuse(IpsecError::InvalidArgument);
  const void* bytes = reply;
  auto message = wire::pfkey::parse({static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(length)});
  if (!message || message->type != wire::pfkey::Type::Register) return refuse(IpsecError::InvalidMessage);
  Supported& lists = supported();
  const std::lock_guard hold{lists.mutex};
  if (message->supported_auth) lists.auth = *std::move(message->supported_auth);
  if (message->supported_encrypt) lists.encrypt = *std::move(message->supported_encrypt);
  libipsec::set_error(IpsecError::None);
  return 0;
}

int pfkey_recv_register(int so) {
  const pid_t self = ::getpid();
  for (;;) {
    const std::unique_ptr<sadb_msg, Free> reply{pfkey_recv(so)};
    if (!reply) return -1;
    if (reply->sadb_msg_type != SADB_REGISTER || reply->sadb_msg_pid != static_cast<std::uint32_t>(self)) continue;
    if (reply->sadb_msg_errno != 0) {
      errno = reply->sadb_msg_errno;
      return refuse(IpsecError::System);
    }
    return pfkey_set_supported(reply.get(), reply->sadb_msg_len * 8);
  }
}

int ipsec_check_keylen(u_int type, u_int algorithm, u_int bits) {
  Algorithm row;
  if (find(type, algorithm, row) < 0) return -1;
  if (bits >= row.minbits && bits <= row.maxbits) return 0;
  std::fprintf(stderr, "%u %u %u\n", bits, row.minbits, row.maxbits);
  return refuse(IpsecError::InvalidKeyLength);
}

int ipsec_check_keylen2(u_int type, u_int algorithm, u_int bits) {
  return ipsec_check_keylen(type, algorithm, bits);
}

int ipsec_get_keylen(u_int type, u_int algorithm, sadb_alg* found) {
  if (found == nullptr) return refuse(IpsecError::InvalidArgument);
  Algorithm row;
  if (find(type, algorithm, row) < 0) return -1;
  found->sadb_alg_id = row.id;
  found->sadb_alg_ivlen = row.ivlen;
  found->sadb_alg_minbits = row.minbits;
  found->sadb_alg_maxbits = row.maxbits;
  found->sadb_alg_reserved = 0;
  return 0;
}
