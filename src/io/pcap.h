#pragma once
// Captures as files: the IP packets of one, and a new one of raw IP packets.  libpcap(3).  Link headers are taken off;
// frames that carry no IP are counted, not returned.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace testudo::io {

/// Time since 1970 of a captured packet.
using CaptureTime = Duration;

class PcapReader {
 public:
  /// Errors are libpcap's words.
  static Result<PcapReader, std::string> open(const std::string& path);
  PcapReader(PcapReader&&) noexcept;
  PcapReader& operator=(PcapReader&&) noexcept;
  ~PcapReader();

  struct Packet {
    Bytes ip;  ///< valid until the next call
    CaptureTime time{};
  };
  /// The next IP packet that was captured whole; nothing at the end of the file.
  std::optional<Packet> next();
  /// Frames passed over because they carry no IP or were cut short.
  std::uint64_t skipped() const;
  /// Why the file ended early, or "".
  std::string error() const;

 private:
  struct Impl;
  explicit PcapReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class PcapWriter {
 public:
  /// Creates or replaces the file; link type RAW.
  static Result<PcapWriter, std::string> create(const std::string& path);
  PcapWriter(PcapWriter&&) noexcept;
  PcapWriter& operator=(PcapWriter&&) noexcept;
  ~PcapWriter();

  void write(Bytes ip, CaptureTime time);
  /// Flushes; "" or what went wrong.
  std::string close();

 private:
  struct Impl;
  explicit PcapWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace testudo::io
