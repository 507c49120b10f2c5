#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <vector>

#include "base/endian.h"
#include "io/confinement.h"

namespace testudo::io {
namespace {

using Program = std::vector<sock_filter>;

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;  // no list is known for it
#endif

// Of arguments the low half is looked at: no flag, descriptor or domain needs more, and the kernel takes them as int.
constexpr std::uint32_t low_half(unsigned argument) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
}

constexpr std::array kAllowed {
  // what is open
  SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_pread64, SYS_lseek, SYS_close, SYS_fstat, SYS_fcntl, SYS_dup3,
      SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_accept4, SYS_shutdown,
      SYS_bind, SYS_connect, SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt,
      // events
      SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_timerfd_create,
      SYS_timerfd_settime, SYS_timerfd_gettime, SYS_eventfd2, SYS_pipe2, SYS_rt_sigaction, SYS_rt_sigprocmask,
      SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall, SYS_futex, SYS_sched_yield,
      // memory
      SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
      // clocks and random numbers
      SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom,
      // about itself
      SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getcpu, SYS_sysinfo,
      SYS_uname, SYS_sched_getaffinity, SYS_exit, SYS_exit_group,
#if defined(__x86_64__)
      SYS_poll, SYS_select, SYS_epoll_wait, SYS_time, SYS_dup2,
#endif
};

/// There are no files.
constexpr std::array kNoFiles {
  SYS_openat, SYS_faccessat, SYS_readlinkat, SYS_getcwd, SYS_statfs, SYS_statx,
#if defined(__x86_64__)
      SYS_open, SYS_access, SYS_readlink, SYS_stat, SYS_lstat,
#endif
};

void add(Program& program, std::uint16_t code, std::uint32_t k, std::uint8_t yes = 0, std::uint8_t no = 0) {
  program.push_back({code, yes, no, k});
}

void load(Program& program, std::uint32_t offset) {
  add(program, BPF_LD | BPF_W | BPF_ABS, offset);
}

void finish(Program& program, std::uint32_t action) {
  add(program, BPF_RET | BPF_K, action);
}

/// `call` → `action`; the number of the call is loaded before and after.
void on(Program& program, long call, std::uint32_t action) {
  add(program, BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
  finish(program, action);
}

struct Condition {
  unsigned argument = 0;
  std::uint32_t mask = ~std::uint32_t{0}, value = 0;
};

/// Allowed when all conditions hold; otherwise nothing is said yet, and the number is loaded again.
void allow_if(Program& program, long call, std::initializer_list<Condition> conditions) {
  const auto each = std::uint8_t{4};
  const auto length = static_cast<std::uint8_t>(conditions.size() * each + 1);
  add(program, BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, length);
  auto left = length;
  for (const Condition& condition : conditions) {
    load(program, low_half(condition.argument));
    add(program, BPF_ALU | BPF_AND | BPF_K, condition.mask);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, condition.value, 1, 0);
    left = static_cast<std::uint8_t>(left - each);
    add(program, BPF_JMP | BPF_JA, left);
  }
  finish(program, SECCOMP_RET_ALLOW);
  load(program, offsetof(seccomp_data, nr));
}

void allow_sockets(Program& program) {
  constexpr std::uint32_t kKind = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
  allow_if(program, SYS_socket, {{0, ~0U, AF_NETLINK}, {2, ~0U, NETLINK_ROUTE}});
  allow_if(program, SYS_socket, {{0, ~0U, AF_UNIX}, {1, kKind, SOCK_DGRAM}});
}

Program program() {
  Program all;
  load(all, offsetof(seccomp_data, arch));
  add(all, BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
  finish(all, SECCOMP_RET_KILL_PROCESS);
  load(all, offsetof(seccomp_data, nr));
  for (const long call : kAllowed) on(all, call, SECCOMP_RET_ALLOW);
  for (const long call : kNoFiles) on(all, call, SECCOMP_RET_ERRNO | EACCES);
  allow_sockets(all);
  // Nothing that was written is ever run.
  allow_if(all, SYS_mmap, {{2, PROT_EXEC, 0}});
  allow_if(all, SYS_mprotect, {{2, PROT_EXEC, 0}});
  allow_if(all, SYS_ioctl, {{1, ~0U, FIONBIO}});
  // The names of interfaces, for what is logged of link-local addresses.
  allow_if(all, SYS_ioctl, {{1, ~0U, SIOCGIFNAME}});
  allow_if(all, SYS_newfstatat, {{3, AT_EMPTY_PATH, AT_EMPTY_PATH}});
  on(all, SYS_newfstatat, SECCOMP_RET_ERRNO | EACCES);
  // abort()
  allow_if(all, SYS_tgkill, {{0, ~0U, static_cast<std::uint32_t>(::getpid())}});
  // To ask how large it may become.
  allow_if(all, SYS_prlimit64, {{0, ~0U, 0}, {2, ~0U, 0}});
  finish(all, SECCOMP_RET_TRAP);
  return all;
}

/// Where the handler reports: a handler is given nothing of its owner's.
std::atomic<int>& report_descriptor() {
  static std::atomic<int> descriptor{-1};
  return descriptor;
}

/// Only what a handler may do.  The message is that of wire::racoon::SayForbidden.
void forbidden(int, siginfo_t* what, void*) {
  constexpr std::uint8_t kSayForbidden = 9;
  std::array<std::uint8_t, 5> message{kSayForbidden};
  put_be32(message.data() + 1, static_cast<std::uint32_t>(what->si_syscall));
  static_cast<void>(::send(report_descriptor().load(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) <
                    0);
  ::_exit(kForbiddenCall);
}

}  // namespace

Status<SystemError> allow_few_calls(int report) {
  if (kArchitecture == 0) return Failure{SystemError{"no list of system calls for this machine", 0}};
  report_descriptor() = report;
  struct sigaction action {};
  action.sa_sigaction = forbidden;
  action.sa_flags = SA_SIGINFO;
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return last_error("sigaction");
  Program all = program();
  const sock_fprog filter{static_cast<unsigned short>(all.size()), all.data()};
  // More than 0: the thread that could not be brought under it.
  const long done = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
  if (done < 0) return last_error("seccomp");
  if (done > 0) return Failure{SystemError{"seccomp: a thread has another filter", 0}};
  return Done{};
}

}  // namespace testudo::io
