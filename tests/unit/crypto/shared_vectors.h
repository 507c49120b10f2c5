#pragma once
// The sets of vectors that lie beside the source tree when they are there: where they are, and their two text forms read
// into records.  They belong to others and are not part of the project.
#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/bytes.h"

namespace testudo::crypto {

/// The folder named by TESTUDO_VECTORS, else ../shared/vectors beside the source tree; empty when there is none.
std::filesystem::path vectors_folder();

/// A record of a NIST .rsp or a Botan .vec file: its fields, with those of its section.  Names in lower case.
struct Record {
  std::map<std::string, std::string> fields;
  std::string section;

  bool has(const std::string& name) const { return fields.count(name) != 0; }
  ByteVector bytes(const std::string& name) const;
  std::size_t number(const std::string& name) const;
};

/// Every record of a file, packed by gzip or not.
void for_each_record(const std::filesystem::path& file, const std::function<void(const Record&)>& use);

/// Every test of a file in Wycheproof's form, with its group.
void for_each_test(const std::filesystem::path& file,
                   const std::function<void(const nlohmann::json& group, const nlohmann::json& test)>& use);

}  // namespace testudo::crypto
