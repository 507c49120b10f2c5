// testudo tap: packets before and after IPsec, into a capture, a device, or as lines.
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "app/testudo/commands.h"
#include "app/testudo/control_client.h"
#include "app/testudo/replay.h"
#include "io/fd.h"
#include "io/show_device.h"
#include "observe/pcapng.h"

namespace testudo::app {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdout) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// SIGINT and SIGTERM end the program between two packets, so that what is in the file is whole.  A handler would not
/// do: one that comes a moment before the wait for the next packet ends nothing.
class EndSignals {
 public:
  EndSignals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM}) ::sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    fd_ = io::Fd{::signalfd(-1, &set, SFD_CLOEXEC)};
  }
  /// Waits for something to read; false when a signal came.
  bool wait_for(int descriptor) const {
    pollfd both[] = {{descriptor, POLLIN, 0}, {fd_.get(), POLLIN, 0}};
    return ::poll(both, 2, -1) > 0 && both[1].revents == 0;
  }

 private:
  io::Fd fd_;
};

/// For those who look at a device, which shows no comments: 1 and 2 going out before and after IPsec, 3 and 4 coming
/// in.
std::uint8_t mark_of(const observe::TapPacket& packet) {
  const bool out = packet.way == observe::TapWay::Out;
  const bool host = packet.side == observe::TapSide::Host;
  return static_cast<std::uint8_t>((out ? 1 : 3) + (out == host ? 0 : 1));
}

class Output {
 public:
  Status<std::string> open(const TapOptions& options) {
    if (!options.pcapng.empty()) {
      file_.reset(options.pcapng == "-" ? stdout : std::fopen(options.pcapng.c_str(), "wb"));
      if (!file_) return Failure{io::last_error(options.pcapng).error.to_string()};
    }
    if (!options.interface.empty()) {
      auto made = io::ShowDevice::make(options.interface);
      if (!made) return Failure{made.error().to_string()};
      device_ = std::make_unique<io::ShowDevice>(*std::move(made));
    }
    return Done{};
  }
  /// False when the file takes no more.
  bool take(Bytes blocks) const {
    const observe::TapPacket packet = observe::packet_of(blocks);
    if (device_ && !packet.bytes.empty()) device_->show(packet.bytes, mark_of(packet));
    if (!file_ && !device_ && !packet.bytes.empty()) {
      fmt::print("{}\n", observe::comment_of(blocks));
      std::fflush(stdout);
    }
    if (!file_) return true;
    return std::fwrite(blocks.data(), 1, blocks.size(), file_.get()) == blocks.size() && std::fflush(file_.get()) == 0;
  }

 private:
  File file_;
  std::unique_ptr<io::ShowDevice> device_;
};

}  // namespace

int tap(const CommonOptions& common, const TapOptions& options) {
  Output output;
  if (const auto opened = output.open(options); !opened) return fail(opened.error());
  auto client = ControlClient::connect(run_dir(common.run_dir));
  if (!client) {
    fmt::print(stderr, "testudo: {}\n", client.error());
    return kNoDaemon;
  }
  const EndSignals signals;
  if (!client->send(R"({"cmd":"tap"})")) return kNoDaemon;
  std::uint64_t packets = 0, missed = 0;
  bool begun = false;
  while ((options.limit == 0 || packets < options.limit) && signals.wait_for(client->descriptor())) {
    const auto message = client->receive();
    if (!message) break;
    const Bytes block = as_bytes(*message);
    if (!output.take(block)) return fail(options.pcapng + ": cannot be written");
    if (!std::exchange(begun, true)) fmt::print(stderr, "testudo: listening\n");
    if (!observe::packet_of(block).bytes.empty()) ++packets;
    if (const std::uint64_t count = observe::missed_of(block); count > missed) missed = count;
  }
  fmt::print(stderr, "testudo: {} packets, {} missed\n", packets, missed);
  return begun ? 0 : kNoDaemon;
}

}  // namespace testudo::app
