#pragma once
// Files of the folder with public test vectors, which is not part of the repository: named by TESTUDO_VECTORS, or the
// folder shared/vectors beside the source tree (found from the working folder upwards, so from build folders too).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace testudo::test {

inline std::optional<std::string> vector_file(const std::string& name) {
  const auto content = [&](const std::filesystem::path& folder) -> std::optional<std::string> {
    std::ifstream in{folder / name};
    if (!in) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  };
  if (const char* const named = std::getenv("TESTUDO_VECTORS")) return content(named);
  for (auto folder = std::filesystem::current_path();; folder = folder.parent_path()) {
    if (auto found = content(folder / "shared/vectors")) return found;
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

}  // namespace testudo::test
