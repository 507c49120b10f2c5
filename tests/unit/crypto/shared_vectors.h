#pragma once
// The sets of vectors that may lie beside the source tree: where they are, and their two text forms read into records.
// They belong to others and are not part of the project.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "support/vectors.h"
#include "unit/crypto/hex.h"

namespace testudo::crypto {

using test::vectors_folder;

/// One record of a NIST .rsp or a Botan .vec file: its fields and those of its section, names in lower case.
struct Record {
  std::map<std::string, std::string> fields;
  std::string section;  ///< the last "[…]" line, without brackets

  bool has(const std::string& name) const { return fields.count(name) != 0; }
  std::string text(const std::string& name) const { return has(name) ? fields.at(name) : ""; }
  ByteVector bytes(const std::string& name) const { return hex(text(name)); }
  std::size_t number(const std::string& name) const { return std::strtoul(text(name).c_str(), nullptr, 10); }
};

inline std::string trimmed(std::string text) {
  const auto blank = [](char c) { return c == ' ' || c == '\r' || c == '\n' || c == '\t'; };
  while (!text.empty() && blank(text.back())) text.pop_back();
  while (!text.empty() && blank(text.front())) text.erase(0, 1);
  return text;
}

inline void take_fields(std::string text, std::map<std::string, std::string>& into) {
  for (std::size_t comma = text.find(','); !text.empty(); comma = text.find(',')) {
    const std::string part = text.substr(0, comma);
    text = comma == std::string::npos ? "" : text.substr(comma + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) continue;
    std::string name = trimmed(part.substr(0, equals));
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    into[name] = trimmed(part.substr(equals + 1));
  }
}

/// Every line of a file, packed by gzip or not.
template <typename Use>
void for_each_line(const std::filesystem::path& file, Use&& use) {
  const gzFile in = gzopen(file.c_str(), "rb");
  ASSERT_NE(in, nullptr) << file;
  std::string line(1 << 18, '\0');
  while (gzgets(in, line.data(), static_cast<int>(line.size())) != nullptr) use(trimmed(line.c_str()));
  use(std::string{});
  gzclose(in);
}

/// A paragraph with a count or a result is a record; one without belongs to all that follow, as does a "[…]" line.
template <typename Use>
void for_each_record(const std::filesystem::path& file, Use&& use) {
  Record common, paragraph;
  for_each_line(file, [&](const std::string& line) {
    if (line.starts_with("#")) return;
    if (line.starts_with("[")) {
      common.section = trimmed(line.substr(1, line.find(']') - 1));
      take_fields(common.section, common.fields);
    } else if (!line.empty()) {
      take_fields(line == "FAIL" ? "result = fail" : line, paragraph.fields);
    } else if (paragraph.has("count") || paragraph.has("out")) {
      paragraph.fields.insert(common.fields.begin(), common.fields.end());
      paragraph.section = common.section;
      use(std::as_const(paragraph));
      paragraph = {};
    } else {
      for (auto& [name, value] : paragraph.fields) common.fields[name] = value;
      paragraph = {};
    }
  });
}

/// Every test of a file in Wycheproof's form, with its group.
template <typename Use>
void for_each_test(const std::filesystem::path& file, Use&& use) {
  std::ifstream in{file};
  const auto all = nlohmann::json::parse(in);
  for (const auto& group : all["testGroups"]) {
    for (const auto& test : group["tests"]) use(group, test);
  }
}

}  // namespace testudo::crypto
