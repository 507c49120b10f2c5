#pragma once
// A resolver with a table, and short ways through the grammar.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "cli/setkey/compile.h"
#include "cli/setkey/script.h"

namespace testudo::cli {

class TableResolver final : public Resolver {
 public:
  Result<std::vector<net::Address>, std::string> host(const std::string& name, const Query& query) override {
    queries.push_back(query);
    std::vector<net::Address> found;
    if (const auto numeric = net::Address::parse(name)) {
      found.push_back(*numeric);
    } else if (const auto row = names.find(name); !query.numeric_only && row != names.end()) {
      for (const char* text : row->second) found.push_back(*net::Address::parse(text));
    } else {
      return Failure{std::string{"Name or service not known"}};
    }
    if (query.family) std::erase_if(found, [&](const net::Address& a) { return a.family() != *query.family; });
    return found;
  }
  std::optional<std::uint16_t> service(const std::string& name) override {
    if (name == "pop3") return std::uint16_t{110};
    return std::nullopt;
  }

  std::map<std::string, std::vector<const char*>> names{
      {"A", {"20.0.0.1"}},
      {"B", {"20.0.0.2"}},
      {"both", {"20.0.0.3", "fd00::3"}},
      {"two", {"20.0.0.4", "20.0.0.5"}},
  };
  std::vector<Query> queries;
};

/// The messages of a script that has no error.
inline std::vector<wire::pfkey::Message> messages_of(std::string_view text) {
  TableResolver resolver;
  std::vector<wire::pfkey::Message> out;
  const Script script = parse_script(text);
  for (const Diagnostic& d : script.diagnostics) ADD_FAILURE() << describe_in_session(d) << "\nin: " << text;
  for (const Command& command : script.commands) {
    Compiled compiled = compile(command, resolver);
    EXPECT_FALSE(compiled.failed()) << describe_in_session(compiled.diagnostics.back()) << "\nin: " << text;
    for (auto& message : compiled.messages) out.push_back(std::move(message));
  }
  return out;
}

/// All diagnostics of a script, of grammar and meaning, in order.
inline std::vector<Diagnostic> diagnostics_of(std::string_view text) {
  TableResolver resolver;
  const Script script = parse_script(text);
  std::vector<Diagnostic> out = script.diagnostics;
  for (const Command& command : script.commands) {
    for (auto& d : compile(command, resolver).diagnostics) out.push_back(d);
  }
  return out;
}

inline std::string hex(const Secret& key) {
  std::string text;
  constexpr char kDigits[] = "0123456789abcdef";
  for (const std::uint8_t b : key.expose()) {
    text += kDigits[b >> 4];
    text += kDigits[b & 15];
  }
  return text;
}

}  // namespace testudo::cli
