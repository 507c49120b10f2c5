#pragma once
// The other side of the engine's figures: a cipher library called directly, with the same keys on the same buffers, and
// nothing of IPsec around it.
#include <memory>
#include <span>
#include <string>

#include "harness/gateway.h"
#include "harness/pool.h"

namespace testudo::bench {

/// What the library is given of one packet; the places are those of ESP in a tunnel.
struct Work {
  const std::uint8_t* head;  ///< SPI and sequence number, then the IV
  std::uint8_t* text;
  std::size_t length;  ///< of text; the ICV follows
};

/// How ESP with a cipher lies in a packet.
struct Shape {
  std::size_t iv = 8, block = 4, icv = 16;

  std::size_t head() const { return 8 + iv; }
  std::size_t padded(std::size_t payload) const { return (payload + 2 + block - 1) / block * block; }
  /// Of a packet that is not sealed: the head lies in its head room, trailer and ICV in its tail room.
  Work before_seal(PacketBuffer& packet, std::size_t size) const;
  /// Of a packet that the engine has sealed.
  Work sealed(PacketBuffer& packet) const;
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual void seal(std::span<const Work> batch) = 0;
  /// Decrypts and computes the tag, which GCM calls of libraries leave to the caller to compare.
  virtual void open(std::span<const Work> batch) = 0;
  Shape shape;

 protected:
  Peer() = default;
  Peer(const Peer&) = default;
  Peer& operator=(const Peer&) = default;
};

/// IMB_AES128_GCM_ENC and _DEC.
std::unique_ptr<Peer> make_ipsecmb_gcm(const Cipher& cipher);
/// chacha20_poly1305_init, _enc_update or _dec_update, _finalize.
std::unique_ptr<Peer> make_ipsecmb_chacha(const Cipher& cipher);
/// AES-128-CBC chained with HMAC-SHA-256-128 through the job API, flushed after each batch; seals only.
std::unique_ptr<Peer> make_ipsecmb_cbc_sha256(const Cipher& cipher);
/// EVP_aes_128_gcm, one context with the key set once.
std::unique_ptr<Peer> make_evp_gcm(const Cipher& cipher);

}  // namespace testudo::bench
