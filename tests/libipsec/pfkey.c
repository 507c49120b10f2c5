/* The PF_KEY functions of libipsec against a daemon: an SA and a policy made, read back and taken away. */
#include <arpa/inet.h>
#include <errno.h>
#include <libpfkey.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int true_of_it, const char *sentence) {
  printf("  %s: %s\n", true_of_it ? "ok" : "not so", sentence);
  if (!true_of_it) {
    failures++;
    printf("    %s\n", ipsec_strerror());
  }
}

static struct sockaddr_in host(const char *text) {
  struct sockaddr_in at = {.sin_family = AF_INET};
  inet_pton(AF_INET, text, &at.sin_addr);
  return at;
}

/* The reply to what was sent last, taken apart; its errno. */
static int reply(int so, int type, caddr_t *ext) {
  for (;;) {
    struct sadb_msg *message = pfkey_recv(so);
    if (message == NULL) return -1;
    if (message->sadb_msg_type != type) {
      free(message);
      continue;
    }
    if (message->sadb_msg_errno == 0 && (pfkey_align(message, ext) < 0 || pfkey_check(ext) < 0)) return -1;
    return message->sadb_msg_errno;
  }
}

int main(void) {
  struct sockaddr_in a = host("10.0.0.1"), b = host("10.0.0.2"), net = host("10.1.0.0");
  struct sockaddr *src = (struct sockaddr *)&a, *dst = (struct sockaddr *)&b, *from = (struct sockaddr *)&net;
  caddr_t ext[SADB_EXT_MAX + 1];
  char keys[36];
  memset(keys, 'k', sizeof keys);

  int so = pfkey_open();
  check(so >= 0, "pfkey_open");
  if (so < 0) return 1;
  check(ipsec_check_keylen(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AESCBC, 128) < 0 &&
            strcmp(ipsec_strerror(), "Must get supported algorithms list first") == 0,
        "nothing is known of key lengths before the registration");
  check(pfkey_send_register(so, SADB_SATYPE_ESP) > 0 && pfkey_recv_register(so) == 0, "registered for ESP");
  check(ipsec_check_keylen(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AESCBC, 128) == 0, "AES takes 128 bits");
  check(ipsec_check_keylen(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AESCBC, 64) < 0, "and not 64");

  check(pfkey_send_add(so, SADB_SATYPE_ESP, IPSEC_MODE_TRANSPORT, src, dst, htonl(0x1000), 7, 4, keys, SADB_X_EALG_AESCBC, 16,
                       SADB_AALG_SHA1HMAC, 20, 0, 0, 0, 0, 0, 0) > 0 && reply(so, SADB_ADD, ext) == 0, "an SA is added");
  check(pfkey_send_add(so, SADB_SATYPE_ESP, IPSEC_MODE_TRANSPORT, src, dst, htonl(0x1000), 7, 4, keys, SADB_X_EALG_AESCBC, 16,
                       SADB_AALG_SHA1HMAC, 20, 0, 0, 0, 0, 0, 0) > 0 && reply(so, SADB_ADD, ext) == EEXIST, "not twice");
  check(pfkey_send_add(so, SADB_SATYPE_ESP, 9, src, dst, htonl(0x1001), 7, 4, keys, SADB_X_EALG_AESCBC, 16, SADB_AALG_SHA1HMAC,
                       20, 0, 0, 0, 0, 0, 0) < 0 && strcmp(ipsec_strerror(), "Invalid ipsec mode") == 0, "not in a mode 9");
  check(pfkey_send_get(so, SADB_SATYPE_ESP, IPSEC_MODE_ANY, src, dst, htonl(0x1000)) > 0 && reply(so, SADB_GET, ext) == 0,
        "it can be got");
  const struct sadb_sa *sa = (const void *)ext[SADB_EXT_SA];
  const struct sadb_key *key = (const void *)ext[SADB_EXT_KEY_ENCRYPT];
  check(sa != NULL && sa->sadb_sa_spi == htonl(0x1000) && sa->sadb_sa_encrypt == SADB_X_EALG_AESCBC, "with its SPI and cipher");
  check(key != NULL && key->sadb_key_bits == 128 && memcmp(key + 1, keys, 16) == 0, "and its key");

  const struct sadb_lifetime *soft = (const void *)ext[SADB_EXT_LIFETIME_SOFT], *hard = (const void *)ext[SADB_EXT_LIFETIME_HARD];
  check(soft != NULL && hard != NULL, "and its lifetimes");

  check(pfkey_get_softrate(SADB_X_LIFETIME_ADDTIME) == 80 && pfkey_get_softrate(4) == ~0U, "soft lifetimes are 80 percent");
  check(pfkey_set_softrate(SADB_X_LIFETIME_BYTES, 50) == 0 && pfkey_set_softrate(SADB_X_LIFETIME_USETIME, 101) == 0 &&
            pfkey_set_softrate(4, 50) == 1, "they may be set, of four kinds");
  check(pfkey_get_softrate(SADB_X_LIFETIME_BYTES) == 50 && pfkey_get_softrate(SADB_X_LIFETIME_USETIME) == 100, "or as was said");
  check(pfkey_send_add(so, SADB_SATYPE_ESP, IPSEC_MODE_TRANSPORT, src, dst, htonl(0x1002), 7, 4, keys, SADB_X_EALG_AESCBC, 16,
                       SADB_AALG_SHA1HMAC, 20, 0, 10, 2001, 1000, 70, 0) > 0 && reply(so, SADB_ADD, ext) == 0, "an SA that ends");
  soft = (const void *)ext[SADB_EXT_LIFETIME_SOFT], hard = (const void *)ext[SADB_EXT_LIFETIME_HARD];
  check(soft != NULL && soft->sadb_lifetime_allocations == 8 && soft->sadb_lifetime_bytes == 1000 &&
            soft->sadb_lifetime_addtime == 800 && soft->sadb_lifetime_usetime == 70, "softly before");
  check(hard != NULL && hard->sadb_lifetime_bytes == 2001 && hard->sadb_lifetime_addtime == 1000, "and hard when it was told");
  check(pfkey_send_get(so, SADB_SATYPE_ESP, IPSEC_MODE_ANY, src, dst, htonl(0x1002)) > 0 && reply(so, SADB_GET, ext) == 0, "shown:");
  pfkey_sadump((struct sadb_msg *)(void *)ext[0]);
  kdebug_sadb((struct sadb_msg *)(void *)ext[0]);

  ipsec_hexdump(keys, 34);
  printf("\n");
  check(libipsec_opt == (LIBIPSEC_OPT_NATT | LIBIPSEC_OPT_FRAG), "the library has NAT-T, and no security contexts");
  check(ipsec_check_keylen2(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AESCBC, 64) < 0, "64 bits by the other name");
  check(pfkey_send_add_nat(so, SADB_SATYPE_ESP, IPSEC_MODE_TRANSPORT, src, dst, htonl(0x1003), 0, 4, keys, SADB_X_EALG_AESCBC, 16,
                           SADB_AALG_SHA1HMAC, 20, 0, 0, 0, 0, 0, 0, 2, 4500, 4501, src, 1400) > 0 && reply(so, SADB_ADD, ext) == 0,
        "an SA in UDP");
  const struct sadb_x_nat_t_port *from_port = (const void *)ext[SADB_X_EXT_NAT_T_SPORT], *to_port = (const void *)ext[SADB_X_EXT_NAT_T_DPORT];
  check(from_port != NULL && to_port != NULL && ntohs(from_port->sadb_x_nat_t_port_port) == 4500 &&
            ntohs(to_port->sadb_x_nat_t_port_port) == 4501, "with its ports");
  check(pfkey_send_update_nat(so, SADB_SATYPE_ESP, IPSEC_MODE_TRANSPORT, src, dst, htonl(0x1003), 0, 4, keys, SADB_X_EALG_AESCBC, 16,
                              SADB_AALG_SHA1HMAC, 20, 0, 0, 0, 0, 0, 0, 2, 4500, 4501, NULL, 0) > 0 &&
            reply(so, SADB_UPDATE, ext) == 0, "is renewed");

  check(pfkey_send_getspi(so, SADB_SATYPE_ESP, IPSEC_MODE_TRANSPORT, dst, src, 0x5000, 0x5000, 0, 42) > 0 &&
            reply(so, SADB_GETSPI, ext) == 0 && ((struct sadb_msg *)(void *)ext[0])->sadb_msg_seq == 42, "an SPI is reserved");
  check(pfkey_send_getspi(so, SADB_SATYPE_ESP, IPSEC_MODE_TRANSPORT, dst, src, 2, 100, 0, 0) < 0 &&
            strcmp(ipsec_strerror(), "SPI range violation") == 0, "but not a reserved one");

  ipsec_policy_t policy = ipsec_set_policy("out ipsec esp/tunnel/10.0.0.1-10.0.0.2/require", 0);
  const int length = ipsec_get_policylen(policy);
  check(pfkey_send_spdadd(so, from, 16, dst, 32, IPSEC_ULPROTO_ANY, policy, length, 0) > 0 && reply(so, SADB_X_SPDADD, ext) == 0,
        "a policy is added");
  const struct sadb_x_policy *added = (const void *)ext[SADB_X_EXT_POLICY];
  check(added != NULL && added->sadb_x_policy_id != 0, "and has a number");
  const u_int32_t id = added == NULL ? 0 : added->sadb_x_policy_id;
  check(pfkey_send_spdget(so, id) > 0 && reply(so, SADB_X_SPDGET, ext) == 0, "by which it can be got");
  char *text = ipsec_dump_policy(ext[SADB_X_EXT_POLICY], " ");
  check(text != NULL && strcmp(text, "out ipsec esp/tunnel/10.0.0.1-10.0.0.2/require") == 0, "as it was");
  free(text);
  pfkey_spdump_withports((struct sadb_msg *)(void *)ext[0]);
  check(pfkey_send_migrate(so, from, 16, dst, 32, IPSEC_ULPROTO_ANY, policy, length, 0) > 0 && reply(so, SADB_X_MIGRATE, ext) > 0,
        "migrate is sent, and refused");
  check(pfkey_send_spdadd(so, from, 33, dst, 32, IPSEC_ULPROTO_ANY, policy, length, 0) < 0, "no prefix of 33 bits");
  check(pfkey_send_spdadd(so, from, 16, dst, 32, IPSEC_ULPROTO_ANY, policy, length - 8, 0) < 0, "no policy of another length");
  check(pfkey_send_spddelete2(so, id) > 0 && reply(so, SADB_X_SPDDELETE2, ext) == 0, "and deleted");
  check(pfkey_send_spddump(so) > 0 && reply(so, SADB_X_SPDDUMP, ext) == ENOENT, "then there is none");
  free(policy);

  check(pfkey_send_delete(so, SADB_SATYPE_ESP, IPSEC_MODE_ANY, src, dst, htonl(0x1000)) > 0 && reply(so, SADB_DELETE, ext) == 0,
        "the SA is deleted");
  check(pfkey_send_flush(so, SADB_SATYPE_UNSPEC) > 0 && reply(so, SADB_FLUSH, ext) == 0, "all are flushed");
  check(pfkey_send_dump(so, SADB_SATYPE_UNSPEC) > 0 && reply(so, SADB_DUMP, ext) == ENOENT, "then there is none");
  check(pfkey_set_buffer_size(so, 64) >= 64, "the buffers are as large as asked");
  pfkey_close(so);
  return failures != 0;
}
