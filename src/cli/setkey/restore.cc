#include "cli/setkey/restore.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>
#include <utility>

#include "cli/setkey/compile.h"
#include "cli/setkey/print_sa.h"
#include "crypto/algorithms.h"
#include "net/protocol.h"

namespace testudo::cli {
namespace {

using wire::pfkey::LifetimeExt;
using wire::pfkey::Message;
using wire::pfkey::SaState;
using wire::pfkey::SaType;

template <typename T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  // Bytes are printed as floating point numbers, and the largest count is rounded up to 2^64.
  if (failure == std::errc::result_out_of_range && sizeof(T) == 8) return std::numeric_limits<T>::max();
  if (failure != std::errc{}) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// What stands behind `key` up to the next separator: value_of("a=1 b=2", "b=") is "2".
std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
  const auto at = line.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(at + key.size());
  return rest.substr(0, rest.find_first_of(" \t("));
}

template <typename T>
std::optional<T> number_of(std::string_view line, std::string_view key) {
  const auto text = value_of(line, key);
  if (!text) return std::nullopt;
  return text->starts_with("0x") ? number<T>(text->substr(2), 16) : number<T>(*text);
}

std::optional<std::uint64_t> date_of(std::string_view text) {
  if (text.find_first_not_of(' ') == std::string_view::npos) return 0;
  std::tm parts{};
  parts.tm_isdst = -1;
  const std::string copy{text};
  if (strptime(copy.c_str(), "%b %d %H:%M:%S %Y", &parts) == nullptr) return std::nullopt;
  const std::time_t seconds = std::mktime(&parts);
  if (seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds);
}

template <typename E, typename Word>
std::optional<E> enumerator(std::string_view text, unsigned limit, Word word) {
  for (unsigned i = 0; i <= limit; ++i) {
    if (word(static_cast<E>(i)) == text) return static_cast<E>(i);
  }
  const auto plain = number<std::uint8_t>(text);
  if (!plain) return std::nullopt;
  return static_cast<E>(*plain);
}

std::optional<std::uint8_t> cipher_id(std::string_view name) {
  const crypto::CipherRow* row = crypto::cipher_by_name(name);
  if (name == "none") return std::uint8_t{0};
  return row != nullptr ? row->id : number<std::uint8_t>(name);
}

std::optional<std::uint8_t> mac_id(std::string_view name) {
  if (name == "none") return std::uint8_t{0};
  const auto row = std::ranges::find(crypto::macs(), name, &crypto::MacRow::printed);
  return row != crypto::macs().end() ? row->id : number<std::uint8_t>(name);
}

std::optional<std::uint8_t> compression_id(std::string_view name) {
  const crypto::CompressionRow* row = crypto::compression_by_name(name);
  if (name == "none") return std::uint8_t{0};
  return row != nullptr ? row->id : number<std::uint8_t>(name);
}

/// Appends what the hex digits of one line say; blanks between groups do not count.
bool append_hex(std::string_view text, ByteVector& bytes) {
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    const auto byte = number<std::uint8_t>(text.substr(0, 2), 16);
    if (!byte || text.size() < 2) return false;
    bytes.push_back(*byte);
    text.remove_prefix(2);
  }
  return true;
}

/// Reads the lines of one dump, SA by SA.
class DumpReader {
 public:
  explicit DumpReader(std::string_view text) : lines_(split(text, '\n')) {}

  Result<std::vector<Message>, RestoreError> run() {
    std::vector<Message> out;
    while (next_ < lines_.size()) {
      if (peek().empty() || peek() == "No SAD entries.") {
        ++next_;
        continue;
      }
      Message message;
      if (!association(message)) return Failure{RestoreError{static_cast<unsigned>(line_), std::move(complaint_)}};
      out.push_back(std::move(message));
    }
    return out;
  }

 private:
  std::string_view peek() const { return next_ < lines_.size() ? lines_[next_] : std::string_view{}; }
  std::string_view take() {
    line_ = next_ + 1;
    return next_ < lines_.size() ? lines_[next_++] : std::string_view{};
  }
  bool fail(std::string message) {
    complaint_ = std::move(message);
    return false;
  }
  bool expect(bool ok, const char* what) { return ok || fail(std::string{"expected "} + what); }

  bool association(Message& m);
  bool ends(Message& m);
  bool end(std::string_view text, wire::pfkey::AddressExt& address, std::optional<std::uint16_t>& nat_port);
  bool protocol(Message& m);
  bool nat(Message& m);
  bool algorithms(Message& m);
  bool key(std::string_view line, std::optional<std::uint8_t> (*id_of)(std::string_view), std::uint8_t& id,
           std::optional<wire::pfkey::KeyExt>& key);
  bool sequence(std::string_view line, Message& m);
  bool lifetimes(Message& m);
  template <typename T>
  bool limits(std::string_view line, T& hard, T& soft);
  template <typename T>
  bool amount(std::string_view line, std::string_view name, T& out);
  bool date(std::string_view line, std::string_view name, std::uint64_t& out);
  bool trailer(Message& m);

  std::vector<std::string_view> lines_;
  std::size_t next_ = 0, line_ = 0;
  std::string complaint_;
};

bool DumpReader::association(Message& m) {
  m.type = wire::pfkey::Type::Dump;
  m.sa.emplace();
  m.sa2.emplace();
  return ends(m) && protocol(m) && nat(m) && algorithms(m) && lifetimes(m) && trailer(m);
}

// "SRC DST ", "SRC[port] DST[port] "; UDP-encapsulated ones have the port of the encapsulation last.
bool DumpReader::ends(Message& m) {
  const auto words = split(take(), ' ');
  if (words.size() < 2) return fail("expected a source and a destination address");
  m.source.emplace();
  m.destination.emplace();
  return end(words[0], *m.source, m.nat_t_sport) && end(words[1], *m.destination, m.nat_t_dport);
}

bool DumpReader::end(std::string_view text, wire::pfkey::AddressExt& address, std::optional<std::uint16_t>& nat_port) {
  const bool encapsulated = peek().starts_with("\tesp-udp ") || peek().starts_with("\tnatt+");
  std::vector<std::uint16_t> ports;
  const auto bracket = text.find('[');
  const auto parsed = net::Address::parse(text.substr(0, bracket));
  if (!parsed) return fail("expected an address");
  for (auto at = bracket; at != std::string_view::npos; at = text.find('[', at + 1)) {
    const auto port = number<std::uint16_t>(text.substr(at + 1, text.find(']', at) - at - 1));
    if (!port) return fail("expected a port in brackets");
    ports.push_back(*port);
  }
  if (encapsulated) {
    if (ports.empty()) return fail("expected the port of the encapsulation in brackets");
    nat_port = ports.back();
    ports.pop_back();
  }
  if (ports.size() > 1) return fail("expected one port in brackets");
  address.endpoint = {*parsed, ports.empty() ? std::uint16_t{0} : ports.front()};
  address.protocol = net::protocol::kAny;
  address.prefix_length = static_cast<std::uint8_t>(parsed->width());
  return true;
}

bool DumpReader::protocol(Message& m) {
  const std::string_view line = take();
  std::string_view name = line.substr(0, line.find(' '));
  if (!expect(name.starts_with('\t'), "a tab and a protocol")) return false;
  name.remove_prefix(1);
  if (name.starts_with("natt+")) {
    m.nat_t_type = wire::pfkey::kEncapEspInUdp;
    name.remove_prefix(5);
  }
  if (name == "esp-udp") {
    m.nat_t_type = wire::pfkey::kEncapEspInUdp;
    name = "esp";
  }
  const auto type = enumerator<SaType>(name, 11, satype_word);
  const auto mode = enumerator<wire::pfkey::Mode>(value_of(line, "mode=").value_or(""), 2, mode_word);
  const auto spi = number_of<std::uint32_t>(line, "spi=");
  const auto reqid = number_of<std::uint32_t>(line, "reqid=");
  if (!type || !mode || !spi || !reqid) return fail("expected PROTOCOL mode=MODE spi=SPI reqid=ID");
  m.satype = *type;
  m.sa->spi = Spi{*spi};
  m.sa2->mode = *mode;
  m.sa2->reqid = ReqId{*reqid};
  return true;
}

bool DumpReader::nat(Message& m) {
  constexpr std::string_view kOriginal = "\tNAT OA=", kFragment = "\tNAT-T esp_frag=";
  if (peek().starts_with(kOriginal)) {
    m.nat_t_oa = net::Address::parse(take().substr(kOriginal.size()));
    if (!expect(m.nat_t_oa.has_value(), "an address behind NAT OA=")) return false;
  }
  if (peek().starts_with(kFragment)) {
    m.nat_t_frag = number<std::uint16_t>(take().substr(kFragment.size()));
    if (!expect(m.nat_t_frag.has_value(), "a number behind esp_frag=")) return false;
  }
  return true;
}

// IPcomp's line goes on with the next field: NetBSD's `C:` has no line end.
bool DumpReader::algorithms(Message& m) {
  if (m.satype == SaType::Ipcomp && peek().starts_with("\tC: ")) {
    const std::string_view line = take();
    const auto id = compression_id(value_of(line, "\tC: ").value_or(""));
    if (!expect(id.has_value(), "a compression algorithm")) return false;
    m.sa->encrypt = *id;
    return sequence(line, m);
  }
  if (peek().starts_with("\tE: ") && !key(take(), cipher_id, m.sa->encrypt, m.encrypt_key)) return false;
  if (peek().starts_with("\tA: ") && !key(take(), mac_id, m.sa->auth, m.auth_key)) return false;
  return sequence(take(), m);
}

bool DumpReader::key(std::string_view line, std::optional<std::uint8_t> (*id_of)(std::string_view), std::uint8_t& id,
                     std::optional<wire::pfkey::KeyExt>& key) {
  line.remove_prefix(4);
  const std::string_view name = line.substr(0, line.find(' '));
  const auto found = id_of(name);
  if (!expect(found.has_value(), "an algorithm")) return false;
  ByteVector bytes;
  bool ok = append_hex(line.substr(name.size()), bytes);
  while (ok && peek().starts_with(' ')) ok = append_hex(take(), bytes);
  constexpr std::size_t kLongest = 8191;  // sadb_key_bits has 16 bits
  if (!expect(ok && bytes.size() <= kLongest, "a key in hex digits")) return false;
  id = *found;
  key = wire::pfkey::KeyExt{static_cast<std::uint16_t>(bytes.size() * 8), Secret{bytes}};
  wipe(bytes);
  return true;
}

bool DumpReader::sequence(std::string_view line, Message& m) {
  const auto sequence = number_of<std::uint32_t>(line, "\tseq=");
  const auto replay = number_of<std::uint32_t>(line, " replay=");
  const auto flags = number_of<std::uint32_t>(line, " flags=");
  const auto state = enumerator<SaState>(value_of(line, " state=").value_or(""), 3, state_word);
  if (!sequence || !replay || !flags || !state || *replay > kReplayBytesMax) {
    return fail("expected seq=N replay=N flags=N state=STATE");
  }
  m.sa2->sequence = *sequence;
  m.sa->replay = static_cast<std::uint8_t>(std::min(*replay, kReplayBytesPfKey));
  if (*replay > kReplayBytesPfKey) m.replay_window = *replay * 8;
  m.sa->flags = *flags;
  m.sa->state = *state;
  return true;
}

/// "…\thard: N(…)\tsoft: N(…)", the end of every line of lifetimes.
template <typename T>
bool DumpReader::limits(std::string_view line, T& hard, T& soft) {
  const auto first = number_of<T>(line, "\thard: ");
  const auto second = number_of<T>(line, "\tsoft: ");
  if (!expect(first && second, "hard: N and soft: N")) return false;
  hard = *first;
  soft = *second;
  return true;
}

bool DumpReader::date(std::string_view line, std::string_view name, std::uint64_t& out) {
  const auto value = line.starts_with(name) ? date_of(line.substr(name.size(), 20)) : std::nullopt;
  if (!expect(value.has_value(), "a date")) return false;
  out = *value;
  return true;
}

template <typename T>
bool DumpReader::amount(std::string_view line, std::string_view name, T& out) {
  const auto value = number_of<T>(line, name);
  if (!expect(value.has_value(), "an amount")) return false;
  out = *value;
  return true;
}

bool DumpReader::lifetimes(Message& m) {
  if (!peek().starts_with("\tcreated: ")) return true;
  LifetimeExt current;
  LifetimeExt hard;
  LifetimeExt soft;
  if (!date(take(), "\tcreated: ", current.addtime) || !limits(take(), hard.addtime, soft.addtime)) return false;
  const std::string_view last = take();
  if (!date(last, "\tlast: ", current.usetime) || !limits(last, hard.usetime, soft.usetime)) return false;
  const std::string_view bytes = take();
  if (!amount(bytes, "\tcurrent: ", current.bytes) || !limits(bytes, hard.bytes, soft.bytes)) return false;
  const std::string_view count = take();
  if (!amount(count, "\tallocated: ", current.allocations)) return false;
  if (!limits(count, hard.allocations, soft.allocations)) return false;
  m.current = current;
  m.hard = hard;
  m.soft = soft;
  return true;
}

bool DumpReader::trailer(Message& m) {
  // Labels of Linux's security modules say nothing here.
  while (peek().starts_with("\tsecurity context")) take();
  const std::string_view line = take();
  const auto sequence = number_of<std::uint32_t>(line, "\tsadb_seq=");
  const auto pid = number_of<std::uint32_t>(line, " pid=");
  const auto references = number_of<std::uint16_t>(line, " refcnt=");
  if (!sequence || !pid || !references) return fail("expected sadb_seq=N pid=N refcnt=N");
  m.sequence = *sequence;
  m.pid = *pid;
  m.reserved = *references;
  return true;
}

bool limits_anything(const std::optional<LifetimeExt>& lifetime) {
  return lifetime &&
         (lifetime->allocations != 0 || lifetime->bytes != 0 || lifetime->addtime != 0 || lifetime->usetime != 0);
}

}  // namespace

Result<std::vector<Message>, RestoreError> parse_sad_dump(std::string_view text) {
  return DumpReader{text}.run();
}

bool loses_its_count(const Message& dumped) {
  return dumped.sa2->sequence != 0 && (dumped.sa->flags & wire::pfkey::saflag::kEsn) != 0;
}

std::optional<Message> restoring_add(const Message& dumped) {
  const bool alive = dumped.sa && (dumped.sa->state == SaState::Mature || dumped.sa->state == SaState::Dying);
  if (!alive) return std::nullopt;
  Message add = wire::pfkey::clone(dumped);
  add.type = wire::pfkey::Type::Add;
  add.sequence = add.pid = 0;
  add.reserved = 0;
  add.sa->state = SaState::Larval;
  if (loses_its_count(dumped)) add.sa2->sequence = 0;
  add.current.reset();
  // Both or none: a PF_KEY refuses one alone.
  if (!limits_anything(add.hard) && !limits_anything(add.soft)) {
    add.hard.reset();
    add.soft.reset();
  }
  if (add.satype == SaType::Esp && !add.encrypt_key) {
    add.sa->encrypt = crypto::cipher_by_name("null")->id;
    add.encrypt_key = wire::pfkey::KeyExt{};
  }
  add.order.clear();
  return add;
}

}  // namespace testudo::cli
