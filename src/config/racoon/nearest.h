#pragma once
// The word that was probably meant.  Pure.
#include <string>
#include <string_view>
#include <vector>

namespace testudo::config {

/// Of `words` the one with the fewest letters to change, when that are at most a third of them; else "".
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& words);
/// "did you mean …?", or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& words);

}  // namespace testudo::config
