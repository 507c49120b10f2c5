// plainrsa-gen: makes RSA keys without certificates for racoon, or converts them.  plainrsa-gen(8).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/secret.h"
#include "config/plain_rsa_file.h"
#include "io/replace_file.h"

namespace testudo::app {
namespace {

using crypto::ike::RsaPrivateKey;
using crypto::ike::RsaPublicKey;

/// racoon's were 1024 and 3, with which signatures were forged where they were judged carelessly.
struct KeyWish {
  unsigned bits = 2048;
  std::uint32_t exponent = 65537;
  std::string out, in;
  bool only_public = false;
};

int fail(const std::string& text) {
  std::fprintf(stderr, "plainrsa-gen: %s\n", text.c_str());
  return EXIT_FAILURE;
}

Result<std::string, std::string> read_pem(const std::string& name) {
  std::ifstream file{name, std::ios::binary};
  if (!file) return Failure{name + ": " + std::strerror(errno)};
  // Never moves in memory, so that all of it can be wiped.
  static constexpr std::size_t kLargest = 65536;
  std::string text(kLargest, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Failure{name + ": cannot be read"};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<std::string, std::string> text_of(const KeyWish& wish, const RsaPrivateKey& key) {
  if (wish.only_public) return config::plain_rsa_text(key.public_key()) + "\n";
  return config::plain_rsa_text(key);
}

Result<std::string, std::string> converted(const KeyWish& wish) {
  TRY(std::string pem, read_pem(wish.in));
  const auto key = RsaPrivateKey::of_pem(pem);
  const auto public_key = key ? Result<RsaPublicKey, std::string>{key->public_key()} : RsaPublicKey::of_pem(pem);
  wipe(as_mutable_bytes(pem));
  if (key) return text_of(wish, *key);
  // Which of the two it was meant to be, its own words say best.
  if (!public_key) return Failure{wish.in + ": " + key.error()};
  return config::plain_rsa_text(*public_key) + "\n";
}

Result<std::string, std::string> made(const KeyWish& wish) {
  if (!wish.in.empty()) return converted(wish);
  TRY(const auto key, RsaPrivateKey::generate(wish.bits, wish.exponent));
  return text_of(wish, key);
}

int run(const KeyWish& wish) {
  auto text = made(wish);
  if (!text) return fail(text.error());
  int status = EXIT_SUCCESS;
  if (wish.out.empty()) {
    const bool written = std::fputs(text->c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    if (!written) status = fail(std::string{"standard output: "} + std::strerror(errno));
  } else if (const auto replaced = io::replace_file(wish.out, *text, 0600); !replaced) {
    status = fail(replaced.error().to_string());
  }
  wipe(as_mutable_bytes(*text));
  return status;
}

}  // namespace
}  // namespace testudo::app

int main(int argc, char** argv) {
  testudo::app::KeyWish wish;
  CLI::App app{"plainrsa-gen: makes RSA keys without certificates for racoon. plainrsa-gen(8)"};
  app.set_version_flag("--version", std::string{"plainrsa-gen (Testudo) "} + TESTUDO_VERSION);
  app.add_option("-b", wish.bits, "bits of the key")->capture_default_str()->check(CLI::Range(1024, 16384));
  app.add_option("-e", wish.exponent, "public exponent")->capture_default_str();
  app.add_option("-f", wish.out, "write to this file, which nobody else may read, instead of standard output");
  app.add_option("-i", wish.in, "convert this key, PEM, instead of making one");
  app.add_flag("-p", wish.only_public, "write the public key alone");
  // Its buffer would keep the key.
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  return testudo::app::run(wish);
}
