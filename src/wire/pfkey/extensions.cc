#include "wire/pfkey/extensions.h"

#include <algorithm>
#include <array>

#include "wire/pfkey/sockaddr.h"

namespace testudo::wire::pfkey {
namespace {

using Parsed = Status<ParseError>;

/// Cuts the reader's errors down to the one that PF_KEY has for them.
template <typename T>
Result<T, ParseError> sized(Result<T, Malformed> value) {
  if (!value) return Failure{ParseError::BadExtensionLength};
  return *std::move(value);
}

// sadb_sa: spi be32 | replay u8 | state u8 | auth u8 | encrypt u8 | flags u32.
Parsed parse_sa(Reader& in, Message& into) {
  SaExt sa;
  TRY(const auto spi, sized(in.u32()));
  TRY(sa.replay, sized(in.u8()));
  TRY(const auto state, sized(in.u8()));
  TRY(sa.auth, sized(in.u8()));
  TRY(sa.encrypt, sized(in.u8()));
  TRY(sa.flags, sized(in.host32()));
  sa.spi = Spi{spi};
  sa.state = static_cast<SaState>(state);
  into.sa = sa;
  return Done{};
}

bool compose_sa(const Message& from, Writer& out) {
  if (!from.sa) return false;
  const SaExt& sa = *from.sa;
  out.u32(sa.spi.value).u8(sa.replay).u8(static_cast<std::uint8_t>(sa.state)).u8(sa.auth).u8(sa.encrypt);
  out.host32(sa.flags);
  return true;
}

// sadb_lifetime: allocations u32 | bytes u64 | addtime u64 | usetime u64.
template <auto Member>
Parsed parse_lifetime(Reader& in, Message& into) {
  LifetimeExt life;
  TRY(life.allocations, sized(in.host32()));
  TRY(life.bytes, sized(in.host64()));
  TRY(life.addtime, sized(in.host64()));
  TRY(life.usetime, sized(in.host64()));
  into.*Member = life;
  return Done{};
}

template <auto Member>
bool compose_lifetime(const Message& from, Writer& out) {
  const auto& life = from.*Member;
  if (!life) return false;
  out.host32(life->allocations).host64(life->bytes).host64(life->addtime).host64(life->usetime);
  return true;
}

// sadb_address: proto u8 | prefixlen u8 | reserved u16 | sockaddr, padded to 8.
Result<AddressExt, ParseError> parse_address_body(Reader& in) {
  AddressExt address;
  TRY(address.protocol, sized(in.u8()));
  TRY(address.prefix_length, sized(in.u8()));
  TRY_DONE(sized(in.skip(2)));
  TRY(address.endpoint, parse_sockaddr(in));
  if (!address.endpoint.address.is_v4()) TRY_DONE(sized(in.skip(4)));
  if (address.prefix_length > address.endpoint.address.width()) return Failure{ParseError::BadAddress};
  return address;
}

void compose_address_body(const AddressExt& address, Writer& out) {
  out.u8(address.protocol).u8(address.prefix_length).zeros(2);
  compose_sockaddr(address.endpoint, out);
}

template <auto Member>
Parsed parse_address(Reader& in, Message& into) {
  TRY(into.*Member, parse_address_body(in));
  return Done{};
}

template <auto Member>
bool compose_address(const Message& from, Writer& out) {
  if (!(from.*Member)) return false;
  compose_address_body(*(from.*Member), out);
  return true;
}

// The original address of NAT traversal: an address extension of which only the address means something.
template <auto Member>
Parsed parse_original(Reader& in, Message& into) {
  TRY(const auto address, parse_address_body(in));
  into.*Member = address.endpoint.address;
  return Done{};
}

template <auto Member>
bool compose_original(const Message& from, Writer& out) {
  const auto& original = from.*Member;
  if (!original) return false;
  AddressExt address;
  address.endpoint = {*original, 0};
  address.prefix_length = static_cast<std::uint8_t>(original->width());
  compose_address_body(address, out);
  return true;
}

// sadb_key: bits u16 | reserved u16 | the key, padded to 8.
template <auto Member>
Parsed parse_key(Reader& in, Message& into) {
  KeyExt key;
  TRY(key.bits, sized(in.host16()));
  TRY_DONE(sized(in.skip(2)));
  TRY(const auto bytes, sized(in.take((key.bits + 7U) / 8U)));
  key.key = Secret{bytes};
  if (in.remaining() < 8) TRY_DONE(sized(in.skip(in.remaining())));
  into.*Member = std::move(key);
  return Done{};
}

template <auto Member>
bool compose_key(const Message& from, Writer& out) {
  const auto& key = from.*Member;
  if (!key) return false;
  const Bytes bytes = key->key.expose();
  // RFC 2367 section 2.3.4 counts bits; a count that does not belong to these bytes is replaced by theirs.
  const bool fits = (key->bits + 7U) / 8U == bytes.size();
  out.host16(fits ? key->bits : static_cast<std::uint16_t>(bytes.size() * 8)).zeros(2).raw(bytes);
  return true;
}

// sadb_ident: type u16 | reserved u16 | id u64 | a string with its NUL, padded to 8.
template <auto Member>
Parsed parse_identity(Reader& in, Message& into) {
  IdentityExt identity;
  TRY(const auto type, sized(in.host16()));
  TRY_DONE(sized(in.skip(2)));
  TRY(identity.id, sized(in.host64()));
  TRY(const auto text, sized(in.take(in.remaining())));
  identity.type = static_cast<IdentityType>(type);
  identity.text.assign(text.begin(), std::ranges::find(text, 0));
  into.*Member = std::move(identity);
  return Done{};
}

template <auto Member>
bool compose_identity(const Message& from, Writer& out) {
  const auto& identity = from.*Member;
  if (!identity) return false;
  out.host16(static_cast<std::uint16_t>(identity->type)).zeros(2).host64(identity->id);
  const std::string_view text = identity->text;
  if (!text.empty()) out.raw(as_bytes(text.substr(0, text.find('\0')))).zeros(1);
  return true;
}

// sadb_comb: 72 bytes.
Result<Combination, ParseError> parse_combination(Reader& in) {
  Combination c;
  TRY(c.auth, sized(in.u8()));
  TRY(c.encrypt, sized(in.u8()));
  TRY(c.flags, sized(in.host16()));
  TRY(c.auth_minbits, sized(in.host16()));
  TRY(c.auth_maxbits, sized(in.host16()));
  TRY(c.encrypt_minbits, sized(in.host16()));
  TRY(c.encrypt_maxbits, sized(in.host16()));
  TRY_DONE(sized(in.skip(4)));
  TRY(c.soft.allocations, sized(in.host32()));
  TRY(c.hard.allocations, sized(in.host32()));
  TRY(c.soft.bytes, sized(in.host64()));
  TRY(c.hard.bytes, sized(in.host64()));
  TRY(c.soft.addtime, sized(in.host64()));
  TRY(c.hard.addtime, sized(in.host64()));
  TRY(c.soft.usetime, sized(in.host64()));
  TRY(c.hard.usetime, sized(in.host64()));
  return c;
}

void compose_combination(const Combination& c, Writer& out) {
  out.u8(c.auth).u8(c.encrypt).host16(c.flags);
  out.host16(c.auth_minbits).host16(c.auth_maxbits).host16(c.encrypt_minbits).host16(c.encrypt_maxbits);
  out.zeros(4).host32(c.soft.allocations).host32(c.hard.allocations);
  out.host64(c.soft.bytes).host64(c.hard.bytes).host64(c.soft.addtime).host64(c.hard.addtime);
  out.host64(c.soft.usetime).host64(c.hard.usetime);
}

// sadb_prop: replay u8 | reserved u8[3] | sadb_comb[].
Parsed parse_proposal(Reader& in, Message& into) {
  ProposalExt proposal;
  TRY(proposal.replay, sized(in.u8()));
  TRY_DONE(sized(in.skip(3)));
  while (!in.empty()) {
    TRY(const auto combination, parse_combination(in));
    proposal.combinations.push_back(combination);
  }
  into.proposal = std::move(proposal);
  return Done{};
}

bool compose_proposal(const Message& from, Writer& out) {
  if (!from.proposal) return false;
  out.u8(from.proposal->replay).zeros(3);
  for (const Combination& c : from.proposal->combinations) compose_combination(c, out);
  return true;
}

// sadb_supported: reserved u32 | sadb_alg[]: id u8 | ivlen u8 | minbits u16 | maxbits u16 | reserved u16.
template <auto Member>
Parsed parse_supported(Reader& in, Message& into) {
  std::vector<Algorithm> list;
  TRY_DONE(sized(in.skip(4)));
  while (!in.empty()) {
    Algorithm a;
    TRY(a.id, sized(in.u8()));
    TRY(a.ivlen, sized(in.u8()));
    TRY(a.minbits, sized(in.host16()));
    TRY(a.maxbits, sized(in.host16()));
    TRY_DONE(sized(in.skip(2)));
    list.push_back(a);
  }
  into.*Member = std::move(list);
  return Done{};
}

template <auto Member>
bool compose_supported(const Message& from, Writer& out) {
  if (!(from.*Member)) return false;
  out.zeros(4);
  for (const Algorithm& a : *(from.*Member)) out.u8(a.id).u8(a.ivlen).host16(a.minbits).host16(a.maxbits).zeros(2);
  return true;
}

// sadb_spirange: min u32 | max u32 | reserved u32, all in host order.
Parsed parse_spi_range(Reader& in, Message& into) {
  SpiRangeExt range;
  TRY(range.min, sized(in.host32()));
  TRY(range.max, sized(in.host32()));
  TRY_DONE(sized(in.skip(4)));
  into.spi_range = range;
  return Done{};
}

bool compose_spi_range(const Message& from, Writer& out) {
  if (!from.spi_range) return false;
  out.host32(from.spi_range->min).host32(from.spi_range->max).zeros(4);
  return true;
}

Parsed parse_policy_extension(Reader& in, Message& into) {
  TRY(into.policy, parse_policy_body(in));
  return Done{};
}

bool compose_policy_extension(const Message& from, Writer& out) {
  if (!from.policy) return false;
  compose_policy_body(*from.policy, out);
  return true;
}

// sadb_x_sa2: mode u8 | reserved u8 | reserved u16 | sequence u32 | reqid u32.
Parsed parse_sa2(Reader& in, Message& into) {
  Sa2Ext sa2;
  TRY(const auto mode, sized(in.u8()));
  TRY_DONE(sized(in.skip(3)));
  TRY(sa2.sequence, sized(in.host32()));
  TRY(const auto reqid, sized(in.host32()));
  sa2.mode = static_cast<Mode>(mode);
  sa2.reqid = ReqId{reqid};
  into.sa2 = sa2;
  return Done{};
}

bool compose_sa2(const Message& from, Writer& out) {
  if (!from.sa2) return false;
  out.u8(static_cast<std::uint8_t>(from.sa2->mode)).zeros(3).host32(from.sa2->sequence);
  out.host32(from.sa2->reqid.value);
  return true;
}

// sadb_x_nat_t_type: type u8 | reserved u8[3].
Parsed parse_nat_type(Reader& in, Message& into) {
  TRY(into.nat_t_type, sized(in.u8()));
  TRY_DONE(sized(in.skip(3)));
  return Done{};
}

bool compose_nat_type(const Message& from, Writer& out) {
  if (!from.nat_t_type) return false;
  out.u8(*from.nat_t_type).zeros(3);
  return true;
}

// sadb_x_nat_t_port: port be16 | reserved u16.
template <auto Member>
Parsed parse_port(Reader& in, Message& into) {
  TRY(into.*Member, sized(in.u16()));
  TRY_DONE(sized(in.skip(2)));
  return Done{};
}

template <auto Member>
bool compose_port(const Message& from, Writer& out) {
  if (!(from.*Member)) return false;
  out.u16(*(from.*Member)).zeros(2);
  return true;
}

// sadb_x_nat_t_frag: fraglen u16 in host order | reserved u16.
Parsed parse_fragment(Reader& in, Message& into) {
  TRY(into.nat_t_frag, sized(in.host16()));
  TRY_DONE(sized(in.skip(2)));
  return Done{};
}

bool compose_fragment(const Message& from, Writer& out) {
  if (!from.nat_t_frag) return false;
  out.host16(*from.nat_t_frag).zeros(2);
  return true;
}

Parsed parse_replay(Reader& in, Message& into) {
  TRY(into.replay_window, sized(in.host32()));
  return Done{};
}

bool compose_replay(const Message& from, Writer& out) {
  if (!from.replay_window) return false;
  out.host32(*from.replay_window);
  return true;
}

// Known to the world, without meaning here: at least Least bytes, which are passed over.
template <std::size_t Least>
Parsed pass_over(Reader& in, Message&) {
  TRY_DONE(sized(in.skip(Least - 4)));
  TRY_DONE(sized(in.skip(in.remaining())));
  return Done{};
}

bool compose_nothing(const Message&, Writer&) {
  return false;
}

using M = Message;
constexpr std::array kRows{
    ExtensionRow{Ext::Sa, parse_sa, compose_sa},
    ExtensionRow{Ext::Sa2, parse_sa2, compose_sa2},
    ExtensionRow{Ext::LifetimeHard, parse_lifetime<&M::hard>, compose_lifetime<&M::hard>},
    ExtensionRow{Ext::LifetimeSoft, parse_lifetime<&M::soft>, compose_lifetime<&M::soft>},
    ExtensionRow{Ext::LifetimeCurrent, parse_lifetime<&M::current>, compose_lifetime<&M::current>},
    ExtensionRow{Ext::AddressSrc, parse_address<&M::source>, compose_address<&M::source>},
    ExtensionRow{Ext::AddressDst, parse_address<&M::destination>, compose_address<&M::destination>},
    ExtensionRow{Ext::AddressProxy, parse_address<&M::proxy>, compose_address<&M::proxy>},
    ExtensionRow{Ext::KeyAuth, parse_key<&M::auth_key>, compose_key<&M::auth_key>},
    ExtensionRow{Ext::KeyEncrypt, parse_key<&M::encrypt_key>, compose_key<&M::encrypt_key>},
    ExtensionRow{Ext::IdentitySrc, parse_identity<&M::source_identity>, compose_identity<&M::source_identity>},
    ExtensionRow{Ext::IdentityDst, parse_identity<&M::destination_identity>,
                 compose_identity<&M::destination_identity>},
    ExtensionRow{Ext::Sensitivity, pass_over<16>, compose_nothing},
    ExtensionRow{Ext::Proposal, parse_proposal, compose_proposal},
    ExtensionRow{Ext::SupportedAuth, parse_supported<&M::supported_auth>, compose_supported<&M::supported_auth>},
    ExtensionRow{Ext::SupportedEncrypt, parse_supported<&M::supported_encrypt>,
                 compose_supported<&M::supported_encrypt>},
    ExtensionRow{Ext::SpiRange, parse_spi_range, compose_spi_range},
    ExtensionRow{Ext::KmPrivate, pass_over<8>, compose_nothing},
    ExtensionRow{Ext::Policy, parse_policy_extension, compose_policy_extension},
    ExtensionRow{Ext::NatTType, parse_nat_type, compose_nat_type},
    ExtensionRow{Ext::NatTSport, parse_port<&M::nat_t_sport>, compose_port<&M::nat_t_sport>},
    ExtensionRow{Ext::NatTDport, parse_port<&M::nat_t_dport>, compose_port<&M::nat_t_dport>},
    ExtensionRow{Ext::NatTOa, parse_original<&M::nat_t_oa>, compose_original<&M::nat_t_oa>},
    ExtensionRow{Ext::NatTOar, parse_original<&M::nat_t_oar>, compose_original<&M::nat_t_oar>},
    ExtensionRow{Ext::NatTFrag, parse_fragment, compose_fragment},
    ExtensionRow{Ext::Replay, parse_replay, compose_replay},
    ExtensionRow{Ext::SecCtx, pass_over<8>, compose_nothing},
    ExtensionRow{Ext::KmAddress, pass_over<8>, compose_nothing},
    ExtensionRow{Ext::Filter, pass_over<40>, compose_nothing},
};

}  // namespace

std::span<const ExtensionRow> extension_rows() {
  return kRows;
}

const ExtensionRow* extension_row(Ext type) {
  const auto row = std::ranges::find(kRows, type, &ExtensionRow::type);
  return row == kRows.end() ? nullptr : &*row;
}

}  // namespace testudo::wire::pfkey
