#include "app/racoon/files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/fd.h"
#include "io/socket_address.h"

namespace testudo::app {
namespace {

constexpr std::size_t kLargest = std::size_t{16} << 20;

/// All that can be read.  The text of a file of this size never moves in memory, so that a caller can wipe all of it.
Result<std::string, std::string> read_all(int fd, off_t size) {
  static constexpr std::size_t kAtOnce = 65536;
  std::string text;
  text.reserve(std::min(static_cast<std::size_t>(size), kLargest) + kAtOnce);
  for (;;) {
    const std::size_t filled = text.size();
    if (filled > kLargest) return Failure{std::string{"larger than 16 MiB"}};
    text.resize(filled + kAtOnce);
    const ssize_t got = ::read(fd, text.data() + filled, kAtOnce);
    if (got < 0) return Failure{std::string{std::strerror(errno)}};
    text.resize(filled + static_cast<std::size_t>(got));
    if (got == 0) return text;
  }
}

struct OpenFile {
  io::Fd fd;
  struct stat status;
};

Result<OpenFile, std::string> open_file(const std::string& name, int flags = 0) {
  OpenFile file{io::Fd{::open(name.c_str(), O_RDONLY | O_CLOEXEC | flags)}, {}};
  if (file.fd && ::fstat(file.fd.get(), &file.status) == 0) return file;
  return Failure{"failed to open file " + name + " (" + std::strerror(errno) + ")"};
}

Result<std::string, std::string> read_all(const OpenFile& file, const std::string& name) {
  auto text = read_all(file.fd.get(), file.status.st_size);
  if (!text) return Failure{"failed to read file " + name + " (" + text.error() + ")"};
  return text;
}

std::string complaint_about(const std::string& name, const OpenFile& file, config::KeyKind kind) {
  const auto& status = file.status;
  return config::complaint_about(name, {S_ISREG(status.st_mode), status.st_uid, status.st_mode & 07777}, ::geteuid(),
                                 kind);
}

/// As the file has it: with the name of an interface, where the asker knows only its number.
std::string as_in_file(const std::string& name) {
  const auto address = net::Address::parse(name);
  return address && address->scope() != 0 ? io::with_link_name(*address) : name;
}

}  // namespace

Result<std::string, std::string> read_file(const std::string& name) {
  TRY(const auto file, open_file(name));
  return read_all(file, name);
}

Result<std::string, std::string> read_key_file(const std::string& name, config::KeyKind kind) {
  TRY(const auto file, open_file(name, O_NONBLOCK));
  const std::string complaint = complaint_about(name, file, kind);
  if (!complaint.empty()) return Failure{complaint};
  return read_all(file, name);
}

std::vector<config::Files::File> glob_files(const std::string& pattern) {
  glob_t found{};
  std::vector<config::Files::File> files;
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      const std::string name = found.gl_pathv[i];
      auto text = read_file(name);
      auto& file = files.emplace_back();
      file.name = name;
      (text ? file.text : file.failure) = text ? *std::move(text) : text.error();
    }
  }
  ::globfree(&found);
  return files;
}

std::optional<Secret> PskFile::pre_shared_key(const std::string& name) const {
  const auto file = open_file(path_, O_NONBLOCK);
  if (!file) {
    log_.write_some(Log::Level::Error, "failed to open pre_share_key file " + path_);
    return std::nullopt;
  }
  const std::string complaint = complaint_about(path_, *file, config::KeyKind::PreShared);
  if (!complaint.empty()) {
    log_.write_some(Log::Level::Error, complaint);
    return std::nullopt;
  }
  auto text = read_all(*file, path_);
  if (!text) {
    log_.write_some(Log::Level::Error, text.error());
    return std::nullopt;
  }
  const std::string identifier = as_in_file(name);
  auto key = config::find_pre_shared_key(*text, identifier);
  wipe(as_mutable_bytes(*text));
  if (!key) log_.write_some(Log::Level::Error, "couldn't find the pskey for " + identifier + ".");
  return key;
}

}  // namespace testudo::app
