#include "app/racoon/log.h"

#include <fmt/format.h>
#include <syslog.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "app/racoon/link_names.h"
#include "io/clock.h"
#include "io/socket_address.h"

namespace testudo::app {
namespace {

using ike::Fact;

constexpr std::array<const char*, 6> kNames{"ERROR", "WARNING", "NOTIFY", "INFO", "DEBUG", "DEBUG2"};
constexpr std::array<int, 6> kPriorities{LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG, LOG_DEBUG};

std::string stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return {text.data(), length};
}

std::string ends(const ike::Told& told, const char* between) {
  return fmt::format("{}[{}]{}{}[{}]", io::with_link_name(told.local.address), told.local.port, between,
                     io::with_link_name(told.remote.address), told.remote.port);
}

std::string cookies(const ike::Told& told) {
  return fmt::format("{:016x}:{:016x}", told.initiator_cookie, told.responder_cookie);
}

struct Line {
  config::LogLevel level;
  std::string text;
};

Line line_of(const ike::Told& told) {
  using enum config::LogLevel;
  switch (told.fact) {
    case Fact::Phase1Started:
      return {Info, fmt::format("new phase 1 negotiation: {}, {}", ends(told, "<=>"), told.text)};
    case Fact::Phase1Established:
      return {Info, fmt::format("ISAKMP-SA established {} spi:{} ({})", ends(told, "-"), cookies(told), told.text)};
    case Fact::Phase1Deleted:
      return {Info, fmt::format("ISAKMP-SA deleted {} spi:{}: {}", ends(told, "-"), cookies(told), told.text)};
    case Fact::Phase1Expired:
      return {Info, fmt::format("ISAKMP-SA expired {} spi:{}", ends(told, "-"), cookies(told))};
    case Fact::Phase1TimedOut:
      return {Error, fmt::format("phase1 negotiation failed due to time up. {}", cookies(told))};
    case Fact::Phase1Rekeyed:
      return {Info, fmt::format("renegotiating phase1 to {}", io::with_link_name(told.remote.address))};
    case Fact::PeerDead:
      return {Info, fmt::format("DPD: remote (ISAKMP-SA spi={}) seems to be dead. ({})", cookies(told), told.text)};
    case Fact::Phase2Started:
      return {Info, fmt::format("new phase 2 negotiation: {}, {}", ends(told, "<=>"), told.text)};
    case Fact::Phase2Established:
      return {Info, fmt::format("IPsec-SA established: {}, {}", ends(told, "->"), told.text)};
    case Fact::Phase2Deleted:
      return {Info, fmt::format("IPsec-SA deleted: {}, {}", ends(told, "->"), told.text)};
    case Fact::Phase2TimedOut:
      return {Error, fmt::format("phase2 negotiation failed due to time up: {}, {}", ends(told, "->"), told.text)};
    case Fact::PolicyWanted:
      return {Info, fmt::format("no policy found, try to generate the policy : {}", told.text)};
    case Fact::PolicyDropped:
      return {Info, fmt::format("deleting a generated policy. {}", told.text)};
    case Fact::PeerMoved:
      return {Info, fmt::format("NAT-T: the NAT of {} has changed its mapping, {}: its SAs follow", ends(told, "-"),
                                told.text)};
    case Fact::PeerElsewhere:
      return {
          Warning,
          fmt::format("NAT-T: ESP of {} comes from {} now: policies and tunnels name its address, so nothing is sent "
                      "there before it negotiates anew",
                      ends(told, "-"), told.text)};
    case Fact::InitialContact:
      return {Info, fmt::format("INITIAL-CONTACT from {}: its older SAs are gone", told.text)};
    case Fact::LoggedIn:
      return {Info, fmt::format("login succeeded for user \"{}\" from {}", told.text,
                                io::with_link_name(told.remote.address))};
    case Fact::LoginFailed:
      return {Info,
              fmt::format("login failed for user \"{}\" from {}", told.text, io::with_link_name(told.remote.address))};
    case Fact::LoginDelayed:
      return {Warning,
              fmt::format("Throttling in action for {}: delay {}", io::with_link_name(told.remote.address), told.text)};
    case Fact::Configured:
      return {Info, fmt::format("mode-config with {}: the client's address is {}", ends(told, "-"), told.text)};
    case Fact::ConfigurationFailed:
      return {Error, fmt::format("mode-config with {} brought nothing", ends(told, "-"))};
    case Fact::Phase1Ready:
      return {Debug, fmt::format("phase 1 {} is ready for phase 2", cookies(told))};
    case Fact::Dropped:
      return {Debug, fmt::format("message from {}[{}] dropped: {}", io::with_link_name(told.remote.address),
                                 told.remote.port, told.text)};
  }
  return {Debug, told.text};
}

}  // namespace

Result<Log, std::string> Log::open(bool foreground, const std::string& file) {
  std::unique_ptr<std::FILE, Close> opened{file.empty() ? nullptr : std::fopen(file.c_str(), "ae")};
  if (!file.empty() && !opened) return Failure{"cannot write the log " + file + ": " + std::strerror(errno)};
  if (!opened) ::openlog("racoon", LOG_PID | LOG_NDELAY, LOG_DAEMON);
  return Log{foreground, std::move(opened)};
}

void Log::write_some(Level level, const std::string& text) {
  if (level > level_) return;
  const auto omitted = budget_.take(io::now());
  if (!omitted) return;
  if (*omitted != 0) write(level, fmt::format("{} more lines about unproven peers were left out", *omitted));
  write(level, text);
}

void Log::write(Level level, const std::string& text) {
  if (level > level_) return;
  const auto place = static_cast<std::size_t>(level);
  const std::string line = fmt::format("{}: {}: {}\n", stamp(), kNames[place], text);
  if (foreground_) std::fputs(line.c_str(), stdout), std::fflush(stdout);
  if (file_) std::fputs(line.c_str(), file_.get()), std::fflush(file_.get());
  if (!file_ && !foreground_) ::syslog(kPriorities[place], "%s", text.c_str());
}

void Log::told(const ike::Told& told) {
  const Line line = line_of(told);
  told.by_stranger ? write_some(line.level, line.text) : write(line.level, line.text);
}

void Log::refused(const ike::Refusal& refusal) {
  const std::string text = sentence_of(refusal);
  refusal.by_stranger() ? write_some(Level::Error, text) : write(Level::Error, text);
}

}  // namespace testudo::app
