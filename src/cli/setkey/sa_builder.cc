#include "cli/setkey/sa_builder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "cli/setkey/compile.h"
#include "crypto/algorithms.h"

namespace testudo::cli {
namespace {

using wire::pfkey::SaType;
namespace saflag = wire::pfkey::saflag;

const Secret kNoKey;

template <typename T>
Result<T, Diagnostic> number(const Word& word, std::uint64_t limit = std::numeric_limits<T>::max()) {
  std::uint64_t value = 0;
  const char* const end = word.text.data() + word.text.size();
  const auto [stop, failure] = std::from_chars(word.text.data(), end, value);
  if (failure != std::errc{} || stop != end || value > limit) {
    return Failure{error_at(word, "number too big", "a number up to " + std::to_string(limit))};
  }
  return static_cast<T>(value);
}

Result<Spi, Diagnostic> spi(const Word& word) {
  const bool hex = word.text.starts_with("0x") || word.text.starts_with("0X");
  const char* const begin = word.text.data() + (hex ? 2 : 0);
  const char* const end = word.text.data() + word.text.size();
  std::uint64_t value = 0;
  const auto [stop, failure] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (failure == std::errc::invalid_argument || stop != end) return Failure{error_at(word, "invalid SPI")};
  if (failure != std::errc{} || value > 0xffffffffU) {
    return Failure{error_at(word, "SPI too big.", "a number up to 0xffffffff")};
  }
  return Spi{static_cast<std::uint32_t>(value)};
}

struct FlagWord {
  std::string_view text;
  std::uint32_t set = 0, clear = 0;
};
constexpr std::array kFlags{
    FlagWord{"random-pad", saflag::kPadRandom, saflag::kPadZero},
    FlagWord{"seq-pad", 0, saflag::kPadMask},
    FlagWord{"zero-pad", saflag::kPadZero, saflag::kPadRandom},
    FlagWord{"nocyclic-seq", 0, saflag::kCycSeq},
    FlagWord{"esn", saflag::kEsn, saflag::kCycSeq},
};

/// Names that stand for a cipher with a flag.
struct FlaggedCipher {
  std::string_view name, row;
  std::uint32_t flag;
  bool old_format;
};
constexpr std::array kFlaggedCiphers{
    FlaggedCipher{"des-deriv", "des-cbc", saflag::kDeriv, false},
    FlaggedCipher{"3des-deriv", "3des-cbc", saflag::kDeriv, false},
    FlaggedCipher{"des-32iv", "des-cbc", saflag::kIv4b, true},
};

template <typename Rows>
std::string names_of(const Rows& rows) {
  std::string text = "one of";
  for (const auto& row : rows) text += (text.size() > 6 ? ", " : " ") + std::string{row.name};
  return text;
}

class Builder {
 public:
  explicit Builder(const SaCommand& command) : command_(command) {}

  Result<SaDraft, Diagnostic> build() {
    draft_.satype = satype_of(command_.protocol);
    draft_.nat = command_.protocol.name.text == "esp-udp";
    draft_.sa.flags = saflag::kCycSeq;
    if (old_format()) draft_.sa.flags |= saflag::kOld;
    if (command_.verb != SaCommand::Verb::DeleteAll) {
      TRY(draft_.sa.spi, spi(command_.spi));
    }
    for (const Extension& extension : command_.extensions) TRY_DONE(apply(extension));
    const bool has_keys = command_.verb == SaCommand::Verb::Add || command_.verb == SaCommand::Verb::Update;
    if (has_keys) TRY_DONE(algorithms());
    return std::move(draft_);
  }

 private:
  bool old_format() const { return command_.protocol.name.text.ends_with("-old"); }
  Status<Diagnostic> apply(const Extension& extension);
  Status<Diagnostic> mode(const Word& word);
  Status<Diagnostic> replay(const Word& word);
  Status<Diagnostic> flag(const Word& word);
  Status<Diagnostic> algorithms();
  Status<Diagnostic> combination() const;
  Status<Diagnostic> cipher(const AlgorithmChoice& choice);
  Status<Diagnostic> mac(const AlgorithmChoice& choice);
  Status<Diagnostic> compression(const AlgorithmChoice& choice);

  const SaCommand& command_;
  SaDraft draft_;
};

Status<Diagnostic> Builder::apply(const Extension& extension) {
  using Kind = Extension::Kind;
  const Word& value = extension.value;
  switch (extension.kind) {
    case Kind::Mode:
      return mode(value);
    case Kind::Replay:
      return replay(value);
    case Kind::Flag:
      return flag(value);
    case Kind::ReqId: {
      TRY(draft_.reqid.value, number<std::uint32_t>(value));
      break;
    }
    case Kind::HardTime: {
      TRY(draft_.hard.addtime, number<std::uint64_t>(value));
      break;
    }
    case Kind::SoftTime: {
      TRY(draft_.soft.addtime, number<std::uint64_t>(value));
      break;
    }
    case Kind::HardBytes: {
      TRY(draft_.hard.bytes, number<std::uint64_t>(value));
      break;
    }
    case Kind::SoftBytes: {
      TRY(draft_.soft.bytes, number<std::uint64_t>(value));
      break;
    }
    case Kind::Fragment: {
      if (!draft_.nat) return Failure{error_at(value, "esp fragment size only valid for NAT-T", "", "use esp-udp")};
      TRY(draft_.fragment, number<std::uint16_t>(value));
      break;
    }
    case Kind::SecurityContext:
      break;  // Linux's labels; parsed and ignored, as on NetBSD
  }
  return Done{};
}

Status<Diagnostic> Builder::mode(const Word& word) {
  using wire::pfkey::Mode;
  draft_.mode = word.text == "tunnel" ? Mode::Tunnel : word.text == "transport" ? Mode::Transport : Mode::Any;
  const bool ignored = command_.verb == SaCommand::Verb::Delete || command_.verb == SaCommand::Verb::Get;
  if (ignored && draft_.mode != Mode::Any) {
    Diagnostic warning = error_at(word, "WARNING: mode is obsolete", "", "delete and get look at the SPI alone");
    warning.severity = Diagnostic::Severity::Warning;
    draft_.warnings.push_back(std::move(warning));
  }
  return Done{};
}

Status<Diagnostic> Builder::replay(const Word& word) {
  if (old_format()) return Failure{error_at(word, "replay prevention cannot be used with ah/esp-old")};
  TRY(const auto bytes, number<std::uint32_t>(word, kReplayBytesMax));
  draft_.sa.replay = static_cast<std::uint8_t>(std::min(bytes, kReplayBytesPfKey));
  draft_.replay_window.reset();
  if (bytes > kReplayBytesPfKey) draft_.replay_window = bytes * 8;
  return Done{};
}

Status<Diagnostic> Builder::flag(const Word& word) {
  const auto row = std::ranges::find(kFlags, std::string_view{word.text}, &FlagWord::text);
  if (row == kFlags.end())
    return Failure{error_at(word, "syntax error", "random-pad, seq-pad, zero-pad, nocyclic-seq or esn")};
  draft_.sa.flags = (draft_.sa.flags | row->set) & ~row->clear;
  return Done{};
}

Status<Diagnostic> Builder::algorithms() {
  TRY_DONE(combination());
  if (command_.cipher) TRY_DONE(cipher(*command_.cipher));
  if (command_.mac) TRY_DONE(mac(*command_.mac));
  if (command_.compression) TRY_DONE(compression(*command_.compression));
  return Done{};
}

// The kernel would answer "Invalid argument." to these; here the reason is still known.
Status<Diagnostic> Builder::combination() const {
  const auto mismatch = [](const AlgorithmChoice& at, std::string hint) {
    return Failure{error_at(at.name, "algorithm mismatched", "", std::move(hint))};
  };
  const bool esp = draft_.satype == SaType::Esp;
  if (command_.cipher && !esp) return mismatch(*command_.cipher, "-E is for esp");
  if (command_.compression && draft_.satype != SaType::Ipcomp) {
    return mismatch(*command_.compression, "-C is for ipcomp");
  }
  if (command_.mac && draft_.satype == SaType::Ipcomp) return mismatch(*command_.mac, "ipcomp takes -C");
  if (command_.mac && esp && !command_.cipher) {
    return mismatch(*command_.mac, "esp needs -E; `-E null -A ...' authenticates only");
  }
  if (command_.mac && (command_.mac->name.text == "tcp-md5") != (draft_.satype == SaType::TcpSignature)) {
    return mismatch(*command_.mac, "tcp-md5 goes with tcp, and tcp with tcp-md5");
  }
  return Done{};
}

template <typename Row>
Status<Diagnostic> check_key(const AlgorithmChoice& choice, const Row& row, bool keyless) {
  if (keyless && choice.key) {
    return Failure{error_at(choice.name, "syntax error", "", choice.name.text + " takes no key")};
  }
  if (!keyless && !choice.key) return Failure{error_at(choice.name, "syntax error", "a key behind the algorithm")};
  if (keyless || row.key.allows(choice.key->bytes->size())) return Done{};
  const std::size_t bits = choice.key->bytes->size() * 8;
  std::string lengths = std::to_string(row.key.min * 8);
  if (row.key.max != row.key.min) {
    lengths += row.key.step == 1 ? " to " : " to " + std::to_string(row.key.max * 8) + " in steps of ";
    lengths += std::to_string((row.key.step == 1 ? row.key.max : row.key.step) * 8);
  }
  Diagnostic diagnostic = error_at(choice.name, "Invalid key length", "a key of " + lengths + " bits",
                                   std::to_string(bits) + " bits were given");
  diagnostic.key_length = KeyLengthComplaint{bits, row.key.min * std::size_t{8}, row.key.max * std::size_t{8}};
  return Failure{std::move(diagnostic)};
}

Status<Diagnostic> Builder::cipher(const AlgorithmChoice& choice) {
  const auto flagged = std::ranges::find(kFlaggedCiphers, std::string_view{choice.name.text}, &FlaggedCipher::name);
  const bool has_flag = flagged != kFlaggedCiphers.end();
  const crypto::CipherRow* row = crypto::cipher_by_name(has_flag ? flagged->row : std::string_view{choice.name.text});
  if (row == nullptr) {
    return Failure{error_at(choice.name, "syntax error", names_of(crypto::ciphers()))};
  }
  if (has_flag) {
    if (flagged->old_format != old_format()) {
      return Failure{error_at(choice.name, "algorithm mismatched", flagged->old_format ? "esp-old" : "esp")};
    }
    draft_.sa.flags |= flagged->flag;
  }
  if (choice.name.text == "simple") {
    Diagnostic warning = error_at(choice.name, "WARNING: obsolete algorithm", "", "say null");
    warning.severity = Diagnostic::Severity::Warning;
    draft_.warnings.push_back(std::move(warning));
  }
  TRY_DONE(check_key(choice, *row, row->kind == crypto::CipherKind::Null));
  if (row->is_aead() && command_.mac) {
    return Failure{
        error_at(command_.mac->name, "algorithm mismatched", "", choice.name.text + " authenticates itself")};
  }
  // A counter that wraps repeats nonces: RFC 4106 section 2, RFC 3686 section 2.1.
  if (row->is_aead() || row->kind == crypto::CipherKind::AesCtr) draft_.sa.flags &= ~saflag::kCycSeq;
  draft_.sa.encrypt = row->id;
  draft_.encrypt_key = choice.key ? choice.key->bytes.get() : &kNoKey;
  return Done{};
}

Status<Diagnostic> Builder::mac(const AlgorithmChoice& choice) {
  const crypto::MacRow* row = crypto::mac_by_name(choice.name.text);
  if (row == nullptr) return Failure{error_at(choice.name, "syntax error", names_of(crypto::macs()))};
  TRY_DONE(check_key(choice, *row, row->kind == crypto::MacKind::Null));
  draft_.sa.auth = row->id;
  draft_.auth_key = choice.key ? choice.key->bytes.get() : &kNoKey;
  return Done{};
}

Status<Diagnostic> Builder::compression(const AlgorithmChoice& choice) {
  const crypto::CompressionRow* row = crypto::compression_by_name(choice.name.text);
  if (row == nullptr) return Failure{error_at(choice.name, "syntax error", names_of(crypto::compressions()))};
  if (command_.raw_cpi) draft_.sa.flags |= saflag::kRawCpi;
  draft_.sa.encrypt = row->id;
  return Done{};
}

}  // namespace

SaType satype_of(const SaProtocolChoice& protocol) {
  const std::string_view name = protocol.name.text;
  if (name.starts_with("esp")) return SaType::Esp;
  if (name.starts_with("ah")) return SaType::Ah;
  return name == "tcp" ? SaType::TcpSignature : SaType::Ipcomp;
}

Result<SaDraft, Diagnostic> draft_sa(const SaCommand& command) {
  return Builder{command}.build();
}

Diagnostic error_at(const Word& word, std::string message, std::string expected, std::string hint) {
  return {.severity = Diagnostic::Severity::Error,
          .where = word.where,
          .message = std::move(message),
          .token = word.text,
          .expected = std::move(expected),
          .hint = std::move(hint),
          .key_length = std::nullopt};
}

}  // namespace testudo::cli
