#pragma once
// What one worker has of an SA: its own keyed algorithms, for those keep state, and what it counted.  The Sa makes one
// for each worker that comes and sums them when somebody asks; so several workers seal with one SA and share no more
// than its sequence (RFC 4303 section 3.3.3) and its IVs.
// Written by its worker; usage() is for any thread.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "base/strong.h"
#include "base/tally.h"
#include "base/time.h"
#include "crypto/compressor.h"
#include "crypto/suite.h"

namespace testudo::sad {

/// Which of the threads that carry packets; the first, or the only one, is 0.
using Worker = Strong<struct WorkerTag, std::uint8_t>;

struct Usage {
  std::uint64_t packets = 0, bytes = 0;
  std::optional<Time> first, last;

  /// What another one has seen of the same SA.
  Usage& operator+=(const Usage& other);
};

class Share {
 public:
  explicit Share(Worker worker) : worker_(worker) {}

  void count(std::size_t packets, std::size_t bytes, Time now) {
    packets_.grow(packets);
    bytes_.grow(bytes);
    const std::int64_t at = now.time_since_epoch().count();
    if (first_ == kNever) first_.set(at);
    last_.set(at);
  }
  Usage usage() const;
  /// Goes on from here.
  void start_from(const Usage& usage);

  /// Of its next outer IPv4 header; 0 before the first.  Two workers may use the same number for two packets, as one
  /// does 65535 packets later.
  std::uint16_t identification = 0;

 private:
  friend class Sa;
  /// What packets of the SA are worked with, by its protocol, once one came.
  using Keyed =
      std::variant<std::unique_ptr<crypto::Suite>, std::unique_ptr<crypto::Mac>, std::unique_ptr<crypto::Compressor>>;

  static constexpr std::int64_t kNever = INT64_MIN;

  /// The one of this kind; `make` makes it when there is none.
  template <typename Algorithm, typename Make>
  Algorithm* keyed(const Make& make) {
    auto* const there = std::get_if<std::unique_ptr<Algorithm>>(&keyed_);
    if (there != nullptr && *there) return there->get();
    return keyed_.emplace<std::unique_ptr<Algorithm>>(make()).get();
  }

  Worker worker_;
  Tally<std::uint64_t> packets_, bytes_;
  Tally<std::int64_t> first_ = kNever, last_ = kNever;
  Keyed keyed_;
  std::atomic<Share*> next_{nullptr};  ///< of another worker; the Sa's
};

}  // namespace testudo::sad
