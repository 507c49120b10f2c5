// The two ends of a measured TCP stream.
//   stream receive FAMILY PORT           accepts one connection; prints "listening", then a line of figures as JSON
//   stream send ADDRESS PORT SECONDS     sends for that long
//   stream echo PORT                     answers datagrams (IPv4); prints "listening"
//   stream ping ADDRESS PORT COUNT       one datagram of 64 bytes at a time; prints round trips in microseconds
//   stream flood ADDRESS PORT BYTES SECONDS   datagrams of so many bytes as fast as the kernel takes them
//   stream pace ADDRESS PORT RATE SECONDS     so many of them a second
//   stream count PORT                    counts datagrams (IPv4) until one begins with another byte than zero; prints
//                                        "listening"
// The stream is a pattern of blocks that both ends make from a seed, each with its number in front: the receiver
// compares every byte, so that a header that lies about a segment's place is seen, and both print the SHA-256 of the
// first 32 MiB.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kBlock = 256 << 10;
constexpr std::uint64_t kHashed = 32 << 20;

class Pattern {
 public:
  Pattern() : block_(kBlock) {
    std::mt19937_64 random{20260101};
    for (std::size_t i = 0; i < kBlock; i += 8) {
      const std::uint64_t value = random();
      std::memcpy(&block_[i], &value, 8);
    }
  }
  /// The block of this number; valid until the next call.
  std::span<const std::uint8_t> operator[](std::uint64_t number) {
    std::memcpy(block_.data(), &number, sizeof number);
    return block_;
  }

 private:
  std::vector<std::uint8_t> block_;
};

class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(std::span<const std::uint8_t> bytes) {
    const std::size_t n = std::min<std::uint64_t>(bytes.size(), kHashed - hashed_);
    if (n > 0) EVP_DigestUpdate(context_.get(), bytes.data(), n);
    hashed_ += n;
  }
  std::string hex() {
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    std::string text;
    for (const unsigned char byte : digest) {
      std::array<char, 3> two{};
      std::snprintf(two.data(), two.size(), "%02x", byte);
      text += two.data();
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
  std::uint64_t hashed_ = 0;
};

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int fail(const char* what) {
  std::perror(what);
  return 1;
}

void print(std::uint64_t bytes, double seconds, Hash& hash, bool same) {
  std::printf("{\"bytes\": %llu, \"seconds\": %.6f, \"sha256\": \"%s\", \"same\": %s}\n",
              static_cast<unsigned long long>(bytes), seconds, hash.hex().c_str(), same ? "true" : "false");
}

int receive(int domain, std::uint16_t port) {
  const int listener = ::socket(domain, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in6 at{};
  at.sin6_family = static_cast<sa_family_t>(domain);
  at.sin6_port = htons(port);  // the same place in sockaddr_in
  const socklen_t length = domain == AF_INET ? sizeof(sockaddr_in) : sizeof at;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), length) != 0) return fail("bind");
  if (::listen(listener, 1) != 0) return fail("listen");
  std::puts("listening");
  std::fflush(stdout);
  const int connection = ::accept(listener, nullptr, nullptr);
  if (connection < 0) return fail("accept");
  Pattern pattern;
  Hash hash;
  std::vector<std::uint8_t> buffer(kBlock);
  std::uint64_t bytes = 0, block = 0;
  std::size_t filled = 0;
  bool same = true;
  Clock::time_point start{};
  for (;;) {
    const ssize_t n = ::recv(connection, buffer.data() + filled, kBlock - filled, 0);
    if (n < 0) return fail("recv");
    if (bytes == 0) start = Clock::now();
    filled += static_cast<std::size_t>(n);
    bytes += static_cast<std::uint64_t>(n);
    if (filled < kBlock && n > 0) continue;
    if (filled > 0) {
      same = same && std::memcmp(buffer.data(), pattern[block++].data(), filled) == 0;
      hash.add({buffer.data(), filled});
    }
    filled = 0;
    if (n == 0) break;
  }
  print(bytes, seconds_since(start), hash, same);
  return same ? 0 : 1;
}

int send(const char* address, const char* port, double seconds) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* to = nullptr;
  if (::getaddrinfo(address, port, &hints, &to) != 0) return 1;
  const int connection = ::socket(to->ai_family, SOCK_STREAM, 0);
  if (::connect(connection, to->ai_addr, to->ai_addrlen) != 0) return fail("connect");
  Pattern pattern;
  Hash hash;
  std::uint64_t bytes = 0;
  const auto start = Clock::now();
  for (std::uint64_t number = 0; seconds_since(start) < seconds; ++number) {
    const auto block = pattern[number];
    hash.add(block);
    for (std::size_t sent = 0; sent < block.size();) {
      const ssize_t n = ::send(connection, block.data() + sent, block.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return fail("send");
      sent += static_cast<std::size_t>(n);
    }
    bytes += block.size();
  }
  ::shutdown(connection, SHUT_WR);
  print(bytes, seconds_since(start), hash, true);
  std::array<char, 1> rest{};
  static_cast<void>(::recv(connection, rest.data(), 1, 0));  // until the other end has read everything
  return 0;
}

sockaddr_in endpoint(const char* address, const char* port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  ::inet_pton(AF_INET, address, &to.sin_addr);
  return to;
}

int echo(const char* port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in at = endpoint("0.0.0.0", port), from{};
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return fail("bind");
  std::puts("listening");
  std::fflush(stdout);
  for (std::array<char, 2048> data{};;) {
    socklen_t length = sizeof from;
    const ssize_t n = ::recvfrom(fd, data.data(), data.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (n > 0) ::sendto(fd, data.data(), static_cast<std::size_t>(n), 0, reinterpret_cast<sockaddr*>(&from), length);
  }
}

int ping(const char* address, const char* port, int count) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in to = endpoint(address, port);
  const timeval patience{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return fail("connect");
  std::vector<double> times;
  std::array<char, 64> data{};
  for (int i = 0; i < count; ++i) {
    const auto start = Clock::now();
    if (::send(fd, data.data(), data.size(), 0) < 0) return fail("send");
    if (::recv(fd, data.data(), data.size(), 0) > 0) times.push_back(seconds_since(start) * 1e6);
  }
  if (times.empty()) return 1;
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  std::printf("{\"answered\": %zu, \"p50\": %.2f, \"p99\": %.2f}\n", times.size(), at(0.5), at(0.99));
  return 0;
}

/// As many datagrams of zeros as one call sends.
class Volley {
 public:
  static constexpr unsigned kMost = 64;

  explicit Volley(std::size_t bytes = 64) : data_(bytes), part_{data_.data(), data_.size()} {
    for (mmsghdr& m : messages_) {
      m.msg_hdr.msg_iov = &part_;
      m.msg_hdr.msg_iovlen = 1;
    }
  }
  Volley(const Volley&) = delete;
  Volley& operator=(const Volley&) = delete;

  /// How many of `count` the kernel took; none counts as none, whatever the reason.
  std::uint64_t send(int fd, unsigned count, int flags) {
    const int n = ::sendmmsg(fd, messages_.data(), count, flags);
    return n > 0 ? static_cast<std::uint64_t>(n) : 0;
  }

 private:
  std::vector<char> data_;
  iovec part_;
  std::array<mmsghdr, kMost> messages_{};
};

int flood(const char* address, const char* port, std::size_t bytes, double seconds) {
  // One socket would wait for what it has under way, and never send more than is carried.
  std::array<int, 16> sockets{};
  const sockaddr_in to = endpoint(address, port);
  for (int& fd : sockets) {
    fd = ::socket(AF_INET, SOCK_DGRAM, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return fail("connect");
  }
  Volley volley{bytes};
  std::uint64_t sent = 0;
  for (const auto start = Clock::now(); seconds_since(start) < seconds;) {
    for (const int fd : sockets) sent += volley.send(fd, Volley::kMost, MSG_DONTWAIT);
  }
  std::printf("{\"sent\": %llu}\n", static_cast<unsigned long long>(sent));
  return 0;
}

int pace(const char* address, const char* port, double rate, double seconds) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in to = endpoint(address, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return fail("connect");
  Volley volley;
  std::uint64_t sent = 0;
  const auto start = Clock::now();
  for (double now = 0; now < seconds; now = seconds_since(start)) {
    const double due = now * rate - static_cast<double>(sent);
    if (due < 1) {
      const timespec pause{0, 100'000};
      ::nanosleep(&pause, nullptr);
      continue;
    }
    sent += volley.send(fd, static_cast<unsigned>(std::min<double>(due, Volley::kMost)), 0);
  }
  const double took = seconds_since(start);
  const timespec settle{0, 200'000'000};
  ::nanosleep(&settle, nullptr);
  std::array<char, 64> last{1};
  for (int i = 0; i < 5; ++i) static_cast<void>(::send(fd, last.data(), last.size(), 0));
  std::printf("{\"sent\": %llu, \"seconds\": %.6f}\n", static_cast<unsigned long long>(sent), took);
  return 0;
}

int count(const char* port) {
  constexpr std::size_t kMessages = 64;
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const int queue = 8 << 20;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue);
  const sockaddr_in at = endpoint("0.0.0.0", port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return fail("bind");
  std::puts("listening");
  std::fflush(stdout);
  std::array<std::array<char, 128>, kMessages> data{};
  std::array<iovec, kMessages> parts{};
  std::array<mmsghdr, kMessages> messages{};
  for (std::size_t i = 0; i < kMessages; ++i) {
    parts[i] = {data[i].data(), data[i].size()};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  std::uint64_t received = 0;
  for (bool ended = false; !ended;) {
    const int n = ::recvmmsg(fd, messages.data(), kMessages, MSG_WAITFORONE, nullptr);
    if (n < 0) return fail("recvmmsg");
    for (std::size_t i = 0; i < static_cast<std::size_t>(n) && !ended; ++i) {
      ended = data[i][0] != 0;
      if (!ended) ++received;
    }
  }
  std::printf("{\"received\": %llu}\n", static_cast<unsigned long long>(received));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "receive" && argc == 4) {
    return receive(std::strcmp(argv[2], "6") == 0 ? AF_INET6 : AF_INET, static_cast<std::uint16_t>(std::atoi(argv[3])));
  }
  if (what == "send" && argc == 5) return send(argv[2], argv[3], std::atof(argv[4]));
  if (what == "echo" && argc == 3) return echo(argv[2]);
  if (what == "ping" && argc == 5) return ping(argv[2], argv[3], std::atoi(argv[4]));
  if (what == "pace" && argc == 6) return pace(argv[2], argv[3], std::atof(argv[4]), std::atof(argv[5]));
  if (what == "count" && argc == 3) return count(argv[2]);
  if (what == "flood" && argc == 6) {
    return flood(argv[2], argv[3], std::strtoul(argv[4], nullptr, 10), std::atof(argv[5]));
  }
  std::fputs(
      "usage: stream receive 4|6 PORT | send ADDRESS PORT SECONDS | echo PORT | ping ADDRESS PORT COUNT | flood …\n",
      stderr);
  return 2;
}
