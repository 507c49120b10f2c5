// Logins judged, and sessions kept, by RADIUS servers: judge_login.h.  What is asked and believed is radius/'s.
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "app/racoon/judge_login.h"
#include "io/clock.h"
#include "io/confinement.h"
#include "io/fd.h"
#include "io/random.h"
#include "io/socket_address.h"
#include "radius/exchange.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;
namespace type = wire::radius::type;

/// RFC 2865 sections 5.6 and 5.41; RFC 2866 section 5.1.
constexpr std::uint32_t kFramed = 2, kVirtual = 5, kStart = 1, kStop = 2;

/// A socket that hears this server alone, and the address by which the server will know us.
struct ServerLine {
  io::Fd socket;
  net::Address own;
};

ServerLine line_to(const RadiusServer& server) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &wanted, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, ::freeaddrinfo};
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    io::Fd socket{::socket(each->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket || ::connect(socket.get(), each->ai_addr, each->ai_addrlen) != 0) continue;
    io::SocketAddress own;
    if (::getsockname(socket.get(), own.get(), own.length()) != 0) continue;
    const auto at = own.endpoint();
    if (at) return {std::move(socket), at->address};
  }
  return {};
}

void say_who_asks(wire::radius::Attributes& out, const net::Address& own) {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) out.add(type::kNasIdentifier, std::string_view{name.data()});
  out.add(own.is_v4() ? type::kNasIpAddress : type::kNasIpv6Address, own.bytes());
  out.add_number(type::kNasPortType, kVirtual);
}

ByteVector question_of(const Task& task, const RadiusServer& server, const ServerLine& line, std::uint8_t id,
                       const radius::Authenticator& authenticator) {
  const Bytes secret = server.secret.expose();
  wire::radius::Attributes all;
  all.add(type::kUserName, task.user);
  all.add(type::kUserPassword, radius::hide_password(task.password.expose(), secret, authenticator));
  say_who_asks(all, line.own);
  all.add_number(type::kServiceType, kFramed);
  all.add(type::kCallingStationId, task.remote.to_string());
  return radius::access_request(id, authenticator, all.bytes(), secret);
}

std::string session_name(std::uint64_t session) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name;
  for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[session >> static_cast<unsigned>(shift) & 0xfU];
  return name;
}

ByteVector account_of_session(const Task& task, const RadiusServer& server, const ServerLine& line, std::uint8_t id) {
  const bool begins = task.job == Job::OpenSession;
  wire::radius::Attributes all;
  all.add_number(type::kAcctStatusType, begins ? kStart : kStop);
  all.add(type::kAcctSessionId, session_name(task.session));
  all.add(type::kUserName, task.user);
  say_who_asks(all, line.own);
  all.add_number(type::kNasPort, task.slot);
  all.add_number(type::kServiceType, kFramed);
  if (task.address && task.address->is_v4()) all.add(type::kFramedIpAddress, task.address->bytes());
  all.add(type::kCallingStationId, task.remote.to_string());
  if (!begins) all.add_number(type::kAcctSessionTime, task.seconds);
  radius::add_classes(all, task.token);
  return radius::accounting_request(id, all.bytes(), server.secret.expose());
}

/// An answer, or the reason why there is none.
Result<radius::Said, std::string> ask(radius::Exchange& exchange, const std::vector<radius::Server>& servers,
                                      const std::vector<ServerLine>& lines) {
  std::vector<pollfd> waits;
  for (const ServerLine& line : lines) waits.push_back({line.socket.get(), POLLIN, 0});
  for (;;) {
    const auto [send, wait] = exchange.next(io::now());
    if (!wait) return Failure{exchange.failure()};
    if (send) {
      const ByteVector& request = servers[*send].request;
      if (::send(lines[*send].socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        exchange.unreachable(*send);
      }
      continue;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*wait - io::now());
    ::poll(waits.data(), waits.size(), static_cast<int>(std::max(left.count(), std::int64_t{1})));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::array<std::uint8_t, wire::radius::kLongest> buffer{};
      const ssize_t got = ::recv(lines[i].socket.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == ECONNREFUSED) exchange.unreachable(i);
      if (got < 0) continue;
      auto said = exchange.take(i, Bytes{buffer}.first(static_cast<std::size_t>(got)));
      if (said) return *std::move(said);
    }
  }
}

Outcome outcome_of(radius::Said said) {
  using Kind = radius::Said::Kind;
  const std::string words = said.message.empty() ? "" : " with \"" + said.message + "\"";
  if (said.kind == Kind::Reject) return {false, "refused by RADIUS server " + said.server + words};
  if (said.kind == Kind::Challenge) {
    return {false, "RADIUS server " + said.server + " answers" + words + ": challenges are not spoken"};
  }
  return {true, "", said.address, said.netmask, std::move(said.classes)};
}

/// Why it cannot even be asked; "" when it can.
std::string unaskable(const Task& task) {
  if (task.job != Job::Judge) return "";
  if (task.user.size() > wire::radius::kLongestValue) return "the name is too long for RADIUS";
  if (task.password.size() > radius::kLongestPassword) return "the password is too long for RADIUS";
  return is_in_groups(task.user, task.groups) ? "" : "in none of auth_groups";
}

}  // namespace

Outcome ask_radius(const Task& task) {
  if (std::string why = unaskable(task); !why.empty()) return {false, std::move(why)};
  io::KernelRandom random;
  radius::Authenticator authenticator{};
  std::array<std::uint8_t, 1> id{};
  random.fill(authenticator);
  random.fill(id);
  std::vector<ServerLine> lines;
  std::vector<radius::Server> servers, asked;
  for (const RadiusServer& each : task.servers) {
    ServerLine line = line_to(each);
    const bool judges = task.job == Job::Judge;
    ByteVector request =
        judges ? question_of(task, each, line, id[0], authenticator) : account_of_session(task, each, line, id[0]);
    servers.push_back({each.host, each.secret.clone(), request});
    asked.push_back({each.host, {}, std::move(request)});
    lines.push_back(std::move(line));
  }
  using radius::Proof;
  radius::Exchange exchange{std::move(servers),
                            {std::chrono::seconds{task.timeout}, task.tries},
                            task.proof_required ? Proof::Required : Proof::Optional};
  // From here on it reads what strangers may send.
  if (!io::become({})) return {false, "the process that asks RADIUS keeps its rights, and so does not ask"};
  // Where a kernel has no such filter, racoon's log says so at its start.
  static_cast<void>(io::allow_few_calls(-1).has_value());
  auto said = ask(exchange, asked, lines);
  if (!said) return {false, said.error()};
  return outcome_of(*std::move(said));
}

}  // namespace testudo::app
