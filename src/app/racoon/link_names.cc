#include "app/racoon/link_names.h"

#include "io/socket_address.h"

namespace testudo::app {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// "%2" is no part of "%25".
void replace_all(std::string& text, const std::string& number, const std::string& name) {
  for (std::size_t at = text.find(number); at != std::string::npos; at = text.find(number, at)) {
    const std::size_t end = at + number.size();
    const bool whole = end == text.size() || !is_digit(text[end]);
    if (whole) text.replace(at, number.size(), name);
    at += whole ? name.size() : number.size();
  }
}

}  // namespace

std::string with_link_names(std::string text, const net::Endpoint& local, const net::Endpoint& remote) {
  for (const net::Address& each : {local.address, remote.address}) {
    if (each.scope() != 0) replace_all(text, each.to_string(), io::with_link_name(each));
  }
  return text;
}

ike::Told with_link_names(ike::Told told) {
  told.text = with_link_names(std::move(told.text), told.local, told.remote);
  return told;
}

ike::Refusal with_link_names(ike::Refusal refusal) {
  ike::Mismatch& why = refusal.why;
  for (std::string* each : {&why.ours, &why.theirs, &why.nearest, &why.hint}) {
    *each = with_link_names(std::move(*each), refusal.local, refusal.remote);
  }
  return refusal;
}

std::string sentence_of(const ike::Refusal& refusal) {
  return with_link_names(ike::sentence(refusal), refusal.local, refusal.remote);
}

}  // namespace testudo::app
