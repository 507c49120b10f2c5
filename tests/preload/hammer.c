/* Threads and forks that give sockets policies and UDP_ENCAP, open PF_KEY, ask for them and close them, all at once.  Argument: how many rounds. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define IP_POLICY 16

/* sadb_x_policy and one sadb_x_ipsecrequest: DIR ipsec esp/transport//require */
struct policy {
  uint16_t length, type, policy;
  uint8_t direction, flags;
  uint32_t id, priority;
  uint16_t request_length, protocol;
  uint8_t mode, level;
  uint16_t reserved;
  uint32_t reqid, reserved2;
};

static int rounds;

static void fail(const char *what) {
  fprintf(stderr, "hammer: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void set_and_get(int s, uint8_t direction) {
  const struct policy wanted = {4, 18, 2, direction, 0, 0, 0, 16, 50, 1, 2, 0, 0, 0};
  struct policy got = {2, 18, 0, direction, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  socklen_t length = sizeof got;
  if (setsockopt(s, IPPROTO_IP, IP_POLICY, &wanted, sizeof wanted) != 0) fail("setsockopt");
  if (getsockopt(s, IPPROTO_IP, IP_POLICY, &got, &length) != 0) fail("getsockopt");
  if (length != sizeof got || memcmp(&got, &wanted, sizeof got) != 0) fail("another policy came back");
}

/* ESP in UDP, and PF_KEY: the answer to a registration comes back to who asked. */
static void encapsulate(int s) {
  int form = 2, got = 0;
  socklen_t length = sizeof got;
  if (setsockopt(s, IPPROTO_UDP, 100, &form, sizeof form) != 0) fail("UDP_ENCAP");
  if (getsockopt(s, IPPROTO_UDP, 100, &got, &length) != 0 || got != form) fail("another form came back");
}

static void ask_for_keys(void) {
  const uint8_t ask[16] = {2, 7, 0, 3, 2};
  uint8_t reply[4096];
  const int key = socket(15, SOCK_RAW | SOCK_CLOEXEC, 2);
  if (key < 0) fail("PF_KEY");
  if (write(key, ask, sizeof ask) != sizeof ask || read(key, reply, sizeof reply) < 16 || reply[1] != 7) fail("SADB_REGISTER");
  close(key);
}

static void *hammer(void *unused) {
  (void)unused;
  for (int i = 0; i < rounds; ++i) {
    const int s = socket(AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (s < 0) fail("socket");
    set_and_get(s, 2);
    set_and_get(s, 1);
    if (i % 2) encapsulate(s);
    ask_for_keys();
    const pid_t child = i % 8 == 0 ? fork() : -1;
    if (child == 0) {
      set_and_get(s, 1);
      _exit(0);
    }
    int status = 0;
    if (child > 0 && (waitpid(child, &status, 0) != child || status != 0)) fail("the child");
    int size = 0;
    socklen_t length = sizeof size;
    if (getsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, &length) != 0 || size == 0) fail("SO_RCVBUF");
    close(s);
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  rounds = argc > 1 ? atoi(argv[1]) : 10;
  for (int i = 0; i < THREADS; ++i)
    if (pthread_create(&threads[i], NULL, hammer, NULL) != 0) fail("pthread_create");
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  puts("done");
  return 0;
}
