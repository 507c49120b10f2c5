#include "ike/v1/mode_config.h"

#include <algorithm>
#include <bit>

#include "base/endian.h"
#include "wire/writer.h"

namespace testudo::ike::v1 {
namespace {

namespace config = v1wire::config;
using v1wire::Attribute;
using Type = Configuration::Type;

/// Of each kind.
constexpr std::size_t kMost = 16, kLongestText = 255, kLongestBanner = 2000;

constexpr std::array kAsked{config::kAddress4,      config::kNetmask4,    config::kDns4,          config::kWins4,
                            config::kUnityBanner,   config::kUnityDomain, config::kUnitySplitDns, config::kUnityInclude,
                            config::kUnityLocalLan, config::kVersion};

std::optional<net::Address> address_of(const Attribute& attribute) {
  if (attribute.value.size() != 4) return std::nullopt;
  return net::Address::v4(Bytes{attribute.value}.first<4>());
}

bool is_of_names(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/// Names of domains, with commas or blanks between them; "" for one that is none.
std::vector<std::string> names_of(Bytes text) {
  std::vector<std::string> names(1);
  for (const std::uint8_t byte : text.first(std::min(text.size(), kLongestText))) {
    const char c = static_cast<char>(byte);
    if (c == ',' || c == ' ') {
      names.emplace_back();
    } else if (is_of_names(c)) {
      names.back() += c;
    } else {
      return {};
    }
  }
  std::erase_if(names, [](const std::string& name) { return name.empty() || name.front() == '-'; });
  if (names.size() > kMost) names.resize(kMost);
  return names;
}

std::string banner_of(Bytes text) {
  std::string shown;
  for (const std::uint8_t byte : text.first(std::min(text.size(), kLongestBanner))) {
    const char c = static_cast<char>(byte);
    if (c == '\n' || (c >= 0x20 && c < 0x7f)) shown += c;
  }
  return shown;
}

/// Address, mask, and six bytes of protocol and ports that nobody uses: 14 bytes each.
std::vector<net::Prefix> networks_of(Bytes list) {
  static constexpr std::size_t kEntry = 14;
  std::vector<net::Prefix> all;
  for (; list.size() >= kEntry && all.size() < kMost; list = list.subspan(kEntry)) {
    const std::uint32_t mask = be32(list.data() + 4);
    const int bits = std::popcount(mask);
    if (std::countl_one(mask) != bits) continue;
    all.push_back({net::Address::v4(list.first<4>()), static_cast<unsigned>(bits)});
  }
  return all;
}

ByteVector network_list(const std::vector<net::Prefix>& networks) {
  wire::Writer out;
  for (const net::Prefix& network : networks) {
    const std::uint32_t mask = network.length == 0 ? 0 : ~std::uint32_t{0} << (32U - network.length);
    out.raw(network.address.bytes()).u32(mask).zeros(6);
  }
  return out.take();
}

std::string joined(const std::vector<std::string>& names) {
  std::string line;
  for (const std::string& name : names) line += (line.empty() ? "" : ",") + name;
  return line;
}

void add_addresses(Configuration& out, std::uint16_t type, const std::vector<net::Address>& addresses) {
  for (const net::Address& each : addresses) out.attributes.push_back(Attribute::of(type, each.bytes()));
}

void add_text(Configuration& out, std::uint16_t type, const std::string& text) {
  if (!text.empty()) out.attributes.push_back(Attribute::of(type, as_bytes(text)));
}

void add_networks(Configuration& out, std::uint16_t type, const std::vector<net::Prefix>& networks) {
  if (!networks.empty()) out.attributes.push_back(Attribute::of(type, network_list(networks)));
}

/// One attribute that was asked for.
void add(Configuration& out, std::uint16_t asked, const Assignment& lent, const ModeConfig& conf) {
  switch (asked) {
    case config::kAddress4:
      if (lent.address) add_addresses(out, asked, {*lent.address});
      break;
    case config::kNetmask4:
      if (lent.netmask) add_addresses(out, asked, {*lent.netmask});
      break;
    case config::kDns4:
      return add_addresses(out, asked, lent.dns);
    case config::kWins4:
      return add_addresses(out, asked, lent.wins);
    case config::kVersion:
      return add_text(out, asked, "Testudo");
    case config::kUnityBanner:
      return add_text(out, asked, lent.banner);
    case config::kUnityDomain:
      return add_text(out, asked, lent.domain);
    case config::kUnitySplitDns:
      return add_text(out, asked, joined(lent.split_domains));
    case config::kUnityInclude:
      return add_networks(out, asked, lent.split_include);
    case config::kUnityLocalLan:
      return add_networks(out, asked, lent.split_local);
    case config::kUnityPfs:
      if (conf.pfs_group != 0) out.attributes.push_back(Attribute::of(asked, conf.pfs_group));
      break;
    case config::kUnitySavePassword:
      out.attributes.push_back(Attribute::of(asked, conf.save_password ? 1U : 0U));
      break;
    default:
      break;
  }
}

}  // namespace

Configuration config_question() {
  Configuration question;
  for (const std::uint16_t type : kAsked) question.attributes.push_back(Attribute::of(type, Bytes{}));
  return question;
}

Assignment read_assignment(const Configuration& said) {
  Assignment got;
  for (const Attribute& attribute : said.attributes) {
    const auto address = address_of(attribute);
    switch (attribute.type) {
      case config::kAddress4:
        if (address && *address != net::Address::v4(std::array<std::uint8_t, 4>{})) got.address = address;
        break;
      case config::kNetmask4:
        got.netmask = address;
        break;
      case config::kDns4:
        if (address && got.dns.size() < kMost) got.dns.push_back(*address);
        break;
      case config::kWins4:
        if (address && got.wins.size() < kMost) got.wins.push_back(*address);
        break;
      case config::kUnityBanner:
        got.banner = banner_of(attribute.value);
        break;
      case config::kUnityDomain:
        if (const auto names = names_of(attribute.value); !names.empty()) got.domain = names.front();
        break;
      case config::kUnitySplitDns:
        got.split_domains = names_of(attribute.value);
        break;
      case config::kUnityInclude:
        got.split_include = networks_of(attribute.value);
        break;
      case config::kUnityLocalLan:
        got.split_local = networks_of(attribute.value);
        break;
      default:
        break;
    }
  }
  return got;
}

Configuration config_answer(const Configuration& question, const Assignment& lent, const ModeConfig& conf) {
  Configuration answer{Type::Reply, question.identifier, {}};
  std::vector<std::uint16_t> done;
  for (const Attribute& asked : question.attributes) {
    if (std::ranges::find(done, asked.type) != done.end()) continue;
    done.push_back(asked.type);
    add(answer, asked.type, lent, conf);
  }
  return answer;
}

bool is_of_another(const ModeConfig& conf, const std::optional<net::Address>& own, const net::Prefix& asked) {
  if (!conf.network4 || !asked.address.is_v4()) return false;
  const std::uint32_t first = be32(conf.network4->bytes().data()), there = be32(asked.masked().bytes().data());
  const bool of_pool = there >= first && there - first < conf.pool_size;
  return of_pool && !(own && asked == net::Prefix::host(*own));
}

bool reaches_into_pool(const ModeConfig& conf, const std::optional<net::Address>& own, const net::Prefix& asked) {
  if (!conf.network4 || !asked.address.is_v4() || (own && asked == net::Prefix::host(*own))) return false;
  const std::uint64_t first = be32(conf.network4->bytes().data()), there = be32(asked.masked().bytes().data());
  const std::uint64_t size = std::uint64_t{1} << (32U - asked.length);
  return there < first + conf.pool_size && first < there + size;
}

Assignment assignment_of(const ModeConfig& conf, unsigned place) {
  Assignment lent;
  if (conf.network4) {
    std::array<std::uint8_t, 4> bytes{};
    put_be32(bytes.data(), be32(conf.network4->bytes().data()) + place);
    lent.address = net::Address::v4(bytes);
  }
  lent.netmask = conf.netmask4;
  lent.dns = conf.dns4;
  lent.wins = conf.wins4;
  lent.domain = conf.default_domain;
  lent.banner = conf.banner;
  lent.split_domains = conf.split_dns;
  (conf.split_is_local ? lent.split_local : lent.split_include) = conf.split_network;
  return lent;
}

}  // namespace testudo::ike::v1
