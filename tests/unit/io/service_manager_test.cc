#include "io/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>

namespace testudo::io {
namespace {

/// The manager's end: a datagram socket with this name, '@' for the abstract ones.
class Manager {
 public:
  explicit Manager(std::string name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::ranges::copy(name, at.sun_path);
    if (name.front() == '@') at.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), length), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  std::string heard() const {
    std::array<char, 256> text{};
    const ssize_t n = ::recv(socket_.get(), text.data(), text.size(), 0);
    return n < 0 ? "nothing" : std::string{text.data(), static_cast<std::size_t>(n)};
  }

 private:
  Fd socket_;
};

std::string unique(const std::string& prefix) {
  return prefix + "testudo-notify-" + std::to_string(::getpid());
}

TEST(ServiceManager, IsToldUnderAnAbstractName) {
  const Manager manager{unique("@")};
  ServiceManager::from_environment().tell("READY=1");
  EXPECT_EQ(manager.heard(), "READY=1");
}

TEST(ServiceManager, IsToldAtAPath) {
  const std::string path = unique(::testing::TempDir());
  const Manager manager{path};
  ServiceManager::from_environment().tell("STOPPING=1");
  EXPECT_EQ(manager.heard(), "STOPPING=1");
  ::unlink(path.c_str());
}

TEST(ServiceManager, HearsOfLifeOnlyWhenItWatches) {
  const Manager manager{unique("@")};
  ServiceManager::from_environment().alive();
  EXPECT_EQ(manager.heard(), "nothing");

  ::setenv("NOTIFY_SOCKET", unique("@").c_str(), 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ServiceManager::from_environment().alive();
  EXPECT_EQ(manager.heard(), "WATCHDOG=1");
}

TEST(ServiceManager, IsForgottenByProgramsThatAreStartedLater) {
  const Manager manager{unique("@")};
  static_cast<void>(ServiceManager::from_environment());
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
}

TEST(ServiceManager, MayBeNobody) {
  for (const std::string& name : {std::string{}, std::string{"relative"}, std::string(200, '/')}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    ServiceManager::from_environment().tell("READY=1");
  }
}

}  // namespace
}  // namespace testudo::io
