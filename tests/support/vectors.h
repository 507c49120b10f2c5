#pragma once
// The folder of public test vectors, which is not part of the repository: named by TESTUDO_VECTORS, else shared/vectors
// beside the source tree, which is TESTUDO_SOURCE or the first folder above this one with a layers.deps.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace testudo::test {

inline std::optional<std::filesystem::path> vectors_folder() {
  namespace fs = std::filesystem;
  if (const char* named = std::getenv("TESTUDO_VECTORS"); named != nullptr && fs::is_directory(named)) return named;
  const char* const source = std::getenv("TESTUDO_SOURCE");
  fs::path root = source != nullptr ? fs::path{source} : fs::current_path();
  while (root.has_relative_path() && !fs::exists(root / "layers.deps")) root = root.parent_path();
  const fs::path beside = root.parent_path() / "shared" / "vectors";
  if (fs::is_directory(beside)) return beside;
  return std::nullopt;
}

inline std::optional<std::string> vector_file(const std::string& name) {
  const auto folder = vectors_folder();
  if (!folder) return std::nullopt;
  std::ifstream in{*folder / name};
  if (!in) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace testudo::test
