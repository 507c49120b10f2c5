/* The socket options at the edges of memory: every buffer ends where a page begins that nobody may touch.  Then poll, select
 * and epoll on PF_KEY and on sockets with a policy.  Argument "count": only what a program without policies does. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define IP_POLICY 16
#define IPV6_POLICY 34
#define PF_KEY_DOMAIN 15

/* sadb_x_policy and two sadb_x_ipsecrequest without addresses: DIR ipsec esp/transport//require ah/transport//require */
static const uint8_t policy[48] = {6, 0, 18, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 50, 0, 1, 2, 0, 0,
                                   0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 51, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static void expect(int truth, const char *what, size_t n) {
  if (truth) return;
  printf("not so: %s (%zu): %s\n", what, n, strerror(errno));
  exit(1);
}

/* `size` bytes that end at a page which nobody may touch. */
static uint8_t *at_the_edge(size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (two == MAP_FAILED || mprotect(two + page, page, PROT_NONE) != 0) exit(2);
  return two + page - size;
}

static void lengths(int s) {
  for (size_t n = 0; n <= sizeof policy; ++n) {
    uint8_t *edge = at_the_edge(n);
    memcpy(edge, policy, n);
    const int done = setsockopt(s, IPPROTO_IP, IP_POLICY, edge, (socklen_t)n);
    expect(n == sizeof policy ? done == 0 : done == -1 && errno == EINVAL, "setsockopt with so many bytes of 48", n);
  }
  for (size_t n = 0; n <= 64; ++n) {
    uint8_t *edge = at_the_edge(n), before[64];
    memset(edge, 0x5a, n);
    memcpy(edge, policy, n < 16 ? n : 16);
    memcpy(before, edge, n);
    socklen_t length = (socklen_t)n;
    const int done = getsockopt(s, IPPROTO_IP, IP_POLICY, edge, &length);
    if (n < sizeof policy) {
      expect(done == -1 && errno == EINVAL, "getsockopt into so few bytes", n);
      expect(length == n && memcmp(edge, before, n) == 0, "what failed wrote nothing", n);
    } else {
      expect(done == 0 && length == sizeof policy && memcmp(edge, policy, sizeof policy) == 0, "getsockopt gives it back", n);
      for (size_t i = sizeof policy; i < n; ++i) expect(edge[i] == 0x5a, "nothing is written beyond it", n);
    }
  }
  uint8_t *edge = at_the_edge(40);
  memcpy(edge, policy, 40);
  expect(setsockopt(s, IPPROTO_IP, IP_POLICY, edge, 48) == -1 && errno == EFAULT, "a buffer shorter than it is said to be", 40);
  expect(setsockopt(s, IPPROTO_IP, IP_POLICY, NULL, 48) == -1, "no buffer", 48);
  expect(setsockopt(s, IPPROTO_IP, IP_POLICY, policy, (socklen_t)-1) == -1 && errno == EINVAL, "a length below 0", 0);
}

static void reserved(int s) {
  uint8_t bytes[48];
  for (size_t at = 7; at < sizeof bytes; ++at) {
    /* The reserved bytes of both structures, and those of the number and priority that a socket's policy has none of. */
    const int is_reserved = at == 7 || (at >= 8 && at < 16) || at == 22 || at == 23 || (at >= 28 && at < 32) || at >= 44;
    if (!is_reserved) continue;
    memcpy(bytes, policy, sizeof bytes);
    bytes[at] = 0xff;
    expect(setsockopt(s, IPPROTO_IP, IP_POLICY, bytes, sizeof bytes) == 0, "a reserved byte is not looked at", at);
  }
}

static void families(void) {
  const int v4 = socket(AF_INET, SOCK_DGRAM, 0), v6 = socket(AF_INET6, SOCK_DGRAM, 0), local = socket(AF_UNIX, SOCK_DGRAM, 0);
  expect(setsockopt(v4, IPPROTO_IPV6, IPV6_POLICY, policy, sizeof policy) == -1 && errno == ENOPROTOOPT, "IPv6's option on IPv4", 4);
  expect(setsockopt(v6, IPPROTO_IPV6, IPV6_POLICY, policy, sizeof policy) == 0, "IPv6's option on IPv6", 6);
  expect(setsockopt(v6, IPPROTO_IP, IP_POLICY, policy, sizeof policy) == 0, "IPv4's option on IPv6, for mapped addresses", 6);
  expect(setsockopt(local, IPPROTO_IP, IP_POLICY, policy, sizeof policy) == -1 && errno == ENOPROTOOPT, "a Unix socket", 1);
  expect(setsockopt(99, IPPROTO_IP, IP_POLICY, policy, sizeof policy) == -1 && errno == EBADF, "no socket at all", 99);
  close(v4), close(v6), close(local);
}

static int wait_by(const char *how, int fd, int milliseconds) {
  if (strcmp(how, "poll") == 0) {
    struct pollfd one = {fd, POLLIN, 0};
    return poll(&one, 1, milliseconds) == 1 && (one.revents & POLLIN) != 0;
  }
  if (strcmp(how, "select") == 0) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    struct timeval patience = {milliseconds / 1000, milliseconds % 1000 * 1000};
    return select(fd + 1, &set, NULL, NULL, &patience) == 1 && FD_ISSET(fd, &set);
  }
  static int queue = -1;
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.fd = fd}}, got;
  if (queue < 0) queue = epoll_create1(0);
  if (epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event) != 0 && epoll_ctl(queue, EPOLL_CTL_MOD, fd, &event) != 0) exit(2);
  return epoll_wait(queue, &got, 1, milliseconds) == 1 && got.data.fd == fd;
}

static void readiness(const char *how) {
  const uint8_t ask[16] = {2, 7, 0, 3, 2};  /* SADB_REGISTER, ESP */
  uint8_t reply[4096];
  const int key = socket(PF_KEY_DOMAIN, SOCK_RAW | SOCK_NONBLOCK, 2);
  expect(key >= 0 && !wait_by(how, key, 0), how, 1);
  expect(read(key, reply, sizeof reply) == -1 && errno == EAGAIN, "nothing to read", 1);
  expect(write(key, ask, sizeof ask) == sizeof ask && wait_by(how, key, 10000), how, 2);
  expect(read(key, reply, sizeof reply) > 16 && reply[1] == 7 && !wait_by(how, key, 0), how, 3);
  close(key);

  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof at;
  const int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(in, (struct sockaddr *)&at, sizeof at) != 0 || getsockname(in, (struct sockaddr *)&at, &length) != 0) exit(2);
  expect(!wait_by(how, in, 0), how, 4);
  expect(setsockopt(in, IPPROTO_IP, IP_POLICY, policy, sizeof policy) == 0 && !wait_by(how, in, 0), how, 5);
  expect(sendto(out, "x", 1, 0, (struct sockaddr *)&at, sizeof at) == 1 && wait_by(how, in, 10000), how, 6);
  close(in), close(out);
}

/* What a program without policies does: none of it may cost a system call more than without the library. */
static void ordinary(void) {
  for (int i = 0; i < 100; ++i) {
    int yes = 1;
    socklen_t length = sizeof yes;
    const int s = socket(AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(s, IPPROTO_IP, IP_TTL, &(int){9}, sizeof(int));
    getsockopt(s, SOL_SOCKET, SO_RCVBUF, &yes, &length);
    close(s);
  }
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "count") == 0) {
    ordinary();
    return 0;
  }
  const int s = socket(AF_INET, SOCK_DGRAM, 0);
  lengths(s);
  reserved(s);
  families();
  readiness("poll");
  readiness("select");
  readiness("epoll");
  puts("done");
  return 0;
}
