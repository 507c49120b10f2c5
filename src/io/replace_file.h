#pragma once
// A file that is replaced as a whole.
#include <sys/types.h>

#include <string>
#include <string_view>

#include "io/system_error.h"

namespace testudo::io {

/// Either the file holds all of `text` afterwards, also when the machine loses power, or what it held before.  Goes by
/// way of `path`.new, which is made anew.
Status<SystemError> replace_file(const std::string& path, std::string_view text, mode_t mode);

}  // namespace testudo::io
