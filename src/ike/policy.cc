#include "ike/policy.h"

#include <algorithm>

#include "base/hex.h"

namespace testudo::ike {
namespace {

using v1wire::Identification;
using v1wire::IdType;

/// A subnet with the mask of a host is that host: both as address, for comparing.
Identification canonical(Identification id) {
  const bool v4 = id.type == IdType::V4Subnet;
  if (!v4 && id.type != IdType::V6Subnet) return id;
  const std::size_t half = id.data.size() / 2;
  const auto mask = id.data.begin() + static_cast<std::ptrdiff_t>(half);
  if (std::any_of(mask, id.data.end(), [](std::uint8_t byte) { return byte != 0xff; })) return id;
  id.type = v4 ? IdType::V4Address : IdType::V6Address;
  id.data.resize(half);
  return id;
}

/// Type, protocol and data; the port of a sainfo has never been compared, and files in use rely on that.
bool fits(const std::optional<Identification>& wanted, const Identification& have) {
  if (!wanted) return true;
  const Identification a = canonical(*wanted), b = canonical(have);
  return a.type == b.type && a.protocol == b.protocol && a.data == b.data;
}

bool is_host(const Identification& have, const std::optional<net::Address>& address) {
  if (!address) return false;
  const Identification id = canonical(have);
  const Identity wanted = Identity::of(*address);
  return id.type == wanted.type && id.data == wanted.data;
}

bool fits(const Sainfo& sainfo, const Policy::ChildKey& key) {
  if (sainfo.remoteid != key.ph1id) return false;
  if (sainfo.from && !(*sainfo.from == key.peer)) return false;
  if (sainfo.client_address && !is_host(key.remote, key.client)) return false;
  return fits(sainfo.source, key.local) && fits(sainfo.destination, key.remote);
}

int rank(const Sainfo& sainfo) {
  return (sainfo.remoteid != 0 ? 3 : 0) + (sainfo.from ? 3 : 0) + (sainfo.source ? 1 : 0) +
         (sainfo.destination || sainfo.client_address ? 1 : 0);
}

bool printable(std::uint8_t byte) {
  return byte >= 0x20 && byte < 0x7f;
}

}  // namespace

Identity Identity::of(const net::Address& address) {
  const Bytes bytes = address.bytes();
  return {address.is_v4() ? IdType::V4Address : IdType::V6Address, {bytes.begin(), bytes.end()}};
}

std::string Identity::to_string() const {
  if (type == IdType::V4Address && data.size() == 4) return net::Address::v4(Bytes{data}.first<4>()).to_string();
  if (type == IdType::V6Address && data.size() == 16) return net::Address::v6(Bytes{data}.first<16>()).to_string();
  if (type == IdType::DerDn) {
    const std::string name = crypto::ike::text_of_name(data);
    if (!name.empty()) return name;
  }
  const bool is_text = type == IdType::Fqdn || type == IdType::UserFqdn || type == IdType::KeyId;
  // What a peer calls itself ends in logs and on terminals.
  static constexpr std::size_t kLongest = 128;
  const Bytes shown = Bytes{data}.first(std::min(data.size(), kLongest));
  const std::string rest = shown.size() < data.size() ? "..." : "";
  if (is_text && std::ranges::all_of(data, printable)) return std::string{shown.begin(), shown.end()} + rest;
  return "0x" + to_hex(shown) + rest;
}

bool Remote::uses_signatures() const {
  return std::ranges::any_of(proposals, [](const Phase1Transform& t) { return t.signs(); });
}

bool Remote::judges_signatures() const {
  return std::ranges::any_of(proposals, [](const Phase1Transform& t) { return t.peer_signs(); });
}

bool Remote::uses_xauth() const {
  return std::ranges::any_of(proposals, [](const Phase1Transform& t) { return t.xauth != Xauth::None; });
}

bool Remote::allows(v1wire::Exchange mode) const {
  return std::ranges::find(exchange_modes, mode) != exchange_modes.end();
}

std::vector<const Remote*> Policy::remotes_for(const net::Address& peer) const {
  std::vector<const Remote*> found;
  for (auto remote = remotes.rbegin(); remote != remotes.rend(); ++remote) {
    if (!remote->address || *remote->address == peer) found.push_back(&*remote);
  }
  std::stable_partition(found.begin(), found.end(), [](const Remote* remote) { return remote->address.has_value(); });
  return found;
}

const Sainfo* Policy::sainfo_for(const ChildKey& key) const {
  const Sainfo* best = nullptr;
  for (const Sainfo& sainfo : sainfos) {
    if (fits(sainfo, key) && (best == nullptr || rank(sainfo) > rank(*best))) best = &sainfo;
  }
  return best;
}

}  // namespace testudo::ike
