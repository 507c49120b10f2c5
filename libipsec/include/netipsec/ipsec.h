/*
 * ipsec_set_policy(3) and its companions, as KAME and NetBSD declare them.  The numbers of modes, directions, policies and
 * levels, and the structures behind ipsec_policy_t, are those of the Linux headers.
 */
#ifndef TESTUDO_NETIPSEC_IPSEC_H
#define TESTUDO_NETIPSEC_IPSEC_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <linux/ipsec.h>
#include <linux/pfkeyv2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A struct sadb_x_policy with its requests behind it. */
typedef caddr_t ipsec_policy_t;

/*
 * The policy that a text such as "out ipsec esp/transport//require" speaks of, for setsockopt(2); to be freed by the
 * caller.  The text ends with a NUL; its length is not looked at.  NULL: ipsec_strerror() says why.
 */
ipsec_policy_t ipsec_set_policy(const char *text, int length);
/* Bytes; negative for what is no policy. */
int ipsec_get_policylen(ipsec_policy_t policy);
/* The text of a policy, with the delimiter (a blank, when it is NULL) before each request; to be freed by the caller. */
char *ipsec_dump_policy(ipsec_policy_t policy, const char *delimiter);
char *ipsec_dump_policy_withports(void *policy, const char *delimiter);
/* Why the last call of this thread failed. */
const char *ipsec_strerror(void);

#ifdef __cplusplus
}
#endif

#endif
