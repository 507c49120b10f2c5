#include "io/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <string_view>

#include "base/bytes.h"

namespace testudo::io {
namespace {

/// What a process under the filter came to: the status of its end, and what it reported.
struct Outcome {
  int status = 0;
  ByteVector report;
};

/// Ends at once: what sanitizers do at the end of a process is not of the list.
Outcome confined(const std::function<bool()>& body) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    // Without root no_new_privs is what allows a filter; become() is for root alone.
    if (!become({}) || !allow_few_calls(ends[1])) ::_exit(99);
    ::_exit(body() ? 0 : 1);
  }
  ::close(ends[1]);
  Outcome outcome;
  outcome.report.resize(64);
  const ssize_t got = ::recv(ends[0], outcome.report.data(), outcome.report.size(), 0);
  outcome.report.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return outcome;
}

TEST(Confinement, WhatADaemonNeedsIsAllowed) {
  const Outcome outcome = confined([] {
    std::array<char, 4096> page{};
    void* const memory = ::mmap(nullptr, page.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int netlink = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    return memory != MAP_FAILED && ::munmap(memory, page.size()) == 0 && ::getpid() > 0 && netlink >= 0;
  });
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.report.empty());
}

TEST(Confinement, InterfacesHaveNames) {
  const Outcome outcome = confined([] {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(1, name.data()) != nullptr && std::string_view{name.data()} == "lo";
  });
  EXPECT_EQ(outcome.status, 0);
}

TEST(Confinement, ThereAreNoFiles) {
  const Outcome outcome = confined([] { return ::open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES; });
  EXPECT_EQ(outcome.status, 0);
}

TEST(Confinement, AnyOtherCallEndsTheProcessAndItsNumberIsReported) {
  struct Case {
    long number;
    const char* name;
    std::function<void()> call;
  };
  const std::vector<Case> cases{
      {SYS_execve, "execve", [] { ::execl("/bin/true", "true", nullptr); }},
      {SYS_socket, "socket of TCP", [] { ::socket(AF_INET, SOCK_STREAM, 0); }},
      {SYS_socket, "socket of a local stream", [] { ::socket(AF_UNIX, SOCK_STREAM, 0); }},
      {SYS_socket, "socket of raw packets", [] { ::socket(AF_INET, SOCK_RAW, 1); }},
      {SYS_socket, "netlink of another kind", [] { ::socket(AF_NETLINK, SOCK_RAW, 12); }},
      {SYS_kill, "kill", [] { ::kill(::getppid(), 0); }},
      {SYS_tgkill, "tgkill of another process", [] { ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
      {SYS_ptrace, "ptrace", [] { ::syscall(SYS_ptrace, 0, 0, 0, 0); }},
      {SYS_unlinkat, "unlinkat", [] { ::syscall(SYS_unlinkat, AT_FDCWD, "/nonexistent", 0); }},
      {SYS_mmap, "memory to execute",
       [] { ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
      {SYS_mprotect, "memory made executable", [] { ::syscall(SYS_mprotect, 4096L, 4096L, PROT_EXEC); }},
      {SYS_ioctl, "ioctl", [] { ::syscall(SYS_ioctl, 0, 0x5412, "x"); }},
      {SYS_setuid, "setuid", [] { ::syscall(SYS_setuid, 0); }},
      {SYS_prctl, "prctl", [] { ::syscall(SYS_prctl, 1, 0, 0, 0, 0); }},
      {SYS_unshare, "unshare", [] { ::syscall(SYS_unshare, 0x10000000); }},
      {SYS_memfd_create, "memfd_create", [] { ::syscall(SYS_memfd_create, "x", 0); }},
  };
  for (const Case& each : cases) {
    const Outcome outcome = confined([&] {
      each.call();
      return true;
    });
    EXPECT_EQ(outcome.status, kForbiddenCall) << each.name;
    const auto number = static_cast<std::uint32_t>(each.number);
    const ByteVector report{9, static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
                            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    EXPECT_EQ(outcome.report, report) << each.name;
  }
}

TEST(Confinement, WhoBecomesAnotherUserHasNothingLeft) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!become({65534, 65533, ""})) ::_exit(2);
    gid_t group = 0;
    const bool other = ::getuid() == 65534 && ::geteuid() == 65534 && ::getgid() == 65533 &&
                       ::getgroups(1, &group) == 1 && group == 65533;
    ::_exit(other && ::setuid(0) != 0 && ::open("/etc/shadow", O_RDONLY) < 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(Confinement, WhoseParentHasEndedDoesNotBegin) {
  EXPECT_FALSE(end_with_parent(::getpid()));
}

}  // namespace
}  // namespace testudo::io
