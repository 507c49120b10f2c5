#include "app/racoon/dump.h"

#include "ike/negotiate/phase1.h"
#include "io/socket_address.h"

#include <array>
#include <functional>

namespace testudo::app {
namespace {

using ike::Remote;
using wire::ike::v1::Exchange;

std::string on_off(bool value) {
  return value ? "on" : "off";
}

std::string modes_of(const Remote& remote) {
  std::string text;
  for (const Exchange mode : remote.exchange_modes) {
    text += text.empty() ? "" : ", ";
    text += mode == Exchange::Aggressive ? "aggressive" : mode == Exchange::Base ? "base" : "main";
  }
  return text;
}

std::string seconds_of(Duration time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).count());
}

void dump_proposal(const ike::Phase1Transform& t, const std::function<void(const std::string&)>& line) {
  line("\tproposal {");
  line("\t\tlifetime time " + std::to_string(t.lifetime) + " sec;");
  line("\t\tencryption_algorithm " + std::string{t.cipher->name} + " " + std::to_string(t.key_bits) + ";");
  line("\t\thash_algorithm " + std::string{t.hash->name} + ";");
  line("\t\tauthentication_method " + ike::negotiate::method_name(t) + ";");
  line("\t\tdh_group " + std::string{t.group->name} + ";");
  line("\t}");
}

void dump_files(const Remote& r, const std::function<void(const std::string&)>& line) {
  if (!r.certificate_file.empty()) {
    line("\tcertificate_type x509 \"" + r.certificate_file + "\" \"" + r.key_file + "\";");
  }
  if (!r.plain_key_file.empty()) line("\tcertificate_type plain_rsa \"" + r.plain_key_file + "\";");
  if (!r.plain_peers_file.empty()) line("\tpeers_certfile plain_rsa \"" + r.plain_peers_file + "\";");
  if (!r.peers_certificate_file.empty()) line("\tpeers_certfile x509 \"" + r.peers_certificate_file + "\";");
  if (!r.ca_file.empty()) line("\tca_type x509 \"" + r.ca_file + "\";");
  const std::array<std::pair<const std::string*, const char*>, 3> scripts{
      {{&r.scripts.up, "phase1_up"}, {&r.scripts.down, "phase1_down"}, {&r.scripts.dead, "phase1_dead"}}};
  for (const auto& [file, event] : scripts) {
    if (!file->empty()) line("\tscript \"" + *file + "\" " + event + ";");
  }
}

void dump_remote(const Remote& r, const std::function<void(const std::string&)>& line) {
  static constexpr std::array<const char*, 4> kChecks{"obey", "strict", "claim", "exact"};
  static constexpr std::array<const char*, 3> kNat{"off", "on", "force"};
  static constexpr std::array<const char*, 3> kLevels{"off", "require", "unique"};
  line("remote " + r.name + " {");
  if (r.address) line("\tremote_address " + io::with_link_name(*r.address) + " [" + std::to_string(r.port) + "];");
  line("\texchange_mode " + modes_of(r) + ";");
  if (r.my_identifier) line("\tmy_identifier " + r.my_identifier->to_string() + ";");
  for (const ike::Identity& id : r.peers_identifiers) line("\tpeers_identifier " + id.to_string() + ";");
  dump_files(r, line);
  if (!r.xauth_login.empty()) line("\txauth_login \"" + r.xauth_login + "\";");
  line("\tmode_cfg " + on_off(r.mode_cfg) + ";");
  line("\tsend_cert " + on_off(r.send_cert) + ";");
  line("\tsend_cr " + on_off(r.send_cr) + ";");
  line("\tweak_phase1_check " + on_off(r.weak_phase1_check) + ";");
  line("\tverify_identifier " + on_off(r.verify_identifier) + ";");
  line("\tverify_cert " + on_off(r.verify_cert) + ";");
  line("\tpassive " + on_off(r.passive) + ";");
  line("\tproposal_check " + std::string{kChecks.at(static_cast<std::size_t>(r.proposal_check))} + ";");
  line("\tinitial_contact " + on_off(r.initial_contact) + ";");
  line("\tnat_traversal " + std::string{kNat.at(static_cast<std::size_t>(r.nat_traversal))} + ";");
  line("\tike_frag " + std::string{kNat.at(static_cast<std::size_t>(r.ike_frag))} + ";");
  line("\tesp_frag " + std::to_string(r.esp_frag) + ";");
  line("\tgenerate_policy " + std::string{kLevels.at(static_cast<std::size_t>(r.generate_policy))} + ";");
  line("\tdpd " + on_off(r.dpd) + ";");
  line("\tdpd_delay " + seconds_of(r.dpd_delay) + ";");
  line("\tdpd_retry " + seconds_of(r.dpd_retry) + ";");
  line("\tdpd_maxfail " + std::to_string(r.dpd_maxfail) + ";");
  line("\trekey " + on_off(r.rekey) + ";");
  line("\tnonce_size " + std::to_string(r.nonce_size) + ";");
  line("\tph1id " + std::to_string(r.ph1id) + ";");
  for (const ike::Phase1Transform& t : r.proposals) dump_proposal(t, line);
  line("}");
}

}  // namespace

void dump(const ike::Policy& policy, Log& log) {
  for (const Remote& remote : policy.remotes) {
    dump_remote(remote, [&](const std::string& text) { log.write(Log::Level::Info, text); });
  }
}

}  // namespace testudo::app
