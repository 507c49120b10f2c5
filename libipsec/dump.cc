// Messages as text, in the words of setkey.
#include <libpfkey.h>

#include <cstdio>
#include <ctime>

#include "cli/setkey/print_debug.h"
#include "cli/setkey/print_policy.h"
#include "cli/setkey/print_sa.h"

namespace {

using namespace testudo;

constexpr std::size_t kWord = 8;  // what sadb_msg_len counts

Bytes bytes_of(const sadb_msg* message) {
  const void* erased = message;
  if (message == nullptr || message->sadb_msg_len < sizeof(sadb_msg) / kWord) return {};
  return {static_cast<const std::uint8_t*>(erased), message->sadb_msg_len * kWord};
}

using Print = std::string(const wire::pfkey::Message&, const cli::PrintOptions&);

void dump(const sadb_msg* bytes, bool ports, Print* print) {
  const auto message = wire::pfkey::parse(bytes_of(bytes));
  if (!message) return void(std::printf("invalid message.\n"));
  std::fputs(print(*message, {ports, std::time(nullptr)}).c_str(), stdout);
}

}  // namespace

void pfkey_sadump(sadb_msg* message) {
  dump(message, false, cli::print_sa);
}

void pfkey_sadump_withports(sadb_msg* message) {
  dump(message, true, cli::print_sa);
}

void pfkey_spdump(sadb_msg* message) {
  dump(message, false, cli::print_policy);
}

void pfkey_spdump_withports(sadb_msg* message) {
  dump(message, true, cli::print_policy);
}

void kdebug_sadb(sadb_msg* message) {
  std::fputs(cli::print_debug(bytes_of(message)).c_str(), stdout);
}

void ipsec_hexdump(const void* bytes, int length) {
  constexpr int kGroup = 4, kLine = 32;
  const auto* byte = static_cast<const std::uint8_t*>(bytes);
  for (int i = 0; byte != nullptr && i < length; ++i) {
    if (i != 0 && i % kLine == 0) std::putchar('\n');
    std::printf(i % kGroup == 0 ? " %02x" : "%02x", byte[i]);
  }
}
