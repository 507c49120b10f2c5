#include "app/racoon/key_table.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "ike/selector_id.h"
#include "io/socket_address.h"

namespace testudo::app {
namespace {

using ike::ChildProtocol;
using pfkey::client::PolicyCache;
using wire::pfkey::AddressExt;
using wire::pfkey::Message;
using wire::pfkey::SaType;
using wire::pfkey::Type;

SaType satype_of(ChildProtocol protocol) {
  if (protocol == ChildProtocol::Ah) return SaType::Ah;
  return protocol == ChildProtocol::Ipcomp ? SaType::Ipcomp : SaType::Esp;
}

ChildProtocol protocol_of(SaType type) {
  if (type == SaType::Ah) return ChildProtocol::Ah;
  return type == SaType::Ipcomp ? ChildProtocol::Ipcomp : ChildProtocol::Esp;
}

std::optional<ChildProtocol> protocol_of(std::uint16_t ip_protocol) {
  switch (ip_protocol) {
    case net::protocol::kEsp:
      return ChildProtocol::Esp;
    case net::protocol::kAh:
      return ChildProtocol::Ah;
    case net::protocol::kIpcomp:
      return ChildProtocol::Ipcomp;
    default:
      return std::nullopt;
  }
}

AddressExt host(const net::Endpoint& at) {
  return {at, net::protocol::kAny, static_cast<std::uint8_t>(at.address.width())};
}

Message message_of(Type type, ChildProtocol protocol, const net::Endpoint& source, const net::Endpoint& destination) {
  Message m;
  m.type = type;
  m.satype = satype_of(protocol);
  m.pid = static_cast<std::uint32_t>(::getpid());
  m.source = host(source);
  m.destination = host(destination);
  return m;
}

wire::pfkey::Mode mode_of(ike::Encapsulation mode) {
  return mode == ike::Encapsulation::Tunnel ? wire::pfkey::Mode::Tunnel : wire::pfkey::Mode::Transport;
}

std::optional<wire::pfkey::KeyExt> key_ext(const Secret& key) {
  if (key.empty()) return std::nullopt;
  return wire::pfkey::KeyExt{static_cast<std::uint16_t>(key.size() * 8), key.clone()};
}

void describe(const ike::ChildSa::Udp& udp, Message& m) {
  m.nat_t_type = wire::pfkey::kEncapEspInUdp;
  m.nat_t_sport = udp.source;
  m.nat_t_dport = udp.destination;
  m.nat_t_oa = udp.original_initiator;
  m.nat_t_oar = udp.original_responder;
  static constexpr std::uint16_t kNoLimit = 65535;
  if (udp.fragment_size != kNoLimit) m.nat_t_frag = udp.fragment_size;
}

/// What one outbound policy asks for; IKE runs between the ends of its tunnel, or between the hosts.  Failure: why
/// one negotiation cannot serve it.
/// `inbound`: the mirrored policy, whose SAs are to be its own where it is `unique`; or null.
Result<ike::ChildRequest, std::string> request_for(const PolicyCache::Entry& entry, const PolicyCache::Entry* inbound,
                                                   const net::Address& local, const net::Address& remote) {
  ike::ChildRequest request{0, local, remote, entry.selector, {}};
  bool tunnels = false;
  for (const auto& r : entry.policy.requests) {
    const auto protocol = protocol_of(r.protocol);
    if (!protocol) return Failure{"protocol " + std::to_string(r.protocol) + " is none of IPsec's"};
    const bool tunnel = r.mode == wire::pfkey::Mode::Tunnel;
    if (tunnel && r.source && r.destination) {
      const bool others = request.local != r.source->address || request.remote != r.destination->address;
      if (tunnels && others) return Failure{std::string{"its tunnels have different ends, and IKE speaks to one peer"}};
      request.local = r.source->address;
      request.remote = r.destination->address;
      tunnels = true;
    }
    const std::size_t place = request.items.size();
    const bool mirrored = inbound != nullptr && place < inbound->policy.requests.size() &&
                          inbound->policy.requests[place].protocol == r.protocol;
    const ReqId in = mirrored ? inbound->policy.requests[place].reqid : r.reqid;
    request.items.push_back(
        {*protocol, tunnel ? ike::Encapsulation::Tunnel : ike::Encapsulation::Transport, r.reqid, in});
  }
  if (request.items.empty()) return Failure{std::string{"it asks for no protocol"}};
  if (tunnels) return request;
  if (!entry.selector.source.contains(local) || !entry.selector.destination.contains(remote)) {
    return Failure{"transport mode is for " + ike::to_string(entry.selector) + " itself, not for " +
                   io::with_link_name(local) + " and " + io::with_link_name(remote)};
  }
  // A server's policy may be for all its clients; an SA is for one.
  request.outbound.source = net::Prefix::host(local);
  request.outbound.destination = net::Prefix::host(remote);
  return request;
}

bool holds(const net::Prefix& wide, const net::Prefix& narrow) {
  return wide.contains(narrow.address) && wide.length <= narrow.length;
}

/// What the narrow one selects is a part, or all, of the other.
bool holds(const net::Selector& wide, const net::Selector& narrow) {
  const auto fits = [](std::uint16_t port, std::uint16_t asked) { return port == 0 || port == asked; };
  return holds(wide.source, narrow.source) && holds(wide.destination, narrow.destination) &&
         (wide.protocol == net::protocol::kAny || wide.protocol == narrow.protocol) &&
         fits(wide.source_port, narrow.source_port) && fits(wide.destination_port, narrow.destination_port);
}

bool is_transport(const wire::pfkey::PolicyExt& policy) {
  return !policy.requests.empty() &&
         std::ranges::none_of(policy.requests, [](const auto& r) { return r.mode == wire::pfkey::Mode::Tunnel; });
}

/// The source is where the SA says that its packets come from, the destination where they do: of what comes to us.
std::optional<ike::Event> mapping_of(const Message& m) {
  if (m.error != 0 || m.satype != SaType::Esp || !m.sa || !m.source || !m.destination) return std::nullopt;
  if (!m.nat_t_sport || !m.nat_t_dport) return std::nullopt;
  return ike::NewMapping{
      m.sa->spi, {m.source->endpoint.address, *m.nat_t_sport}, {m.destination->endpoint.address, *m.nat_t_dport}};
}

bool is_ours(const Message& m) {
  return m.pid == static_cast<std::uint32_t>(::getpid());
}

}  // namespace

Result<KeyTable, std::string> KeyTable::open(const std::string& run_dir, std::function<void(std::string)> complain) {
  TRY(auto connection, pfkey::client::Connection::open(run_dir));
  return open(std::move(connection), std::move(complain));
}

KeyTable KeyTable::open(pfkey::client::Connection connection, std::function<void(std::string)> complain) {
  KeyTable table{std::move(connection), std::move(complain)};
  for (const SaType type : {SaType::Esp, SaType::Ah, SaType::Ipcomp}) {
    Message m;
    m.type = Type::Register;
    m.satype = type;
    table.send(std::move(m));
  }
  Message dump;
  dump.type = Type::SpdDump;
  table.send(std::move(dump));
  return table;
}

void KeyTable::send(Message message) {
  message.pid = static_cast<std::uint32_t>(::getpid());
  // A daemon that is gone shows at the next read.
  static_cast<void>(connection_.send(message));
}

Status<std::string> KeyTable::await_policies(std::chrono::milliseconds longest) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + longest;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    TRY(auto bytes, connection_.receive(std::max(left, std::chrono::milliseconds{0})));
    if (!bytes || left.count() < 0) return Failure{std::string{"testudod does not say which policies there are"}};
    const auto message = wire::pfkey::parse(*bytes);
    if (!message || message->type != Type::SpdDump) {
      early_.push_back(*std::move(bytes));
      continue;
    }
    policies_.hear(*message);
    adopt(*message);
    // The last of a dump has the number 0; without policies there is an error alone.
    if (is_ours(*message) && (message->error != 0 || message->sequence == 0)) return Done{};
  }
}

Status<std::string> KeyTable::read(const std::function<void(const ike::Event&)>& sink) {
  for (const ByteVector& message : std::exchange(early_, {})) hear(message, sink);
  for (;;) {
    TRY(auto bytes, connection_.receive(std::chrono::milliseconds{0}));
    if (!bytes) return Done{};
    const WipeAtEnd wiped{*bytes};  // a GET's answer has keys
    hear(*bytes, sink);
  }
}

void KeyTable::hear(Bytes bytes, const std::function<void(const ike::Event&)>& sink) {
  auto message = wire::pfkey::parse(bytes);
  if (!message) return;
  if (message->type == Type::Get) return fetched(*std::move(message));
  policies_.hear(*message);
  if (const auto event = event_of(*message)) sink(*event);
}

std::optional<ike::Event> KeyTable::event_of(const Message& m) {
  switch (m.type) {
    case Type::Acquire:
      return wanted(m);
    case Type::GetSpi:
      return answered(m);
    case Type::Update:
    case Type::Add:
      return installed(m);
    case Type::Delete:
      if (is_ours(m) || m.error != 0 || !m.source || !m.destination) return std::nullopt;
      return ike::Removed{protocol_of(m.satype), m.sa ? m.sa->spi : Spi{}, m.source->endpoint.address,
                          m.destination->endpoint.address};
    case Type::SpdDump:
      adopt(m);
      return std::nullopt;
    case Type::SpdAdd:
    case Type::SpdUpdate:
    case Type::SpdExpire:
      return policy_heard(m);
    case Type::NatTNewMapping:
      return mapping_of(m);
    case Type::Flush:
      if (is_ours(m) || m.error != 0) return std::nullopt;
      if (m.satype == SaType::Unspec) return ike::Flushed{};
      return ike::Flushed{protocol_of(m.satype)};
    case Type::Expire:
      if (!m.sa || !m.destination) return std::nullopt;
      return ike::Expired{protocol_of(m.satype), m.sa->spi, m.destination->endpoint.address, m.hard.has_value()};
    default:
      return std::nullopt;
  }
}

std::optional<ike::Event> KeyTable::answered(const Message& m) {
  if (!is_ours(m)) return std::nullopt;
  const auto asked = asked_.extract(m.sequence);
  if (asked.empty()) return std::nullopt;
  if (m.error != 0 || !m.sa) return ike::SpiRefused{asked.mapped().child};
  return ike::SpiAllocated{asked.mapped().child, asked.mapped().item, m.sa->spi};
}

std::optional<ike::Event> KeyTable::installed(const Message& m) {
  if (!is_ours(m)) return std::nullopt;
  arriving_.erase(m.sequence);
  const auto known = installing_.extract(m.sequence);
  if (known.empty() || m.error == 0) return std::nullopt;
  return ike::InstallRefused{known.mapped(), std::strerror(m.error)};
}

std::optional<ike::Event> KeyTable::wanted(const Message& m) {
  if (m.error != 0 || !m.policy || !m.source || !m.destination) return std::nullopt;
  const auto* entry = policies_.find(m.policy->id);
  if (entry == nullptr || m.destination->endpoint.address.is_multicast()) return std::nullopt;
  auto request = request_for(*entry, inbound_of(*entry), m.source->endpoint.address, m.destination->endpoint.address);
  if (!request) {
    complain_("the policy for " + ike::to_string(entry->selector) + " gets no keys: " + request.error());
    abandon({m.sequence});
    return std::nullopt;
  }
  request->acquire_sequence = m.sequence;
  return ike::Wanted{*std::move(request)};
}

/// testudod counts its ACQUIREs up from 1, so that the two kinds meet in no table.
std::uint32_t KeyTable::own_sequence() {
  sequence_ = std::max(sequence_ + 1, kFirstOwn);
  return sequence_;
}

void KeyTable::allocate(const ike::AllocateSpi& wish) {
  Message m = message_of(Type::GetSpi, wish.item.protocol, {wish.source, 0}, {wish.destination, 0});
  m.sequence = own_sequence();
  m.sa2 = wire::pfkey::Sa2Ext{mode_of(wish.item.mode), 0, wish.item.reqid_in};
  asked_.emplace(m.sequence, Asked{wish.child, wish.item_index});
  send(std::move(m));
}

void KeyTable::install(const ike::ChildSa& sa) {
  static constexpr std::uint8_t kWindowBytes = 8;  // 64 packets
  const bool in = sa.direction == ike::ChildSa::Direction::In;
  const bool compression = sa.item.protocol == ChildProtocol::Ipcomp;
  Message m = message_of(in ? Type::Update : Type::Add, sa.item.protocol, {sa.source, 0}, {sa.destination, 0});
  // By the sequence of its ACQUIRE the table knows that it need not ask again.
  const bool answers = !in && sa.acquire_sequence != 0 && sa.acquire_sequence < kFirstOwn;
  m.sequence = answers ? sa.acquire_sequence : own_sequence();
  m.sa = wire::pfkey::SaExt{.spi = sa.spi, .state = wire::pfkey::SaState::Mature};
  m.sa->replay = compression ? std::uint8_t{0} : kWindowBytes;
  m.sa->encrypt = compression ? std::uint8_t{2} : sa.terms.cipher != nullptr ? sa.terms.cipher->id : std::uint8_t{0};
  m.sa->auth = sa.terms.mac != nullptr ? sa.terms.mac->id : std::uint8_t{0};
  m.sa2 = wire::pfkey::Sa2Ext{mode_of(sa.item.mode), 0, sa.item.reqid};
  if (sa.udp) describe(*sa.udp, m);
  m.encrypt_key = key_ext(sa.cipher_key);
  m.auth_key = key_ext(sa.mac_key);
  m.soft = wire::pfkey::LifetimeExt{.addtime = sa.soft_seconds};
  m.hard = wire::pfkey::LifetimeExt{.addtime = sa.hard_seconds};
  installing_.emplace(m.sequence, sa.child);
  if (in) arriving_.emplace(m.sequence, sa.child);
  send(std::move(m));
}

bool KeyTable::is_installing(ike::ChildId child) const {
  return std::ranges::any_of(arriving_, [child](const auto& each) { return each.second == child; });
}

void KeyTable::remove(const ike::Remove& wish) {
  net::Endpoint source = wish.source, destination = wish.destination;
  // It has not moved yet, and shall not.
  const auto pending = std::ranges::find_if(moving_, [&](const auto& each) {
    return each.second.spi == wish.spi && each.second.now.destination == destination;
  });
  if (pending != moving_.end()) {
    source = pending->second.was.source;
    destination = pending->second.was.destination;
    moving_.erase(pending);
  }
  Message m = message_of(Type::Delete, wish.protocol, source, destination);
  m.sa = wire::pfkey::SaExt{.spi = wish.spi};
  send(std::move(m));
}

/// Its keys are nowhere but in the table.
void KeyTable::move(const ike::Move& wish) {
  Message m = message_of(Type::Get, wish.protocol, wish.was.source, wish.was.destination);
  m.sa = wire::pfkey::SaExt{.spi = wish.spi};
  m.sequence = own_sequence();
  moving_.emplace(m.sequence, wish);
  send(std::move(m));
}

/// With the same keys, numbers and windows go on: docs/adr/0005.
void KeyTable::fetched(Message m) {
  const auto known = is_ours(m) ? moving_.extract(m.sequence) : decltype(moving_)::node_type{};
  if (known.empty() || m.error != 0 || !m.sa || !m.nat_t_type) return;
  const ike::Move& wish = known.mapped();
  m.type = Type::Update;
  m.sequence = own_sequence();
  m.current.reset();
  m.sa->state = wire::pfkey::SaState::Mature;
  m.source = host(wish.now.source);
  m.destination = host(wish.now.destination);
  m.nat_t_sport = wish.now.source.port;
  m.nat_t_dport = wish.now.destination.port;
  m.order.clear();
  send(std::move(m));
}

void KeyTable::abandon(const ike::Abandon& wish) {
  static constexpr std::uint8_t kTimedOut = 110;
  if (wish.acquire_sequence == 0) return;
  Message m;
  m.type = Type::Acquire;
  m.satype = SaType::Esp;
  m.error = kTimedOut;
  m.sequence = wish.acquire_sequence;
  send(std::move(m));
}

void KeyTable::flush(std::optional<ChildProtocol> protocol) {
  Message m;
  m.type = Type::Flush;
  m.satype = protocol ? satype_of(*protocol) : SaType::Unspec;
  m.sequence = own_sequence();
  send(std::move(m));
}

Result<ike::ChildRequest, std::string> KeyTable::request_of(const net::Selector& outbound) const {
  if (const auto* entry = policies_.find(wire::pfkey::Direction::Out, outbound)) {
    return request_for(*entry, inbound_of(*entry), outbound.source.address, outbound.destination.address);
  }
  const std::string near = nearest(outbound);
  return Failure{"no outbound policy is for " + ike::to_string(outbound) + (near.empty() ? "" : "; there is: " + near)};
}

void KeyTable::settle() {
  Message last;
  last.type = Type::Register;
  last.satype = SaType::Esp;
  last.sequence = own_sequence();
  send(std::move(last));
  // Answered with EEXIST, after everything before it.
  for (;;) {
    const auto bytes = connection_.receive(std::chrono::seconds{2});
    if (!bytes || !*bytes) return;
    const auto answer = wire::pfkey::peek(**bytes);
    if (answer && answer->sequence == sequence_ && answer->pid == static_cast<std::uint32_t>(::getpid())) return;
  }
}

const PolicyCache::Entry* KeyTable::inbound_of(const PolicyCache::Entry& outbound) const {
  return policies_.find(wire::pfkey::Direction::In, ike::mirrored(outbound.selector));
}

/// With exactly this selector; else of transport mode and wider, as a server has it for all its clients.
const pfkey::client::PolicyCache::Entry* KeyTable::policy_for(const net::Selector& outbound) const {
  using wire::pfkey::Direction;
  const auto* const exact = policies_.find(Direction::Out, outbound);
  if (exact != nullptr && !is_orphan(exact->policy.id)) return exact;
  const auto wider = std::ranges::find_if(policies_.entries(), [&](const auto& each) {
    const wire::pfkey::PolicyExt& policy = each.second.policy;
    return policy.direction == Direction::Out && policy.type == wire::pfkey::PolicyType::Ipsec &&
           is_transport(policy) && holds(each.second.selector, outbound) && !is_orphan(each.first);
  });
  return wider == policies_.entries().end() ? nullptr : &wider->second;
}

std::optional<ike::ChildRequest> KeyTable::find(const net::Selector& outbound, const net::Address& local,
                                                const net::Address& remote) const {
  const auto* entry = policy_for(outbound);
  if (entry == nullptr) return std::nullopt;
  auto request = request_for(*entry, inbound_of(*entry), local, remote);
  if (!request) {
    complain_("the policy for " + ike::to_string(outbound) + " gets no keys: " + request.error());
    return std::nullopt;
  }
  if (request->local != local || request->remote != remote) return std::nullopt;
  request->outbound = outbound;
  return *std::move(request);
}

std::string KeyTable::nearest(const net::Selector& outbound) const {
  std::string all;
  for (const auto& [id, entry] : policies_.entries()) {
    if (entry.policy.direction != wire::pfkey::Direction::Out) continue;
    const bool near = entry.selector.source.contains(outbound.source.address) ||
                      entry.selector.destination.contains(outbound.destination.address);
    if (near) all += (all.empty() ? "" : " | ") + ike::to_string(entry.selector);
  }
  return all;
}

}  // namespace testudo::app
