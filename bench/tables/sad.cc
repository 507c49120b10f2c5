// Look-ups among many SAs.
//   sad COUNT LOOKUPS     installs COUNT inbound SAs of one destination and prints {"bytes": of each}; then, for each
//                         line that it reads, looks LOOKUPS of them up at random, 32 at a time as a batch of packets
//                         would, and prints {"rate": a second}.  At the end, {"used": bytes of each once all have keyed
//                         their ciphers}, as the first packet of each makes them
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "harness/gateway.h"
#include "io/random.h"
#include "sad/database.h"
#include "support/packets.h"
#include "support/sas.h"

namespace {

using namespace testudo;

constexpr std::size_t kBurst = 32;

std::size_t resident() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0, here = 0;
  in >> all >> here;
  return here * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// SPIs in no order that a cache or a hash could like.
Spi spi_of(std::uint32_t i) {
  return Spi{0x100 + (i * 0x9e3779b1U >> 1)};
}

void install(sad::Database& database, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    sad::SaParameters p = test::esp(net::Address::v4(0x0a000000 + i), test::ip("20.0.0.2"), "");
    p.cipher = crypto::cipher_by_name("aes-gcm-16");
    p.cipher_key = test::key(20, i);
    p.spi = spi_of(i);
    p.replay_packets = 64;
    p.group.mode = sad::Mode::Tunnel;
    auto sa = sad::Sa::make(std::move(p), Time{});
    if (!sa || !database.add(*std::move(sa))) bench::give_up("an SA is refused");
  }
}

/// As the engine asks for the SAs of a batch (sad::Database::foresee()).  As on the other side an SA itself is not
/// read.
double lookups(const sad::SpiIndex& index, const std::vector<sad::SpiIndex::Name>& names) {
  std::array<sad::SpiIndex::Found, kBurst> found{};
  std::size_t hits = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i + kBurst <= names.size(); i += kBurst) {
    index.find(std::span{names}.subspan(i, kBurst), found);
    for (const sad::SpiIndex::Found& one : found) hits += one.one != nullptr ? 1 : 0;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (hits != names.size() / kBurst * kBurst) bench::give_up("an SA was not found");
  return static_cast<double>(hits) / seconds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto count = static_cast<std::uint32_t>(std::atoi(argv[1]));
  const auto wanted = static_cast<std::size_t>(std::atoi(argv[2]));
  const sad::KeySettings settings;
  io::KernelRandom random;
  sad::Database database{settings, random};
  const std::size_t before = resident();
  install(database, count);
  const std::size_t bytes = (resident() - before) / count;
  std::cout << "{\"bytes\": " << bytes << "}" << std::endl;

  test::SeededRandom draw{1};
  std::vector<sad::Database::Name> names;
  for (std::size_t i = 0; i < wanted; ++i) {
    const Spi spi = spi_of(draw.below(count));
    names.push_back({test::ip("20.0.0.2"), sad::SaProtocol::Esp, spi});
  }
  const sad::Sa* one = database.inbound(sad::SaProtocol::Esp, test::ip("20.0.0.2"), spi_of(count / 2));
  if (one == nullptr || one->spi() != spi_of(count / 2)) bench::give_up("not the SA that was asked for");
  sad::SpiIndex index;
  for (std::uint32_t i = 0; i < count; ++i) {
    const sad::Database::Name name{test::ip("20.0.0.2"), sad::SaProtocol::Esp, spi_of(i)};
    index.put(name, {database.inbound(name.protocol, name.destination, name.spi)});
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << "{\"rate\": " << lookups(index, names) << "}" << std::endl;
  }
  const std::size_t unused = resident();
  for (std::uint32_t i = 0; i < count; ++i) {
    sad::Sa* const sa = database.inbound(sad::SaProtocol::Esp, test::ip("20.0.0.2"), spi_of(i));
    if (sa == nullptr || sa->suite(sa->share()) == nullptr) bench::give_up("an SA has no cipher");
  }
  std::cout << "{\"used\": " << bytes + (resident() - unused) / count << "}" << std::endl;
  return 0;
}
