#include "app/racoon/files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "config/psk_file.h"
#include "io/fd.h"

namespace testudo::app {
namespace {

Result<std::string, std::string> read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) return Failure{std::string{std::strerror(errno)}};
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<std::string, std::string> read_file(const std::string& name) {
  const io::Fd fd{::open(name.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return Failure{"failed to open file " + name + " (" + std::strerror(errno) + ")"};
  return read_all(fd.get());
}

std::vector<config::Files::File> GlobFiles::matching(const std::string& pattern) {
  glob_t found{};
  std::vector<File> files;
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      const std::string name = found.gl_pathv[i];
      if (auto text = read_file(name)) files.push_back({name, *std::move(text)});
    }
  }
  ::globfree(&found);
  return files;
}

std::optional<Secret> PskFile::pre_shared_key(const std::string& name) const {
  const io::Fd fd{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    log_.write(Log::Level::Error, "failed to open pre_share_key file " + path_);
    return std::nullopt;
  }
  const std::string complaint =
      config::complaint_about(path_, {S_ISREG(status.st_mode), status.st_uid, status.st_mode & 07777}, ::geteuid());
  if (!complaint.empty()) {
    log_.write(Log::Level::Error, complaint);
    return std::nullopt;
  }
  auto text = read_all(fd.get());
  if (!text) return std::nullopt;
  auto key = config::find_pre_shared_key(*text, name);
  wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size()});  // NOLINT(*-reinterpret-cast)
  if (!key) log_.write(Log::Level::Error, "couldn't find the pskey for " + name + ".");
  return key;
}

}  // namespace testudo::app
