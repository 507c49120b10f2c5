#include "app/racoon/conf_files.h"

#include <algorithm>
#include <charconv>

#include "app/racoon/files.h"
#include "io/socket_address.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace testudo::app {
namespace {

using File = config::Files::File;

void put(wire::Writer& out, const std::string& text) {
  out.u32(static_cast<std::uint32_t>(text.size())).raw(as_bytes(text));
}

Result<std::string, wire::Malformed> take(wire::Reader& in) {
  TRY(const auto length, in.u32());
  TRY(const Bytes text, in.take(length));
  return std::string{text.begin(), text.end()};
}

Result<File, wire::Malformed> take_file(wire::Reader& in) {
  File file;
  TRY(file.name, take(in));
  TRY(file.text, take(in));
  TRY(file.failure, take(in));
  return file;
}

/// Under which a record has the index of an interface: no file's name, for those that are read are absolute or options.
std::string name_of_link(const std::string& link) {
  return "interface " + link;
}

}  // namespace

Result<std::string, std::string> DiskFiles::read(const std::string& name) {
  auto text = read_file(name);
  entries_.push_back({false, name, {text ? File{name, *text, {}} : File{name, {}, text.error()}}});
  return text;
}

std::vector<File> DiskFiles::matching(const std::string& pattern) {
  entries_.push_back({true, pattern, glob_files(pattern)});
  return entries_.back().files;
}

std::uint32_t DiskFiles::link(const std::string& name) {
  const std::uint32_t index = io::link_index(name);
  note(name_of_link(name), std::to_string(index));
  return index;
}

void DiskFiles::note(const std::string& name, const std::string& text) {
  entries_.push_back({false, name, {{name, text, {}}}});
}

std::string without_private_keys(std::string_view text) {
  static constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
  std::string kept;
  for (;;) {
    const auto begin = text.find(kBegin);
    const auto label = text.substr(std::min(begin, text.size())).substr(0, 64);
    const auto end = text.find(kEnd, std::min(begin, text.size()));
    if (begin == text.npos) return kept + std::string{text};
    const bool is_private = label.substr(0, label.find('\n')).find("PRIVATE KEY") != label.npos;
    // One that does not end takes all the rest with it.
    const auto last = end == text.npos ? text.npos : text.find(kDashes, end + kEnd.size());
    const auto next = last == text.npos ? text.size() : last + kDashes.size();
    kept += text.substr(0, is_private ? begin : next);
    text.remove_prefix(next);
  }
}

ByteVector DiskFiles::record() const {
  wire::Writer out;
  for (const Entry& entry : entries_) {
    out.u8(entry.is_pattern ? 1 : 0);
    put(out, entry.name);
    out.u32(static_cast<std::uint32_t>(entry.files.size()));
    for (const File& file : entry.files) {
      put(out, file.name);
      put(out, config::without_secrets(without_private_keys(file.text)));
      put(out, file.failure);
    }
  }
  return out.take();
}

std::optional<RecordedFiles> RecordedFiles::parse(Bytes record) {
  RecordedFiles made;
  for (wire::Reader in{record}; !in.empty();) {
    const auto is_pattern = in.u8();
    auto name = take(in);
    const auto count = in.u32();
    if (!is_pattern || !name || !count) return std::nullopt;
    DiskFiles::Entry entry{*is_pattern != 0, *std::move(name), {}};
    for (std::uint32_t i = 0; i < *count; ++i) {
      auto file = take_file(in);
      if (!file) return std::nullopt;
      entry.files.push_back(*std::move(file));
    }
    made.entries_.push_back(std::move(entry));
  }
  return made;
}

const DiskFiles::Entry* RecordedFiles::find(bool is_pattern, const std::string& name) const {
  const auto found = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry.is_pattern == is_pattern && entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Result<std::string, std::string> RecordedFiles::read(const std::string& name) {
  const auto* const entry = find(false, name);
  if (entry == nullptr || entry->files.empty()) return Failure{"failed to open file " + name + " (not in the record)"};
  if (!entry->files.front().failure.empty()) return Failure{entry->files.front().failure};
  return entry->files.front().text;
}

std::uint32_t RecordedFiles::link(const std::string& name) {
  const auto* const entry = find(false, name_of_link(name));
  if (entry == nullptr || entry->files.empty()) return 0;
  const std::string& digits = entry->files.front().text;
  std::uint32_t index = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return index;
}

std::vector<File> RecordedFiles::matching(const std::string& pattern) {
  const auto* const entry = find(true, pattern);
  return entry == nullptr ? std::vector<File>{} : entry->files;
}

}  // namespace testudo::app
