#pragma once
// Where the texts of a configuration come from.  The privileged process reads them from the disk and keeps a record of
// what it read and found; the other one gets the record, and so comes to the same result without a file.  Private keys
// are in no record: they are read elsewhere, and what stands beside a certificate in one file is left out.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "config/racoon/conf.h"

namespace testudo::app {

class ConfFiles : public config::Files {
 public:
  virtual Result<std::string, std::string> read(const std::string& name) = 0;
  /// For who reads from a record: that is what the file of this name says.
  virtual void note(const std::string& name, const std::string& text) = 0;
};

class DiskFiles final : public ConfFiles {
 public:
  Result<std::string, std::string> read(const std::string& name) override;
  std::vector<File> matching(const std::string& pattern) override;
  std::uint32_t link(const std::string& name) override;
  void note(const std::string& name, const std::string& text) override;
  ByteVector record() const;

 private:
  friend class RecordedFiles;
  struct Entry {
    bool is_pattern = false;
    std::string name;
    std::vector<File> files;
  };
  std::vector<Entry> entries_;
};

class RecordedFiles final : public ConfFiles {
 public:
  /// Nothing when that is no record.
  static std::optional<RecordedFiles> parse(Bytes record);
  Result<std::string, std::string> read(const std::string& name) override;
  std::vector<File> matching(const std::string& pattern) override;
  std::uint32_t link(const std::string& name) override;
  void note(const std::string&, const std::string&) override {}

 private:
  const DiskFiles::Entry* find(bool is_pattern, const std::string& name) const;
  std::vector<DiskFiles::Entry> entries_;
};

/// PEM without the blocks of private keys.
std::string without_private_keys(std::string_view text);

}  // namespace testudo::app
