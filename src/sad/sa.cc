#include "sad/sa.h"

#include <algorithm>

#include "net/protocol.h"

namespace testudo::sad {
namespace {

using crypto::CipherKind;
using crypto::MacKind;

constexpr std::uint32_t kLowestSpi = 256;  // RFC 4303 section 2.1: 1..255 are reserved, 0 never goes on the wire
constexpr std::uint32_t kTcpSignatureSpi = 0x1000;  // KAME's constant
constexpr std::uint32_t kAhFixed = 12, kOldAhFixed = 8;

using Check = Status<SaError>;

Check refuse_unless(bool allowed) {
  if (!allowed) return Failure{SaError::BadCombination};
  return Done{};
}

bool is_des(const crypto::CipherRow& row) {
  return row.kind == CipherKind::DesCbc;
}

/// The IV is (part of) a nonce: repeating it under one key breaks the cipher, not only one packet.
bool iv_is_nonce(const crypto::CipherRow& row) {
  switch (row.kind) {
    case CipherKind::AesCtr:
    case CipherKind::AesGcm:
    case CipherKind::AesGmac:
    case CipherKind::AesCcm:
    case CipherKind::ChaCha20Poly1305:
      return true;
    default:
      return false;
  }
}

/// SADB_X_AALG_NULL beside an AEAD says the same as no authenticator at all.
const crypto::MacRow* separate_mac(const SaParameters& p) {
  const bool aead = p.cipher != nullptr && p.cipher->is_aead();
  return aead && p.mac != nullptr && p.mac->kind == MacKind::Null ? nullptr : p.mac;
}

Check check_esp(const SaParameters& p) {
  const SaFlags& f = p.flags;
  if (p.cipher == nullptr || p.compression != nullptr) return Failure{SaError::BadCombination};
  const crypto::MacRow* mac = separate_mac(p);
  const bool authenticated = p.cipher->is_aead() || (mac != nullptr && mac->esp_icv() != 0);
  TRY_DONE(refuse_unless(mac == nullptr || mac->kind != MacKind::TcpMd5));
  TRY_DONE(refuse_unless(mac == nullptr || !p.cipher->is_aead()));
  // RFC 1829's short IV belongs to the old header; a derived one needs the new header's sequence number.
  TRY_DONE(refuse_unless(!f.four_byte_iv || (f.old_format && is_des(*p.cipher))));
  TRY_DONE(refuse_unless(!f.derived_iv || (!f.old_format && !f.extended_sequence)));
  TRY_DONE(refuse_unless(!f.derived_iv || is_des(*p.cipher) || p.cipher->kind == CipherKind::TripleDesCbc));
  // An AEAD authenticates SPI and sequence number (RFC 4106 section 5): without one there is nothing to
  // authenticate.
  TRY_DONE(refuse_unless(!f.old_format || !p.cipher->is_aead()));
  // The high half is never sent: only the ICV can tell that it was guessed right.
  TRY_DONE(refuse_unless(!f.extended_sequence || (authenticated && !f.old_format)));
  return refuse_unless(p.spi.value >= kLowestSpi);
}

Check check_ah(const SaParameters& p) {
  const SaFlags& f = p.flags;
  TRY_DONE(refuse_unless(p.mac != nullptr && p.mac->kind != MacKind::TcpMd5));
  TRY_DONE(refuse_unless(p.cipher == nullptr && p.compression == nullptr));
  TRY_DONE(refuse_unless(!f.derived_iv && !f.four_byte_iv));
  TRY_DONE(refuse_unless(!f.extended_sequence || (!f.old_format && p.mac->kind != MacKind::Null)));
  return refuse_unless(p.spi.value >= kLowestSpi);
}

Check check_ipcomp(const SaParameters& p) {
  TRY_DONE(refuse_unless(p.compression != nullptr && p.cipher == nullptr && p.mac == nullptr));
  if (!p.compression->implemented) return Failure{SaError::NotAvailable};
  return refuse_unless(p.flags.raw_cpi || p.spi.value <= 0xffff);
}

Check check_tcp(const SaParameters& p) {
  TRY_DONE(refuse_unless(p.mac != nullptr && p.mac->kind == MacKind::TcpMd5));
  TRY_DONE(refuse_unless(p.cipher == nullptr && p.compression == nullptr));
  return refuse_unless(p.spi.value == kTcpSignatureSpi);
}

Check check_combination(const SaParameters& p) {
  TRY_DONE(refuse_unless(p.group.source.family() == p.group.destination.family()));
  TRY_DONE(refuse_unless(p.source_identity.has_value() == p.destination_identity.has_value()));
  TRY_DONE(refuse_unless(p.replay_packets <= ReplayWindow::kMaxPackets));
  switch (p.group.protocol) {
    case SaProtocol::Esp:
      return check_esp(p);
    case SaProtocol::Ah:
      return check_ah(p);
    case SaProtocol::Ipcomp:
      return check_ipcomp(p);
    case SaProtocol::TcpSignature:
      return check_tcp(p);
  }
  return Failure{SaError::BadCombination};
}

/// A key without an algorithm is as wrong as an algorithm without its key.
template <typename Row>
bool key_fits(const Row* row, const Secret& key) {
  return row == nullptr ? key.empty() : row->key.allows(key.size());
}

Check check_keys(const SaParameters& p) {
  if (!key_fits(p.cipher, p.cipher_key) || !key_fits(p.mac, p.mac_key)) return Failure{SaError::BadKeyLength};
  return Done{};
}

/// The same packets would be made and taken under the same numbers.
bool same_keying(const SaParameters& a, const SaParameters& b) {
  return a.cipher == b.cipher && a.mac == b.mac && a.compression == b.compression &&
         a.flags.old_format == b.flags.old_format && a.flags.extended_sequence == b.flags.extended_sequence &&
         equal_constant_time(a.cipher_key.expose(), b.cipher_key.expose()) &&
         equal_constant_time(a.mac_key.expose(), b.mac_key.expose());
}

IvSource iv_source_of(const SaParameters& p) {
  if (p.flags.derived_iv) return IvSource::Derived;
  if (p.flags.four_byte_iv) return IvSource::FourByte;
  if (p.cipher->iv == 0) return IvSource::None;
  return iv_is_nonce(*p.cipher) ? IvSource::Counter : IvSource::Random;
}

SaLayout esp_layout(const SaParameters& p) {
  SaLayout layout;
  const crypto::MacRow* mac = separate_mac(p);
  layout.header = p.flags.old_format ? 4 : 8;
  layout.iv = p.flags.derived_iv ? 0 : p.flags.four_byte_iv ? 4 : p.cipher->iv;
  layout.iv_source = iv_source_of(p);
  layout.icv = p.cipher->is_aead() ? p.cipher->icv : mac != nullptr ? mac->esp_icv() : std::uint8_t{0};
  layout.block = std::max<std::uint32_t>(p.cipher->block, 4);
  // RFC 3686 asks AES-CTR for no more than ESP does, 4; NetBSD pads it to 16 and refuses less (its BADILEN).
  layout.pad = std::max<std::uint32_t>(p.cipher->advertised_ivlen, layout.block);
  if (p.nat) layout.udp = p.nat->kind == NatTraversal::Kind::NonIke ? 16 : 8;
  layout.authenticated = layout.icv != 0;
  return layout;
}

SaLayout ah_layout(const SaParameters& p) {
  SaLayout layout;
  const bool old = p.flags.old_format;
  // RFC 4302 section 2.6: the header is a multiple of 4 bytes over IPv4, of 8 over IPv6.
  const std::uint32_t multiple = p.group.destination.is_v4() ? 4 : 8;
  layout.icv = old ? crypto::kOldAhIcv : p.mac->icv;
  layout.header = ((old ? kOldAhFixed : kAhFixed) + layout.icv + multiple - 1) / multiple * multiple;
  layout.authenticated = p.mac->kind != MacKind::Null;
  return layout;
}

SaLayout layout_of(const SaParameters& p) {
  switch (p.group.protocol) {
    case SaProtocol::Esp:
      return esp_layout(p);
    case SaProtocol::Ah:
      return ah_layout(p);
    case SaProtocol::Ipcomp:
      return SaLayout{.header = 4};
    case SaProtocol::TcpSignature:
      return {};
  }
  return {};
}

/// setkey asks for cycling unless it is told `nocyclic-seq`: honoured where a repeated number only weakens
/// the peer's replay check, refused where it would repeat a nonce, and with ESN, where RFC 4303 section 3.3.3
/// has no such thing.
Sequence::Wrap wrap_of(const SaParameters& p) {
  const bool nonce = p.flags.derived_iv || (p.cipher != nullptr && iv_is_nonce(*p.cipher));
  const bool cycle = p.flags.cyclic_sequence && !p.flags.extended_sequence && !nonce;
  return cycle ? Sequence::Wrap::Cycle : Sequence::Wrap::Never;
}

/// "This service MUST NOT be enabled unless the ESP integrity service also is enabled" (RFC 4303 section 3.4.3); the
/// old formats have no number to check.
std::uint32_t window_of(const SaParameters& p, const SaLayout& layout) {
  return layout.authenticated && !p.flags.old_format ? p.replay_packets : 0;
}

SaError translate(crypto::KeyError error) {
  switch (error) {
    case crypto::KeyError::BadLength:
      return SaError::BadKeyLength;
    case crypto::KeyError::WeakKey:
    case crypto::KeyError::NotCombinable:
      return SaError::BadCombination;
    case crypto::KeyError::NotAvailable:
      return SaError::NotAvailable;
  }
  return SaError::BadCombination;
}

crypto::SuiteKeys suite_keys(const SaParameters& p) {
  const crypto::MacRow* mac = separate_mac(p);
  const bool sends_icv = mac != nullptr && mac->esp_icv() != 0;
  return {.cipher = p.cipher,
          .cipher_key = p.cipher_key.expose(),
          .mac = sends_icv ? mac : nullptr,
          .mac_key = sends_icv ? p.mac_key.expose() : Bytes{}};
}

/// Whether the algorithms take these keys; they are keyed when the first packet comes.
Check check_algorithms(const SaParameters& p) {
  switch (p.group.protocol) {
    case SaProtocol::Esp: {
      const auto can_be = crypto::check_suite(suite_keys(p));
      if (!can_be) return Failure{translate(can_be.error())};
      return Done{};
    }
    case SaProtocol::Ah: {
      const auto mac = crypto::make_mac(*p.mac, p.mac_key.expose());
      if (!mac) return Failure{translate(mac.error())};
      return Done{};
    }
    case SaProtocol::Ipcomp:
    case SaProtocol::TcpSignature:  // stored for the TCP of the host; nothing here computes it
      return Done{};
  }
  return Failure{SaError::BadCombination};
}

}  // namespace

std::uint8_t ip_protocol(SaProtocol p) {
  switch (p) {
    case SaProtocol::Ah:
      return net::protocol::kAh;
    case SaProtocol::Esp:
      return net::protocol::kEsp;
    case SaProtocol::Ipcomp:
      return net::protocol::kIpcomp;
    case SaProtocol::TcpSignature:
      return net::protocol::kTcp;
  }
  return 0;
}

Sa::~Sa() {
  std::unique_ptr<Share> other{first_.next_.load()};
  while (other) other.reset(other->next_.load());
}

/// Few workers, and once for each run of packets: a list is short enough.
Share& Sa::share_of(Worker worker) {
  Share* newest = first_.next_.load(std::memory_order_acquire);
  for (Share* at = newest; at != nullptr; at = at->next_.load(std::memory_order_acquire)) {
    if (at->worker_ == worker) return *at;
  }
  auto made = std::make_unique<Share>(worker);
  do {
    made->next_.store(newest, std::memory_order_relaxed);
  } while (!first_.next_.compare_exchange_weak(newest, made.get(), std::memory_order_release));
  return *made.release();
}

Usage Sa::usage() const {
  Usage sum = first_.usage();
  for (const Share* at = first_.next_.load(std::memory_order_acquire); at != nullptr;
       at = at->next_.load(std::memory_order_acquire)) {
    sum += at->usage();
  }
  return sum;
}

std::unique_ptr<crypto::Suite> Sa::make_suite() const {
  if (parameters_.cipher == nullptr) return nullptr;  // larval
  auto suite = crypto::make_suite(suite_keys(parameters_));
  return suite ? *std::move(suite) : nullptr;
}

std::unique_ptr<crypto::Mac> Sa::make_mac() const {
  if (parameters_.mac == nullptr) return nullptr;  // larval
  auto mac = crypto::make_mac(*parameters_.mac, parameters_.mac_key.expose());
  return mac ? *std::move(mac) : nullptr;
}

Result<std::unique_ptr<Sa>, SaError> Sa::make(SaParameters parameters, Time now) {
  TRY_DONE(check_combination(parameters));
  TRY_DONE(check_keys(parameters));
  TRY_DONE(check_algorithms(parameters));
  std::unique_ptr<Sa> sa{new Sa};
  sa->parameters_ = std::move(parameters);
  const SaParameters& p = sa->parameters_;
  sa->parameters_.group.ports = p.nat ? Ports{p.nat->source_port, p.nat->destination_port} : Ports{};
  sa->layout_ = layout_of(p);
  sa->sequence = Sequence{p.flags.extended_sequence, wrap_of(p), p.counted};
  ReplayWindow seen{0, p.flags.extended_sequence};
  if (p.counted != 0) seen.commit(p.counted);
  sa->window = seen.resized(window_of(p, sa->layout_));
  sa->created_ = now;
  sa->state_ = State::Mature;
  return sa;
}

void Sa::continue_from(const Sa& old) {
  if (!old.usable() || !same_keying(parameters_, old.parameters_)) return;
  sequence = Sequence{parameters_.flags.extended_sequence, wrap_of(parameters_), old.sequence.last()};
  window = old.window.resized(window.packets());
  iv_counter = old.iv_counter;
  first_.start_from(old.usage());
  first_.identification = old.first_.identification;
  created_ = old.created_;
}

std::unique_ptr<Sa> Sa::larval(const SaGroup& group, Spi spi, std::uint32_t message_sequence, std::uint32_t pid,
                               Time now) {
  std::unique_ptr<Sa> sa{new Sa};
  sa->parameters_.group = group;
  sa->parameters_.spi = spi;
  sa->parameters_.message_sequence = message_sequence;
  sa->parameters_.pid = pid;
  sa->created_ = now;
  return sa;
}

}  // namespace testudo::sad
