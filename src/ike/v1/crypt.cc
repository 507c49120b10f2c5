#include "ike/v1/crypt.h"

#include <array>

#include "base/endian.h"
#include "crypto/ike/prf.h"

namespace testudo::ike::v1 {
namespace {

ByteVector last_block(const IkeSa& sa, Bytes ciphertext) {
  const Bytes block = ciphertext.last(sa.agreed.cipher->cipher().block);
  return {block.begin(), block.end()};
}

std::array<std::uint8_t, 4> id_bytes(std::uint32_t message_id) {
  std::array<std::uint8_t, 4> bytes{};
  put_be32(bytes.data(), message_id);
  return bytes;
}

ByteVector iv_of(const IkeSa& sa, crypto::ike::Pieces pieces) {
  ByteVector iv = crypto::ike::digest(sa.agreed.hash->kind, pieces);
  iv.resize(sa.agreed.cipher->cipher().block);
  return iv;
}

}  // namespace

Result<Opened, wire::Malformed> open(const IkeSa& sa, Bytes iv, const wire::ike::Message& message) {
  const std::size_t block = sa.agreed.cipher->cipher().block;
  if (message.body.empty() || message.body.size() % block != 0) return Failure{wire::Malformed::BadLength};
  Opened opened;
  opened.plain.assign(message.body.begin(), message.body.end());
  opened.next_iv = last_block(sa, message.body);
  if (!crypto::ike::cbc_decrypt(sa.agreed.cipher->kind, sa.cipher_key.expose(), iv, opened.plain)) {
    return Failure{wire::Malformed::Unsupported};
  }
  TRY(opened.chain, v1wire::walk(v1wire::Payload{message.header.next}, opened.plain));
  return opened;
}

ByteVector seal(const IkeSa& sa, ByteVector& iv, wire::ike::Header header, const v1wire::ChainWriter& payloads) {
  ByteVector text = payloads.bytes();
  const std::size_t block = sa.agreed.cipher->cipher().block;
  text.resize((text.size() + block - 1) / block * block);
  if (!crypto::ike::cbc_encrypt(sa.agreed.cipher->kind, sa.cipher_key.expose(), iv, text)) return {};
  iv = last_block(sa, text);
  header.next = static_cast<std::uint8_t>(payloads.first());
  header.flags |= v1wire::flag::kEncryption;
  return wire::ike::compose(header, text);
}

ByteVector digest_of(Bytes datagram) {
  return crypto::ike::digest(crypto::ike::HashKind::Sha256, {datagram});
}

ByteVector phase1_iv(const IkeSa& sa) {
  return iv_of(sa, {sa.initiator.public_value, sa.responder.public_value});
}

ByteVector phase2_iv(const IkeSa& sa, std::uint32_t message_id) {
  return iv_of(sa, {sa.iv, id_bytes(message_id)});
}

Secret phase2_hash(const IkeSa& sa, std::uint32_t message_id, Bytes nonces, Bytes payloads) {
  return crypto::ike::prf(*sa.agreed.hash, sa.skeyid.a.expose(), {id_bytes(message_id), nonces, payloads});
}

Secret confirmation_hash(const IkeSa& sa, std::uint32_t message_id, Bytes nonce_i, Bytes nonce_r) {
  static constexpr std::array<std::uint8_t, 1> kZero{0};
  return crypto::ike::prf(*sa.agreed.hash, sa.skeyid.a.expose(), {kZero, id_bytes(message_id), nonce_i, nonce_r});
}

}  // namespace testudo::ike::v1
