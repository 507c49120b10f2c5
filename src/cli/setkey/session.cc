#include "cli/setkey/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <istream>
#include <ostream>
#include <vector>

#include "cli/setkey/print_debug.h"
#include "cli/setkey/print_policy.h"
#include "cli/setkey/print_sa.h"
#include "cli/setkey/restore.h"

namespace testudo::cli {
namespace {

using wire::pfkey::Message;
using wire::pfkey::Type;

// NetBSD's kernel answers before send() returns, and its setkey waits a second.  A daemon may have 100,000 SAs to flush
// first, on a busy machine; one that died closes the socket, which ends the wait at once.
constexpr std::chrono::seconds kReplyTimeout{60};

// Requests of a file on their way at once.  The daemon serves one client's messages in their order and takes 64 in a
// row, so that more would only wait in its socket.
constexpr std::size_t kOnTheirWay = 128;

bool is_dump(Type type) {
  return type == Type::Dump || type == Type::SpdDump;
}

/// A table's dump answers to its sender alone; of everything else all listeners get a copy.
bool is_reply(const Message& reply, Type request, std::uint32_t pid) {
  return reply.type == request && (is_dump(request) || reply.pid == pid);
}

std::string error_text(const Message& message) {
  const bool is_policy = message.type == Type::SpdAdd || message.type == Type::SpdUpdate;
  // testudod has one reason to say this of a policy.
  if (is_policy && message.error == EOPNOTSUPP) {
    return fmt::format("{} (what link-local addresses say to each other cannot be protected)",
                       std::strerror(message.error));
  }
  if (message.error != ENOENT) return std::strerror(message.error);
  if (message.type == Type::Dump) return "No SAD entries";
  if (message.type == Type::SpdDump) return "No SPD entries";
  return "No entry";
}

/// "esp SPI 0x00001000 of 10.0.0.1 10.0.0.2"
std::string name_of(const Message& dumped) {
  return fmt::format("{} SPI 0x{:08x} of {} {}", satype_word(dumped.satype), dumped.sa->spi.value,
                     dumped.source->endpoint.address.to_string(), dumped.destination->endpoint.address.to_string());
}

std::string key_numbers(const KeyLengthComplaint& complaint) {
  return fmt::format("{} {} {}\n", complaint.given, complaint.min, complaint.max);
}

}  // namespace

int Session::dump() {
  do {
    if (options_.forever && !options_.policies) with_.out << short_heading();
    Message message;
    message.type = options_.policies ? Type::SpdDump : Type::Dump;
    const bool whole = exchange(std::move(message), std::nullopt);
    with_.out.flush();
    if (!whole) return 1;
  } while (options_.forever && !options_.dry && with_.pause());
  return 0;
}

int Session::flush() {
  Message message;
  message.type = options_.policies ? Type::SpdFlush : Type::Flush;
  return exchange(std::move(message), std::nullopt) ? 0 : 1;
}

int Session::monitor() {
  if (channel_ == nullptr) return 0;
  Message message;
  message.type = Type::Promisc;
  message.satype = wire::pfkey::SaType::PromiscOn;
  message.pid = with_.pid;
  if (const auto sent = channel_->send(wire::pfkey::compose(message)); !sent) {
    with_.err << "setkey: send: " << sent.error() << "\n";
    return 1;
  }
  while (true) {
    auto received = channel_->receive(std::nullopt);
    if (!received) {
      with_.err << "setkey: recv: " << received.error() << "\n";
      return 1;
    }
    if (!*received) continue;
    const WipeAtEnd wiping{**received};
    Bytes bytes{**received};
    stamp();
    if (options_.hex) with_.out << print_hex(bytes);
    const auto outer = wire::pfkey::parse(bytes);
    const bool wrapped = outer && outer->type == Type::Promisc;
    constexpr std::size_t kHeader = 16;
    if (!wrapped || bytes.size() > kHeader) with_.out << print_debug(wrapped ? bytes.subspan(kHeader) : bytes) << "\n";
    with_.out.flush();
  }
}

void Session::stamp() {
  const Instant now = with_.now();
  if (options_.unix_stamp) {
    with_.out << fmt::format("{}.{:06} \n", now.seconds, now.microseconds);
    return;
  }
  const auto seconds = static_cast<std::time_t>(now.seconds);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  with_.out << fmt::format("{:02}:{:02}:{:02}.{:06} \n", parts.tm_hour, parts.tm_min, parts.tm_sec, now.microseconds);
}

// The whole file first: what has an error anywhere sends nothing.
int Session::run_script(std::string_view text, const std::string& name) {
  const Script script = parse_script(text);
  std::vector<Diagnostic> complaints = script.diagnostics;
  std::vector<std::pair<Message, unsigned>> messages;
  for (const Command& command : script.commands) {
    Compiled compiled = compile(command, with_.resolver);
    std::ranges::copy(compiled.diagnostics, std::back_inserter(complaints));
    for (Message& message : compiled.messages) messages.emplace_back(std::move(message), command.end.line);
  }
  std::ranges::stable_sort(complaints, {}, &Diagnostic::where);
  for (const Diagnostic& complaint : complaints) complain_in_file(complaint, name);
  const auto last = std::ranges::find_if(complaints.rbegin(), complaints.rend(), &Diagnostic::stops);
  if (last != complaints.rend()) {
    with_.err << fmt::format("setkey: {},{}: parse failed; nothing of the file was sent\n", name, last->where.line);
    return 1;
  }
  for (auto& [message, line] : messages) {
    if (!pipeline(std::move(message), Origin{name, line})) return 1;
  }
  return settle(0) ? 0 : 1;
}

int Session::run_session(std::istream& in) {
  std::string pending;
  Position start;
  std::string line;
  while (std::getline(in, line)) {
    pending += line;
    pending += '\n';
    while (const auto length = command_length(pending)) {
      bool go_on = true;
      const bool fatal = !run_command(std::string_view{pending}.substr(0, *length), start, go_on);
      with_.out.flush();
      if (fatal) return 1;
      if (!go_on) return 0;
      start = advance(start, std::string_view{pending}.substr(0, *length));
      wipe(as_mutable_bytes(pending).first(*length));
      pending.erase(0, *length);
    }
  }
  // Without its `;` the last command is not run; silence would look like success.
  for (const Diagnostic& complaint : parse_script(pending, start).diagnostics) complain_in_session(complaint);
  return 0;
}

/// False after a character that starts no word, and when the daemon does not answer: what follows has no use.
bool Session::run_command(std::string_view text, Position start, bool& go_on) {
  const Script script = parse_script(text, start);
  bool fatal = false;
  for (const Diagnostic& complaint : script.diagnostics) {
    complain_in_session(complaint);
    fatal = fatal || complaint.severity == Diagnostic::Severity::Fatal;
  }
  go_on = !script.ended;
  if (script.failed()) return !fatal;
  for (const Command& command : script.commands) {
    Compiled compiled = compile(command, with_.resolver);
    for (const Diagnostic& complaint : compiled.diagnostics) complain_in_session(complaint);
    for (Message& message : compiled.messages) {
      if (!exchange(std::move(message), std::nullopt)) return false;
    }
  }
  return true;
}

void Session::complain_in_file(const Diagnostic& diagnostic, const std::string& name) {
  // These two lines are NetBSD's whole message, and scripts look for them there.
  if (diagnostic.key_length) {
    with_.out << diagnostic.message << "\n" << std::flush;
    with_.err << key_numbers(*diagnostic.key_length);
  }
  with_.err << "setkey: " << describe_in_file(diagnostic, name) << "\n";
}

void Session::complain_in_session(const Diagnostic& diagnostic) {
  if (diagnostic.key_length) with_.err << key_numbers(*diagnostic.key_length);
  with_.out << describe_in_session(diagnostic) << "\n";
}

int Session::restore(std::string_view text, const std::string& name) {
  auto dumped = parse_sad_dump(text);
  if (!dumped) {
    with_.err << fmt::format("setkey: {},{}: {}; nothing of the file was sent\n", name, dumped.error().line,
                             dumped.error().message);
    return 1;
  }
  // A dump shows the newest first, and which is the newest decides which one sends.
  std::ranges::reverse(*dumped);
  for (const Message& one : *dumped) {
    auto add = restoring_add(one);
    if (add) {
      if (loses_its_count(one)) {
        with_.err << fmt::format(
            "setkey: {}: {} counts from 1 again, as a dump shows half of an extended sequence number: change its key\n",
            name, name_of(one));
      }
      if (!pipeline(std::move(*add), Origin{name, 0, name_of(one)})) return 1;
      continue;
    }
    with_.err << fmt::format("setkey: {}: {} is {} and cannot be restored\n", name, name_of(one),
                             state_word(one.sa->state));
  }
  return settle(0) && !refused_ ? 0 : 1;
}

int Session::show_saved(Bytes bytes, const std::string& name) {
  const auto fail = [&] {
    with_.err << "setkey: " << name << ": " << std::strerror(EINVAL) << "\n";
    return 1;
  };
  if (bytes.empty()) return fail();
  while (!bytes.empty()) {
    const auto length = wire::pfkey::message_length(bytes);
    if (!length || *length > bytes.size()) return fail();
    const Bytes one = bytes.first(*length);
    if (options_.verbose) with_.out << print_debug(one) << "\n";
    const auto message = wire::pfkey::parse(one);
    if (!message) return fail();
    message->error != 0 ? show_error(*message, std::nullopt) : show(*message);
    bytes = bytes.subspan(*length);
  }
  return 0;
}

bool Session::exchange(Message message, const std::optional<Origin>& origin) {
  return submit(std::move(message), origin) && settle(0);
}

/// Does not wait for the reply of each request before it sends the next: a file of 100,000 commands would spend most
/// of its time going to sleep and waking up.  What is traced keeps request and reply together, and so does a dump.
bool Session::pipeline(Message message, const std::optional<Origin>& origin) {
  const bool alone = options_.verbose || options_.hex || is_dump(message.type);
  if (alone) return settle(0) && exchange(std::move(message), origin);
  if (!submit(std::move(message), origin)) return false;
  return pending_.size() < kOnTheirWay || settle(kOnTheirWay / 2);
}

bool Session::submit(Message message, const std::optional<Origin>& origin) {
  if (options_.dry || channel_ == nullptr) return true;
  message.pid = with_.pid;
  ByteVector bytes = wire::pfkey::compose(message);
  trace(bytes, true);
  pending_.push_back({message.type, origin});
  const auto sent = channel_->send(bytes);
  wipe(bytes);
  return sent || give_up("send: " + sent.error());
}

/// Takes replies until no more than `most` are awaited.
bool Session::settle(std::size_t most) {
  while (pending_.size() > most) {
    auto received = channel_->receive(kReplyTimeout);
    if (!received || !*received) return give_up("recv: " + (received ? std::strerror(EAGAIN) : received.error()));
    const WipeAtEnd wiping{**received};
    const auto reply = wire::pfkey::parse(**received);
    if (reply && !is_reply(*reply, pending_.front().type, with_.pid)) continue;
    trace(**received, false);
    if (!answer(**received, pending_.front().origin)) pending_.pop_front();
  }
  return true;
}

/// The daemon is gone or stuck.  Which commands of a file it has carried out is known up to the first without a reply.
bool Session::give_up(const std::string& why) {
  const std::optional<Origin> first = pending_.front().origin, last = pending_.back().origin;
  pending_.clear();
  if (first && last && first->line != 0) {
    with_.err << fmt::format(
        "setkey: {},{}: {}; from here to line {} nothing is known to be in force, and what follows was not sent\n",
        first->file, first->line, why, last->line);
  } else {
    with_.err << "setkey: " << why << "\n";
  }
  return false;
}

/// True while more is to come.
bool Session::answer(Bytes bytes, const std::optional<Origin>& origin) {
  const auto reply = wire::pfkey::parse(bytes);
  if (!reply) {
    with_.err << "setkey: invalid keymsg length\n";
    return false;
  }
  if (reply->error != 0) {
    show_error(*reply, origin);
    return false;
  }
  show(*reply);
  return reply->sequence != 0;
}

void Session::show(const Message& message) {
  const PrintOptions print{options_.ports, with_.now().seconds};
  switch (message.type) {
    case Type::Get:
      with_.out << print_sa(message, print);
      break;
    case Type::Dump: {
      const bool dead = message.sa && message.sa->state == wire::pfkey::SaState::Dead;
      if (dead && !options_.all) break;
      with_.out << (options_.forever ? print_sa_short(message, print.now) : print_sa(message, print));
      break;
    }
    case Type::SpdGet:
    case Type::SpdDump:
      with_.out << print_policy(message, print);
      break;
    default:
      break;
  }
}

void Session::show_error(const Message& message, const std::optional<Origin>& origin) {
  refused_ = true;
  if (origin && !origin->subject.empty()) {
    with_.err << fmt::format("setkey: {}: {}: {}\n", origin->file, origin->subject, error_text(message));
  } else if (origin) {
    with_.err << fmt::format("setkey: {},{}: {}\n", origin->file, origin->line, error_text(message));
  } else {
    with_.out << error_text(message) << ".\n";
  }
}

void Session::trace(Bytes bytes, bool outgoing) {
  if (options_.verbose) with_.out << print_debug(bytes) << "\n";
  if (options_.hex && outgoing) with_.out << print_hex(bytes);
}

}  // namespace testudo::cli
