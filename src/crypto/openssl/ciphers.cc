#include "crypto/openssl/ciphers.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "base/secret.h"
#include "crypto/openssl/library.h"

namespace testudo::crypto::openssl {
namespace {

/// OpenSSL's name of an algorithm with a key of so many bytes (0: of any length).
struct Name {
  CipherKind kind;
  std::size_t key;
  const char* name;
};

constexpr std::array kCbcNames{
    Name{CipherKind::DesCbc, 0, "DES-CBC"},
    Name{CipherKind::TripleDesCbc, 0, "DES-EDE3-CBC"},
    Name{CipherKind::BlowfishCbc, 0, "BF-CBC"},
    Name{CipherKind::Cast128Cbc, 0, "CAST5-CBC"},
    Name{CipherKind::AesCbc, 16, "AES-128-CBC"},
    Name{CipherKind::AesCbc, 24, "AES-192-CBC"},
    Name{CipherKind::AesCbc, 32, "AES-256-CBC"},
    Name{CipherKind::CamelliaCbc, 16, "CAMELLIA-128-CBC"},
    Name{CipherKind::CamelliaCbc, 24, "CAMELLIA-192-CBC"},
    Name{CipherKind::CamelliaCbc, 32, "CAMELLIA-256-CBC"},
};
constexpr std::array kCtrNames{
    Name{CipherKind::AesCtr, 16, "AES-128-CTR"},
    Name{CipherKind::AesCtr, 24, "AES-192-CTR"},
    Name{CipherKind::AesCtr, 32, "AES-256-CTR"},
};

CipherPtr fetch(std::span<const Name> names, CipherKind kind, std::size_t key) {
  const auto found =
      std::ranges::find_if(names, [&](const Name& n) { return n.kind == kind && (n.key == 0 || n.key == key); });
  return found == names.end() ? nullptr : fetch_cipher(found->name);
}

bool update(EVP_CIPHER_CTX& context, MutableBytes text) {
  int written = 0;
  return EVP_CipherUpdate(&context, text.data(), &written, text.data(), static_cast<int>(text.size())) == 1 &&
         static_cast<std::size_t>(written) == text.size();
}

class NullCipher final : public Cipher {
 public:
  bool encrypt(Bytes, MutableBytes) override { return true; }
  bool decrypt(Bytes, MutableBytes) override { return true; }
  std::unique_ptr<Cipher> clone() const override { return std::make_unique<NullCipher>(); }
};

/// The key schedules of the two directions differ, so each has its context.
class CbcCipher final : public Cipher {
 public:
  static std::unique_ptr<Cipher> make(CipherKind kind, Bytes key) {
    const CipherPtr cipher = fetch(kCbcNames, kind, key.size());
    if (!cipher) return nullptr;
    auto made = std::make_unique<CbcCipher>();
    made->kind_ = kind;
    made->key_ = Secret{key};
    made->encryption_ = keyed_context(*cipher, key, Direction::Encrypt);
    made->decryption_ = keyed_context(*cipher, key, Direction::Decrypt);
    if (!made->encryption_ || !made->decryption_) return nullptr;
    return made;
  }

  bool encrypt(Bytes iv, MutableBytes text) override {
    return restart(*encryption_, iv.data(), Direction::Encrypt) && update(*encryption_, text);
  }
  bool decrypt(Bytes iv, MutableBytes text) override {
    return restart(*decryption_, iv.data(), Direction::Decrypt) && update(*decryption_, text);
  }
  std::unique_ptr<Cipher> clone() const override { return make(kind_, key_.expose()); }

 private:
  CipherKind kind_{};
  Secret key_;
  CipherContext encryption_, decryption_;
};

/// RFC 3686 section 4: the counter block is nonce | IV | one.
class CtrCipher final : public Cipher {
 public:
  static std::unique_ptr<Cipher> make(const CipherRow& row, Bytes key) {
    const Bytes cipher_key = key.first(key.size() - row.salt);
    const CipherPtr cipher = fetch(kCtrNames, row.kind, cipher_key.size());
    if (!cipher) return nullptr;
    auto made = std::make_unique<CtrCipher>();
    made->row_ = &row;
    made->key_ = Secret{key};
    made->context_ = keyed_context(*cipher, cipher_key, Direction::Encrypt);
    std::ranges::copy(key.last(row.salt), made->counter_.begin());
    put_be32(made->counter_.data() + 12, 1);
    if (!made->context_) return nullptr;
    return made;
  }

  bool encrypt(Bytes iv, MutableBytes text) override {
    std::ranges::copy(iv, counter_.begin() + 4);
    return restart(*context_, counter_.data(), Direction::Encrypt) && update(*context_, text);
  }
  bool decrypt(Bytes iv, MutableBytes text) override { return encrypt(iv, text); }
  std::unique_ptr<Cipher> clone() const override { return make(*row_, key_.expose()); }

 private:
  const CipherRow* row_ = nullptr;
  Secret key_;
  CipherContext context_;
  std::array<std::uint8_t, 16> counter_{};
};

}  // namespace

std::unique_ptr<Cipher> make_cipher(const CipherRow& row, Bytes key) {
  if (row.kind == CipherKind::Null) return std::make_unique<NullCipher>();
  if (row.kind == CipherKind::AesCtr) return CtrCipher::make(row, key);
  return CbcCipher::make(row.kind, key);
}

}  // namespace testudo::crypto::openssl
