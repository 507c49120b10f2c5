// Many IKE initiators in one process, each with an address of its own: for bench/figures/setups.py, which measures what
// the responder spends.
//   setups METHOD RESPONDER NETWORK FIRST COUNT AT_ONCE [CERTIFICATE KEY CA]
// METHOD is psk or rsa; initiator i has the address NETWORK + FIRST + i, which must lead to this host.  Each does main
// mode (AES-128, SHA-256, modp2048) and one quick mode without PFS for NETWORK+i/32 to 10.9.0.0/24, behind a NAT that
// there is not, so that ESP goes in UDP.  Prints what came of it as JSON, and fails unless all SAs of all are there.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/endian.h"
#include "ike/machine.h"
#include "ike/selector_id.h"
#include "io/clock.h"
#include "io/fd.h"
#include "io/random.h"
#include "io/socket_address.h"

namespace testudo {
namespace {

using wire::ike::v1::Exchange;

constexpr const char* kKey = "mekmitasdigoat";
constexpr std::size_t kMarker = 4;

std::string read_file(const char* path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::uint32_t value_of(const net::Address& address) {
  return be32(address.bytes().data());
}

net::Address plus(const net::Address& base, std::uint32_t offset) {
  return net::Address::v4(value_of(base) + offset);
}

class Key final : public ike::KeyStore {
 public:
  std::optional<Secret> pre_shared_key(const std::string&) const override {
    const std::string_view text{kKey};
    return Secret{as_bytes(text)};
  }
};

class NoPolicies final : public ike::PolicyBase {
 public:
  std::optional<ike::ChildRequest> find(const net::Selector&, const net::Address&, const net::Address&) const override {
    return std::nullopt;
  }
  std::string in_the_way(const net::Selector&) const override { return ""; }
  std::string nearest(const net::Selector&) const override { return ""; }
};

/// One port of all addresses of this host.
class Port {
 public:
  explicit Port(std::uint16_t number) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const int on = 1, room = 4 << 20;
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    const io::SocketAddress at{{net::Address::any(net::Family::V4), number}};
    if (::bind(fd_.get(), at.get(), at.length()) != 0) std::perror("bind"), std::exit(EXIT_FAILURE);
  }
  int fd() const { return fd_.get(); }

  void send(const net::Address& from, const net::Endpoint& to, ByteVector& bytes) const {
    in_pktinfo info{};
    const std::uint32_t source = htonl(value_of(from));
    std::memcpy(&info.ipi_spec_dst, &source, sizeof source);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof info)> control{};
    io::SocketAddress there{to};
    iovec piece{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = there.get();
    message.msg_namelen = *there.length();
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    if (::sendmsg(fd_.get(), &message, 0) < 0) std::perror("sendmsg");
  }

  struct Datagram {
    net::Address to;
    net::Endpoint from;
    ByteVector bytes;
  };
  std::optional<Datagram> receive() const {
    std::array<std::uint8_t, 65536> buffer;
    alignas(cmsghdr) std::array<char, 256> control{};
    io::SocketAddress from;
    iovec piece{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = from.get();
    message.msg_namelen = *from.length();
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(fd_.get(), &message, 0);
    if (got < 0) return std::nullopt;
    Datagram datagram;
    if (const auto endpoint = from.endpoint()) datagram.from = *endpoint;
    for (cmsghdr* h = CMSG_FIRSTHDR(&message); h != nullptr; h = CMSG_NXTHDR(&message, h)) {
      std::array<std::uint8_t, 4> address{};
      if (h->cmsg_level != IPPROTO_IP || h->cmsg_type != IP_PKTINFO) continue;
      std::memcpy(address.data(), CMSG_DATA(h) + offsetof(in_pktinfo, ipi_addr), address.size());
      datagram.to = net::Address::v4(address);
    }
    datagram.bytes.assign(buffer.begin(), buffer.begin() + got);
    return datagram;
  }

 private:
  io::Fd fd_;
};

struct Task {
  net::Address responder, network;
  std::uint32_t first = 0, count = 0, at_once = 0;
  std::shared_ptr<const ike::Policy> policy;
};

std::shared_ptr<const ike::Policy> policy_of(const std::string& method, const std::vector<const char*>& files) {
  ike::Remote remote;
  remote.name = "anonymous";
  remote.exchange_modes = {Exchange::Main};
  remote.initial_contact = false;
  remote.dpd = false;
  remote.rekey = false;
  remote.nat_traversal = ike::NatTraversal::Force;
  ike::Phase1Transform transform;
  transform.cipher = crypto::ike::cipher_by_name("aes");
  transform.key_bits = 128;
  transform.hash = crypto::ike::hash_by_name("sha256");
  transform.authentication = wire::ike::v1::oakley::kPreSharedKey;
  transform.group = crypto::ike::group_by_name("modp2048");
  if (method == "rsa") {
    transform.authentication = wire::ike::v1::oakley::kRsaSignature;
    remote.my_identifier = ike::Identity{wire::ike::v1::IdType::DerDn, {}};
    auto own = crypto::ike::Credentials::load(read_file(files.at(0)), read_file(files.at(1)));
    auto trust = crypto::ike::Trust::load({read_file(files.at(2))});
    if (!own || !trust) std::fprintf(stderr, "certificates: %s\n", own ? trust.error().c_str() : own.error().c_str());
    if (!own || !trust) std::exit(EXIT_FAILURE);
    remote.credentials = std::make_shared<const crypto::ike::Credentials>(*std::move(own));
    remote.trust = std::make_shared<const crypto::ike::Trust>(*std::move(trust));
  }
  remote.proposals = {transform};
  ike::Sainfo sainfo;
  sainfo.name = "anonymous";
  sainfo.encryption = {{crypto::cipher_by_name("aes-cbc"), 128}};
  sainfo.authentication = {crypto::mac_by_name("hmac-sha2-256")};
  auto policy = std::make_shared<ike::Policy>();
  policy->remotes = {std::move(remote)};
  policy->sainfos = {std::move(sainfo)};
  return policy;
}

class Initiators {
 public:
  explicit Initiators(const Task& task) : task_(task) {}

  /// False when nothing came for too long.
  bool run() {
    for (std::uint32_t i = 0; i < task_.at_once; ++i) begin_next();
    const Duration patience = std::chrono::seconds{20};
    Time last = io::now();
    while (done_ < task_.count && io::now() - last < patience) {
      std::array<pollfd, 2> wait{pollfd{clear_.fd(), POLLIN, 0}, pollfd{marked_.fd(), POLLIN, 0}};
      const int ready = ::poll(wait.data(), wait.size(), 500);
      if (ready == 0) tick();
      const std::uint32_t before = done_;
      read(clear_, false);
      read(marked_, true);
      if (done_ != before) last = io::now();
    }
    return done_ == task_.count;
  }
  std::uint32_t done() const { return done_; }
  const std::string& complaint() const { return complaint_; }

 private:
  struct Peer {
    explicit Peer(const Initiators& of) : machine(of.task_.policy, of.key_, of.policies_) {}
    ike::Machine machine;
    unsigned installed = 0;
    bool done = false;
  };

  void begin_next() {
    if (begun_ == task_.count) return;
    const net::Address own = plus(task_.network, task_.first + begun_++);
    Peer& peer = *peers_.emplace(own, std::make_unique<Peer>(*this)).first->second;
    ike::ChildItem item;
    item.mode = ike::Encapsulation::Tunnel;
    const ike::ChildRequest request{
        0, own, task_.responder, {net::Prefix::host(own), *net::Prefix::parse("10.9.0.0/24")}, {item}};
    happen(own, peer, ike::Wanted{request});
  }
  void tick() {
    for (const auto& [own, peer] : peers_) {
      if (!peer->done) happen(own, *peer, ike::Tick{});
    }
  }
  void read(const Port& port, bool marked) {
    while (auto datagram = port.receive()) {
      const auto peer = peers_.find(datagram->to);
      if (peer == peers_.end()) continue;
      const std::size_t skipped = marked ? std::min(kMarker, datagram->bytes.size()) : 0;
      const std::uint16_t own_port = marked ? 4500 : 500;
      happen(datagram->to, *peer->second,
             ike::Received{{datagram->to, own_port}, datagram->from, Bytes{datagram->bytes}.subspan(skipped), marked});
    }
  }
  void happen(const net::Address& own, Peer& peer, const ike::Event& event) {
    for (ike::Action& action : peer.machine.on(event, io::now(), random_)) act(own, peer, action);
    if (peer.done || peer.installed < 2) return;
    peer.done = true;
    ++done_;
    begin_next();
  }
  void act(const net::Address& own, Peer& peer, ike::Action& action) {
    if (auto* send = std::get_if<ike::Send>(&action)) {
      if (send->floated) send->bytes.insert(send->bytes.begin(), kMarker, 0);
      (send->floated ? marked_ : clear_).send(own, send->remote, send->bytes);
    } else if (const auto* spi = std::get_if<ike::AllocateSpi>(&action)) {
      happen(own, peer, ike::SpiAllocated{spi->child, spi->item_index, Spi{next_spi_++}});
    } else if (std::holds_alternative<ike::Install>(action)) {
      ++peer.installed;
    } else if (const auto* refusal = std::get_if<ike::Refusal>(&action)) {
      complaint_ = sentence(*refusal);
    }
  }

  const Task& task_;
  Port clear_{500}, marked_{4500};
  io::KernelRandom random_;
  Key key_;
  NoPolicies policies_;
  std::map<net::Address, std::unique_ptr<Peer>> peers_;
  std::uint32_t begun_ = 0, done_ = 0, next_spi_ = 0x10000;
  std::string complaint_;
};

}  // namespace
}  // namespace testudo

int main(int argc, char** argv) {
  using namespace testudo;
  if (argc != 7 && argc != 10) return std::fprintf(stderr, "usage: see the first lines of setups.cc\n"), EXIT_FAILURE;
  const std::vector<const char*> files(argv + 7, argv + argc);
  const auto number = [&](int i) { return static_cast<std::uint32_t>(std::strtoul(argv[i], nullptr, 10)); };
  const auto responder = net::Address::parse(argv[2]), network = net::Address::parse(argv[3]);
  if (!responder || !network) return std::fprintf(stderr, "no address\n"), EXIT_FAILURE;
  const Task task{*responder, *network, number(4), number(5), number(6), policy_of(argv[1], files)};
  Initiators initiators{task};
  const Time begin = io::now();
  const bool all = initiators.run();
  const double seconds = std::chrono::duration<double>(io::now() - begin).count();
  std::printf("{\"done\": %u, \"seconds\": %.3f}\n", initiators.done(), seconds);
  if (!all) std::fprintf(stderr, "%s\n", initiators.complaint().c_str());
  return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
