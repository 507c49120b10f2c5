#include "crypto/stretched_random.h"

#include <algorithm>

#include "base/secret.h"

namespace testudo::crypto {
namespace {

constexpr std::size_t kKey = 32, kCounterAndNonce = 16;

bool set_key(EVP_CIPHER_CTX& context, const std::array<std::uint8_t, kKey>& key) {
  static constexpr std::array<std::uint8_t, kCounterAndNonce> kZero{};  // no key is used twice
  return EVP_EncryptInit_ex2(&context, nullptr, key.data(), kZero.data(), nullptr) == 1;
}

}  // namespace

StretchedRandom::StretchedRandom(Random& source) : source_(source) {
  const openssl::CipherPtr cipher = openssl::fetch_cipher("ChaCha20");
  if (!cipher) return;
  context_.reset(EVP_CIPHER_CTX_new());
  const bool usable = context_ && EVP_EncryptInit_ex2(context_.get(), cipher.get(), nullptr, nullptr, nullptr) == 1;
  if (!usable) context_.reset();
}

StretchedRandom::~StretchedRandom() {
  wipe(ahead_);
}

void StretchedRandom::fill(MutableBytes out) {
  if (out.size() > ahead_.size() / 8) return source_.fill(out);  // not worth a copy
  if (out.size() > left_) fetch();
  const MutableBytes given = MutableBytes{ahead_}.last(left_).first(out.size());
  std::ranges::copy(given, out.begin());
  std::ranges::fill(given, std::uint8_t{0});
  left_ -= out.size();
}

void StretchedRandom::fetch() {
  ahead_.fill(0);
  if (!stretch(ahead_)) source_.fill(ahead_);
  left_ = ahead_.size();
}

/// The key stream over zeros.
bool StretchedRandom::stretch(MutableBytes out) {
  if (!context_) return false;
  std::array<std::uint8_t, kKey> key;
  source_.fill(key);
  int length = 0;
  const bool made =
      set_key(*context_, key) &&
      EVP_EncryptUpdate(context_.get(), out.data(), &length, out.data(), static_cast<int>(out.size())) == 1 &&
      static_cast<std::size_t>(length) == out.size();
  wipe(key);
  // It is in the context, too, until another takes its place.
  if (!set_key(*context_, {})) context_.reset();
  return made;
}

}  // namespace testudo::crypto
