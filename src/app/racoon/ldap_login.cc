// Logins judged by a directory: judge_login.h.  OpenLDAP's library speaks the protocol and TLS; what is asked is ours.
#include <ldap.h>
#include <openldap.h>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/racoon/judge_login.h"
#include "base/hex.h"
#include "base/secret.h"
#include "io/confinement.h"
#include "io/fd.h"

namespace testudo::app {
namespace {

using namespace wire::racoon;

constexpr const char* kNotThis = "unknown, or not with this password";

struct FreeLdap {
  void operator()(LDAP* p) const { ::ldap_unbind_ext_s(p, nullptr, nullptr); }
  void operator()(LDAPMessage* p) const { ::ldap_msgfree(p); }
  void operator()(LDAPURLDesc* p) const { ::ldap_free_urldesc(p); }
  void operator()(berval** p) const { ::ldap_value_free_len(p); }
  void operator()(char* p) const { ::ldap_memfree(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeLdap>;

/// RFC 4515 section 3: a value in a filter.  Escaped is all that is not a letter or a digit, so nothing can end it.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const auto byte = static_cast<std::uint8_t>(c);
    out += plain ? std::string{c} : "\\" + to_hex(Bytes{&byte, 1});
  }
  return out;
}

/// What is wrong, as the library and the server say it; strangers' words are kept short and printable.
std::string reason_of(LDAP* directory, int code, const Directory& asked) {
  static constexpr std::size_t kLongest = 200;
  char* words = nullptr;
  std::string more;
  if (::ldap_get_option(directory, LDAP_OPT_DIAGNOSTIC_MESSAGE, &words) == LDAP_OPT_SUCCESS && words != nullptr) {
    const Owned<char> owned{words};
    more = std::string{words}.substr(0, kLongest);
    std::ranges::replace_if(
        more, [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  }
  return "directory " + asked.url + ": " + ::ldap_err2string(code) + (more.empty() ? "" : " (" + more + ")");
}

bool connected_in_time(int socket, unsigned seconds) {
  pollfd wait{socket, POLLOUT, 0};
  if (::poll(&wait, 1, static_cast<int>(seconds) * 1000) != 1) return false;
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

/// By the first address of the host that answers.
io::Fd line_to(const LDAPURLDesc& url, unsigned seconds) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(url.lud_host, std::to_string(url.lud_port).c_str(), &wanted, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, ::freeaddrinfo};
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    io::Fd socket{::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) continue;
    const bool at_once = ::connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0;
    if (!at_once && (errno != EINPROGRESS || !connected_in_time(socket.get(), seconds))) continue;
    // The handshake of TLS would ask again and again of a socket that does not wait.
    const timeval patience{seconds, 0};
    const bool waits = ::fcntl(socket.get(), F_SETFL, 0) == 0 &&
                       ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                       ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0;
    if (waits) return socket;
  }
  return {};
}

/// A session with the directory; of its steps each fails when one before has.
class Session {
 public:
  explicit Session(const Directory& asked) : asked_(asked) {}

  /// All that needs files: names, addresses, anchors of TLS.
  bool open() {
    LDAPURLDesc* parsed = nullptr;
    if (::ldap_url_parse(asked_.url.c_str(), &parsed) != LDAP_URL_SUCCESS) return fail("its uri cannot be read");
    const Owned<LDAPURLDesc> url{parsed};
    io::Fd line = url->lud_host == nullptr ? io::Fd{} : line_to(*url, asked_.timeout);
    if (!line) return fail("nobody answers there");
    is_tls_at_once_ = std::string_view{url->lud_scheme} == "ldaps";
    if ((is_tls_at_once_ || asked_.start_tls) && !read_anchors()) return false;
    LDAP* made = nullptr;
    if (::ldap_init_fd(line.get(), LDAP_PROTO_TCP, asked_.url.c_str(), &made) != LDAP_SUCCESS) return fail("no memory");
    line.release();  // the session's now
    directory_.reset(made);
    return set_options();
  }

  /// RFC 4511 section 4.14, or from the first byte.
  bool protect() {
    if (!is_tls_at_once_ && !asked_.start_tls) return true;
    const bool good = took(is_tls_at_once_ ? ::ldap_install_tls(directory_.get())
                                           : ::ldap_start_tls_s(directory_.get(), nullptr, nullptr));
    // The library does not say what it is about a certificate that it does not like.
    if (!good) why_ += "; TLS needs a certificate of that host, by a CA in TLS_CACERT of ldap.conf(5) here";
    return good;
  }

  /// As this name, with this password; both empty: as nobody.
  int bind(const std::string& name, Bytes password) {
    std::string copy{password.begin(), password.end()};
    berval secret{copy.size(), copy.data()};
    const int code =
        ::ldap_sasl_bind_s(directory_.get(), name.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, nullptr);
    wipe(as_mutable_bytes(copy));
    return code;
  }

  /// At most two entries: of one more nobody would know which is meant.
  Owned<LDAPMessage> search(const std::string& filter, const std::vector<std::string>& attributes) {
    std::vector<char*> names;
    for (const std::string& each : attributes)
      names.push_back(const_cast<char*>(each.c_str()));  // NOLINT(*-const-cast)
    names.push_back(nullptr);
    timeval patience{asked_.timeout, 0};
    LDAPMessage* found = nullptr;
    const int code = ::ldap_search_ext_s(directory_.get(), asked_.base.c_str(),
                                         asked_.subtree ? LDAP_SCOPE_SUBTREE : LDAP_SCOPE_ONELEVEL, filter.c_str(),
                                         names.data(), 0, nullptr, nullptr, &patience, 2, &found);
    Owned<LDAPMessage> owned{found};
    if (code != LDAP_SIZELIMIT_EXCEEDED) took(code);
    return owned;
  }

  bool took(int code) {
    if (code == LDAP_SUCCESS) return true;
    why_ = reason_of(directory_.get(), code, asked_);
    return false;
  }
  bool fail(const std::string& what) {
    why_ = "directory " + asked_.url + ": " + what;
    return false;
  }

  LDAP* get() const { return directory_.get(); }
  const std::string& why() const { return why_; }

 private:
  /// Of the library: a session of it inherits what was read by then, and could not read it again.
  bool read_anchors() {
    const int demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
    // Who is not proved to be the server gets no password, whatever ldap.conf(5) says.
    const bool ready = ::ldap_set_option(nullptr, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
                       ::ldap_set_option(nullptr, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
    return ready || fail("TLS cannot be set up: see TLS_CACERT in ldap.conf(5)");
  }

  bool set_options() {
    const int version = asked_.version;
    const timeval patience{asked_.timeout, 0};
    LDAP* const d = directory_.get();
    const bool set = ::ldap_set_option(d, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
                     ::ldap_set_option(d, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
                     ::ldap_set_option(d, LDAP_OPT_TIMEOUT, &patience) == LDAP_OPT_SUCCESS &&
                     ::ldap_set_option(d, LDAP_OPT_NETWORK_TIMEOUT, &patience) == LDAP_OPT_SUCCESS;
    return set || fail("its options cannot be set");
  }

  const Directory& asked_;
  Owned<LDAP> directory_;
  bool is_tls_at_once_ = false;
  std::string why_;
};

std::optional<net::Address> v4_of(LDAP* directory, LDAPMessage* entry, const std::string& attribute) {
  const Owned<berval*> values{::ldap_get_values_len(directory, entry, attribute.c_str())};
  if (!values || *values == nullptr) return std::nullopt;
  const berval& first = **values;
  const auto address = net::Address::parse(std::string_view{first.bv_val, first.bv_len});
  return address && address->is_v4() ? std::optional{*address} : std::nullopt;
}

/// RFC 4514 names are compared by the directory.
bool is_member(Session& session, const Directory& asked, const std::string& name,
               const std::vector<std::string>& groups) {
  return std::ranges::any_of(groups, [&](const std::string& group) {
    const std::string filter =
        "(&(" + asked.attr_group + "=" + escaped(group) + ")(" + asked.attr_member + "=" + escaped(name) + "))";
    const auto found = session.search(filter, {LDAP_NO_ATTRS});
    return found && ::ldap_count_entries(session.get(), found.get()) > 0;
  });
}

Outcome judge(Session& session, const Task& task) {
  const Directory& asked = task.directory;
  if (!session.protect()) return {false, session.why()};
  if (!session.took(session.bind(asked.bind_dn, asked.bind_password.expose()))) return {false, session.why()};
  const std::string filter = "(" + asked.attr_user + "=" + escaped(task.user) + ")";
  const auto found = session.search(filter, {asked.attr_address, asked.attr_mask});
  if (!session.why().empty()) return {false, session.why()};
  const int entries = found ? ::ldap_count_entries(session.get(), found.get()) : 0;
  if (entries == 0) return {false, kNotThis};
  if (entries > 1) return {false, "several entries of the directory have this name"};
  LDAPMessage* const entry = ::ldap_first_entry(session.get(), found.get());
  const Owned<char> name{::ldap_get_dn(session.get(), entry)};
  if (!name) return {false, "the directory's answer cannot be read"};
  Outcome outcome{true, "", v4_of(session.get(), entry, asked.attr_address),
                  v4_of(session.get(), entry, asked.attr_mask)};
  const bool member = !asked.has_groups || task.groups.empty() || is_member(session, asked, name.get(), task.groups);
  if (!session.why().empty()) return {false, session.why()};
  const int code = session.bind(name.get(), task.password.expose());
  if (code == LDAP_INVALID_CREDENTIALS) return {false, kNotThis};
  if (!session.took(code)) return {false, session.why()};
  return member ? outcome : Outcome{false, "in none of auth_groups"};
}

}  // namespace

Outcome ask_ldap(const Task& task) {
  // A name without a password is let in as nobody (RFC 4513 section 5.1.2), which proves nothing.
  if (task.password.empty()) return {false, kNotThis};
  if (!task.directory.has_groups && !is_in_groups(task.user, task.groups)) return {false, "in none of auth_groups"};
  Session session{task.directory};
  if (!session.open()) return {false, session.why()};
  // From here on it reads what strangers may send, of any size.
  static constexpr rlim_t kMemory = rlim_t{512} << 20U;
  const rlimit memory{kMemory, kMemory};
  ::setrlimit(RLIMIT_AS, &memory);
  if (!io::become({})) return {false, "the process that asks the directory keeps its rights, and so does not ask"};
  // Where a kernel has no such filter, racoon's log says so at its start.
  static_cast<void>(io::allow_few_calls(-1).has_value());
  return judge(session, task);
}

}  // namespace testudo::app
