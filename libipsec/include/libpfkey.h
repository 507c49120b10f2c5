/*
 * PF_KEY for programs, as ipsec-tools declares it: a socket to the keying engine, and a function for each message.
 * Every function gives the number of bytes sent, or -1 with the reason in ipsec_strerror().
 */
#ifndef TESTUDO_LIBPFKEY_H
#define TESTUDO_LIBPFKEY_H

#include <netipsec/ipsec.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sadb_msg;

#define HAVE_PFKEY_POLICY_PRIORITY 1
#define PRIORITY_LOW 0xC0000000
#define PRIORITY_DEFAULT 0x80000000
#define PRIORITY_HIGH 0x40000000

/* What the library was built with. */
extern const int libipsec_opt;
#define LIBIPSEC_OPT_NATT 0x01
#define LIBIPSEC_OPT_FRAG 0x02
#define LIBIPSEC_OPT_SEC_CTX 0x04

/* What pfkey_send_add2() and pfkey_send_update2() take.  Keys: e_keylen bytes of keymat, then a_keylen; lengths in bytes. */
struct pfkey_send_sa_args {
  int so;                  /* of pfkey_open() */
  u_int type;              /* SADB_ADD or SADB_UPDATE; set by the functions */
  u_int satype;            /* SADB_SATYPE_* */
  u_int mode;              /* IPSEC_MODE_* */
  struct sockaddr *src;
  struct sockaddr *dst;
  u_int32_t spi;           /* network order */
  u_int32_t reqid;
  u_int wsize;             /* replay window, bytes of eight packets */
  caddr_t keymat;
  u_int e_type;            /* SADB_EALG_*, or SADB_X_CALG_* for IPcomp */
  u_int e_keylen;
  u_int a_type;            /* SADB_AALG_* */
  u_int a_keylen;
  u_int flags;             /* SADB_X_EXT_* */
  u_int32_t l_alloc;       /* lifetimes, soft and hard */
  u_int64_t l_bytes;
  u_int64_t l_addtime;
  u_int64_t l_usetime;
  u_int32_t seq;           /* of the ACQUIRE or GETSPI that this answers */
  u_int8_t l_natt_type;    /* UDP_ENCAP_*, 0 for none */
  u_int16_t l_natt_sport;  /* host order */
  u_int16_t l_natt_dport;
  struct sockaddr *l_natt_oa;
  u_int16_t l_natt_frag;
  u_int8_t ctxdoi;         /* security contexts: not supported, ctxstrlen has to be 0 */
  u_int8_t ctxalg;
  const char *ctxstr;
  u_int16_t ctxstrlen;
};

/* The socket: to testudod (TESTUDO_RUN names its directory); closed by pfkey_close(). */
int pfkey_open(void);
void pfkey_close(int so);
/* Asks for buffers of so many KiB; gives what there is. */
int pfkey_set_buffer_size(int so, int kib);
int pfkey_send(int so, struct sadb_msg *message, int length);
/* The next message, whole; to be freed by the caller. */
struct sadb_msg *pfkey_recv(int so);

/* Puts each extension into ext[its type], the message itself into ext[0].  `ext` has SADB_EXT_MAX + 1 places. */
int pfkey_align(struct sadb_msg *message, caddr_t *ext);
/* Whether version, type, satype, addresses and required extensions of an aligned message belong together. */
int pfkey_check(caddr_t *ext);

int pfkey_send_register(int so, u_int satype);
/* Takes the reply to it; the algorithms are kept for ipsec_check_keylen(). */
int pfkey_recv_register(int so);
int pfkey_set_supported(struct sadb_msg *reply, int length);
/* Bits of e- or a-type `algorithm` of SADB_EXT_SUPPORTED_*; -1 when they are not allowed, or nothing was registered. */
int ipsec_check_keylen(u_int supported, u_int algorithm, u_int bits);
int ipsec_check_keylen2(u_int supported, u_int algorithm, u_int bits);
int ipsec_get_keylen(u_int supported, u_int algorithm, struct sadb_alg *found);

int pfkey_send_getspi(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int32_t min,
                      u_int32_t max, u_int32_t reqid, u_int32_t seq);
int pfkey_send_getspi_nat(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int8_t natt_type,
                          u_int16_t sport, u_int16_t dport, u_int32_t min, u_int32_t max, u_int32_t reqid, u_int32_t seq);
int pfkey_send_add2(struct pfkey_send_sa_args *sa);
int pfkey_send_update2(struct pfkey_send_sa_args *sa);
int pfkey_send_add(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int32_t spi,
                   u_int32_t reqid, u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type,
                   u_int a_keylen, u_int flags, u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime,
                   u_int64_t l_usetime, u_int32_t seq);
int pfkey_send_update(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int32_t spi,
                      u_int32_t reqid, u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type,
                      u_int a_keylen, u_int flags, u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime,
                      u_int64_t l_usetime, u_int32_t seq);
/* The same for ESP in UDP, with the last five members of the structure but for the security context. */
int pfkey_send_add_nat(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int32_t spi,
                       u_int32_t reqid, u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type,
                       u_int a_keylen, u_int flags, u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime,
                       u_int64_t l_usetime, u_int32_t seq, u_int8_t l_natt_type, u_int16_t l_natt_sport,
                       u_int16_t l_natt_dport, struct sockaddr *l_natt_oa, u_int16_t l_natt_frag);
int pfkey_send_update_nat(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int32_t spi,
                          u_int32_t reqid, u_int wsize, caddr_t keymat, u_int e_type, u_int e_keylen, u_int a_type,
                          u_int a_keylen, u_int flags, u_int32_t l_alloc, u_int64_t l_bytes, u_int64_t l_addtime,
                          u_int64_t l_usetime, u_int32_t seq, u_int8_t l_natt_type, u_int16_t l_natt_sport,
                          u_int16_t l_natt_dport, struct sockaddr *l_natt_oa, u_int16_t l_natt_frag);
int pfkey_send_delete(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int32_t spi);
int pfkey_send_delete_all(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst);
int pfkey_send_get(int so, u_int satype, u_int mode, struct sockaddr *src, struct sockaddr *dst, u_int32_t spi);
int pfkey_send_flush(int so, u_int satype);
int pfkey_send_dump(int so, u_int satype);
int pfkey_send_promisc_toggle(int so, int on);

/* Policies: `policy` is what ipsec_set_policy() gave, of `policylen` bytes. */
int pfkey_send_spdadd(int so, struct sockaddr *src, u_int prefs, struct sockaddr *dst, u_int prefd, u_int proto,
                      caddr_t policy, int policylen, u_int32_t seq);
int pfkey_send_spdadd2(int so, struct sockaddr *src, u_int prefs, struct sockaddr *dst, u_int prefd, u_int proto,
                       u_int64_t ltime, u_int64_t vtime, caddr_t policy, int policylen, u_int32_t seq);
int pfkey_send_spdupdate(int so, struct sockaddr *src, u_int prefs, struct sockaddr *dst, u_int prefd, u_int proto,
                         caddr_t policy, int policylen, u_int32_t seq);
int pfkey_send_spdupdate2(int so, struct sockaddr *src, u_int prefs, struct sockaddr *dst, u_int prefd, u_int proto,
                          u_int64_t ltime, u_int64_t vtime, caddr_t policy, int policylen, u_int32_t seq);
int pfkey_send_spddelete(int so, struct sockaddr *src, u_int prefs, struct sockaddr *dst, u_int prefd, u_int proto,
                         caddr_t policy, int policylen, u_int32_t seq);
int pfkey_send_spdsetidx(int so, struct sockaddr *src, u_int prefs, struct sockaddr *dst, u_int prefd, u_int proto,
                         caddr_t policy, int policylen, u_int32_t seq);
/* SADB_X_MIGRATE, of Mobile IPv6: testudod, as NetBSD, answers it with an error. */
int pfkey_send_migrate(int so, struct sockaddr *src, u_int prefs, struct sockaddr *dst, u_int prefd, u_int proto,
                       caddr_t policy, int policylen, u_int32_t seq);
int pfkey_send_spddelete2(int so, u_int32_t spid);
int pfkey_send_spdget(int so, u_int32_t spid);
int pfkey_send_spdflush(int so);
int pfkey_send_spddump(int so);

/* The soft lifetime that the functions of SAs send, in percent of the hard one: 1 to 100 for each of SADB_X_LIFETIME_*. */
#define SADB_X_LIFETIME_ALLOCATIONS 0
#define SADB_X_LIFETIME_BYTES 1
#define SADB_X_LIFETIME_ADDTIME 2
#define SADB_X_LIFETIME_USETIME 3
#define PFKEY_SOFT_LIFETIME_RATE 80
u_int pfkey_set_softrate(u_int type, u_int rate); /* 0 and more than 100 mean 100; gives 0, or 1 for another type */
u_int pfkey_get_softrate(u_int type);            /* ~0 for another type */

/* To standard output: a reply to SADB_GET or SADB_DUMP as setkey -D, one to SADB_X_SPDGET or SADB_X_SPDDUMP as setkey -DP
 * prints it, and any message field by field as setkey -x. */
void pfkey_sadump(struct sadb_msg *message);
void pfkey_sadump_withports(struct sadb_msg *message);
void pfkey_spdump(struct sadb_msg *message);
void pfkey_spdump_withports(struct sadb_msg *message);
void kdebug_sadb(struct sadb_msg *message);
/* Bytes to standard output, as setkey -D shows keys. */
void ipsec_hexdump(const void *bytes, int length);

#ifdef __cplusplus
}
#endif

#endif
