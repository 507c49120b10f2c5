#include "ike/refusal.h"

#include <algorithm>

namespace testudo::ike {
namespace {

std::string where(const Refusal& refusal) {
  std::string text = "phase " + std::to_string(refusal.phase);
  text += " with " + refusal.remote.address.to_string() + "[" + std::to_string(refusal.remote.port) + "]";
  if (const auto name = wire::ike::v1::name_of(refusal.exchange); !name.empty()) text += ", " + std::string{name};
  if (refusal.message != 0) text += " message " + std::to_string(refusal.message);
  return text;
}

constexpr std::size_t kLongestReason = 240;

bool is_printable(char c) {
  return c >= ' ' && c <= '~' && c != '"';
}

}  // namespace

std::string reason_for_peer(const Mismatch& why) {
  std::string text = why.attribute + " " + std::string{why.verdict};
  if (!why.ours.empty() && why.attribute != "networks") text += "; here: " + why.ours;
  if (!why.theirs.empty()) text += "; asked: " + why.theirs;
  if (text.size() > kLongestReason) text.resize(kLongestReason);
  for (char& c : text) c = is_printable(c) ? c : '?';
  return text;
}

std::string reason_of_peer(Bytes text) {
  std::string made{text.begin(), text.end()};
  return made.size() <= kLongestReason && std::ranges::all_of(made, is_printable) ? made : "";
}

std::string sentence(const Refusal& refusal) {
  const Mismatch& why = refusal.why;
  std::string text = where(refusal) + ": " + why.attribute + " " + std::string{why.verdict};
  if (!why.ours.empty()) text += "; ours: " + why.ours;
  if (!why.theirs.empty()) text += "; theirs: " + why.theirs;
  if (!why.nearest.empty()) text += "; nearest: " + why.nearest;
  if (!why.hint.empty()) text += "; " + why.hint;
  if (refusal.hearsay) text += " (told without protection, so the negotiation goes on until its time is up)";
  return text;
}

}  // namespace testudo::ike
