#pragma once
// What the statements of racoon.conf(5) mean: one row for each word of each block, in build.cc.  A row that is missing
// is an error with the word that was probably meant; a word that racoon knew and this program does not act upon yet is
// a warning, so that files in use load.
#include <map>

#include "config/racoon/conf.h"

namespace testudo::config {

class Builder {
 public:
  Builder(RacoonConf& conf, Files& files, std::vector<Diagnostic>& diagnostics)
      : conf_(conf), files_(files), diagnostics_(diagnostics) {}

  void file(const std::vector<Statement>& statements, unsigned depth = 0);
  /// Behind all files: whether who is to be asked is known.
  void check_radius();
  void check_ldap();

 private:
  friend struct Rules;

  // One value behind the word of a statement; a complaint and nothing when it is not there or not of its kind.
  const Item* value(const Statement& s, std::size_t place = 1);
  std::optional<std::uint32_t> number(const Statement& s, std::size_t place, std::uint32_t most = 0xffffffff,
                                      std::uint32_t least = 0);
  std::optional<bool> on_off(const Statement& s);
  std::optional<std::uint32_t> seconds(const Statement& s, std::size_t place, std::uint32_t most);
  std::optional<std::uint32_t> lifetime(const Statement& s);
  /// "fe80::1%eth0" too, and what is link-local must say its interface.
  std::optional<net::Address> address(const Item& item);
  std::optional<net::Endpoint> endpoint(const Statement& s, std::size_t place, std::uint16_t default_port);
  std::optional<ike::Identity> identity(const Statement& s, std::size_t place);

  void error(const Item& at, std::string message, std::string hint = "");
  void warn(const Item& at, std::string message, std::string hint = "");

  // Blocks.
  void include(const Statement& s, unsigned depth);
  void remote(const Statement& s);
  void finish_remote(const Statement& s);
  bool check_aggressive(const Statement& s);
  bool check_keys(const Statement& s);
  void proposal(const Statement& s);
  void sainfo(const Statement& s);
  std::optional<wire::ike::v1::Identification> selector(const Statement& s, std::size_t& place);
  void encryption(const Statement& s);
  void authentication(const Statement& s);

  RacoonConf& conf_;
  Files& files_;
  std::vector<Diagnostic>& diagnostics_;
  // What the block being read fills.
  ike::Remote remote_;
  std::uint32_t remote_lifetime_ = 28800;
  /// What `inherit` takes: a proposal without a lifetime of its own has 0.
  struct Unfinished {
    ike::Remote remote;
    std::uint32_t lifetime = 0;
  };
  std::map<std::string, Unfinished> unfinished_;
  ike::Phase1Transform proposal_;
  ike::Sainfo sainfo_;
  Item auth_source_, group_source_, conf_source_, accounting_;  ///< where they say who
};

}  // namespace testudo::config
