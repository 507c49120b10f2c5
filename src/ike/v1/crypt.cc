#include "ike/v1/crypt.h"

#include <algorithm>
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

/// `text`, padded: the ciphertext takes its place.
ByteVector encrypted(const IkeSa& sa, ByteVector& iv, wire::ike::Header header, ByteVector& text) {
  const std::size_t block = sa.agreed.cipher->cipher().block;
  text.resize((text.size() + block - 1) / block * block);
  if (!crypto::ike::cbc_encrypt(sa.agreed.cipher->kind, sa.cipher_key.expose(), iv, text)) return {};
  iv = last_block(sa, text);
  header.flags |= v1wire::flag::kEncryption;
  return wire::ike::compose(header, text);
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
  header.next = static_cast<std::uint8_t>(payloads.first());
  return encrypted(sa, iv, header, text);
}

ByteVector seal_proven(const IkeSa& sa, ByteVector& iv, Proven payload) {
  const WipeAtEnd wiped_body{payload.body};
  const std::size_t hash_bytes = 4U + sa.agreed.hash->digest;
  // Of its final size from the beginning: what is in it never moves in memory.
  ByteVector text;
  const WipeAtEnd wiped_text{text};
  text.reserve(hash_bytes + 4 + payload.body.size() + sa.agreed.cipher->cipher().block);
  text.resize(hash_bytes + 4);
  put_be16(text.data() + hash_bytes + 2, static_cast<std::uint16_t>(4 + payload.body.size()));
  text.insert(text.end(), payload.body.begin(), payload.body.end());
  const Secret hash = phase2_hash(sa, payload.message_id, {}, Bytes{text}.subspan(hash_bytes));
  text[0] = static_cast<std::uint8_t>(payload.type);
  put_be16(text.data() + 2, static_cast<std::uint16_t>(hash_bytes));
  std::ranges::copy(hash.expose().first(hash_bytes - 4), text.begin() + 4);
  wire::ike::Header header;
  header.initiator = sa.cookies.initiator;
  header.responder = sa.cookies.responder;
  header.exchange = static_cast<std::uint8_t>(payload.exchange);
  header.message_id = payload.message_id;
  header.next = static_cast<std::uint8_t>(v1wire::Payload::Hash);
  return encrypted(sa, iv, header, text);
}

Result<Opened, std::string> open_proven(const IkeSa& sa, Bytes iv, const wire::ike::Message& message) {
  auto opened = open(sa, iv, message);
  if (!opened) return Failure{std::string{"a message that cannot be decrypted"}};
  const auto& payloads = opened->chain.payloads;
  if (payloads.empty() || payloads.front().type != v1wire::Payload::Hash) return Failure{std::string{"it has no HASH"}};
  const Bytes hash = payloads.front().body;
  const std::size_t begin = 4 + hash.size();
  const Bytes rest = Bytes{opened->plain}.subspan(begin, opened->chain.used - begin);
  const Secret right = phase2_hash(sa, message.header.message_id, {}, rest);
  if (equal_constant_time(right.expose(), hash)) return *std::move(opened);
  return Failure{std::string{"a wrong HASH"}};
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
