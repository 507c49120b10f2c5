#pragma once
// racoon.conf(5) as a value, with racoon's defaults: those of its code, where the manual says otherwise.  What the
// machine negotiates is in `policy`; the rest is the daemon's.
#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "config/racoon/syntax.h"
#include "ike/policy.h"

namespace testudo::config {

/// `adminsock`: where racoonctl asks.
struct AdminSocket {
  bool enabled = true;
  std::string path;          ///< "": the default
  std::string owner, group;  ///< names or numbers; "": root
  unsigned mode = 0600;

  friend bool operator==(const AdminSocket&, const AdminSocket&) = default;
};

struct Listen {
  std::vector<net::Endpoint> isakmp, isakmp_natt;  ///< none: every local address
  bool strict_address = false;
  AdminSocket admin;
};

/// What the process that speaks to peers becomes: names or numbers.
struct Privsep {
  std::string user, group, chroot;  ///< "": racoon's own choice

  friend bool operator==(const Privsep&, const Privsep&) = default;
};

/// Whom auth_source, conf_source and accounting mean by `radius`.
struct Radius {
  static constexpr std::uint16_t kAuthPort = 1812, kAcctPort = 1813;  ///< RFC 2865 section 3, RFC 2866 section 3
  struct Server {
    std::string host;
    std::uint16_t port = 0;
    Secret secret;
  };
  enum class Proof : std::uint8_t { Required, Optional };
  std::vector<Server> auth, acct;
  unsigned timeout = 3;  ///< seconds
  unsigned retries = 3;  ///< how often each server is asked
  Proof message_authenticator = Proof::Required;
};

/// Whom auth_source, group_source and conf_source mean by `ldap`: RFC 4511.
struct Ldap {
  std::string uri;  ///< "": made of host and port
  std::string host = "localhost";
  unsigned port = 389, version = 3;
  bool subtree = false;       ///< below `base`, at any depth
  bool start_tls = false;     ///< RFC 4511 section 4.14
  std::string base, bind_dn;  ///< "": anonymous
  Secret bind_password;
  std::string attr_user = "cn", attr_address = "racoon-address", attr_mask = "racoon-netmask", attr_group = "cn",
              attr_member = "member";
  unsigned timeout = 15;  ///< seconds, for each answer

  /// ldap://HOST:PORT
  std::string url() const;
};

enum class LogLevel : std::uint8_t { Error, Warning, Notify, Info, Debug, Debug2 };

struct RacoonConf {
  ike::Policy policy;
  Listen listen;
  Privsep privsep;
  Radius radius;
  Ldap ldap;
  LogLevel log = LogLevel::Info;
  std::string pre_shared_key, certificate, script, include, pidfile;  ///< paths; "" when not set
  std::size_t pfkey_buffer = 0;  ///< bytes that its socket is asked for; 0: the system's own choice
};

/// What a configuration names beside itself: the files that a pattern of `include` matches, with their texts, and the
/// interfaces of link-local addresses.
class Files {
 public:
  struct File {
    std::string name, text;
    std::string failure;  ///< why it could not be read; "" when it was
  };
  virtual ~Files() = default;
  /// Sorted; empty when nothing matches.
  virtual std::vector<File> matching(const std::string& pattern) = 0;
  /// The index of the interface of this name; 0: there is none.
  virtual std::uint32_t link(const std::string& name) = 0;

 protected:
  Files() = default;
  Files(const Files&) = default;
  Files& operator=(const Files&) = default;
};

struct Loaded {
  std::shared_ptr<RacoonConf> conf;
  std::vector<Diagnostic> diagnostics;

  bool failed() const;
};

/// The text with a dash for each secret in it (of radiuscfg and ldapcfg), which means the same otherwise: for who may
/// not know them.
std::string without_secrets(std::string_view text);

/// The whole file and what it includes.  Never stops at the first error.
Loaded load_racoon_conf(std::string_view text, const std::string& file, Files& files);

}  // namespace testudo::config
