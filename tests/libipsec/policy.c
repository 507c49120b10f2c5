/* ipsec_set_policy(3) as its manual page has it, from C. */
#include <netinet/in.h>
#include <netipsec/ipsec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int true_of_it, const char *sentence, const char *detail) {
  if (true_of_it) return;
  failures++;
  fprintf(stderr, "not so: %s (%s)\n", sentence, detail ? detail : "nothing");
}

/* Text, and what ipsec_dump_policy() makes of it. */
static const char *const accepted[][2] = {
    {"in ipsec esp/transport//require", "in ipsec esp/transport//require"},
    {"out bypass", "out bypass"},
    {"in entrust", "in entrust"},
    {"out none", "out none"},
    {"in discard", "in discard"},
    {"out ipsec esp/tunnel/10.1.1.1-10.1.1.2/use", "out ipsec esp/tunnel/10.1.1.1-10.1.1.2/use"},
    {"out ipsec ah/transport", "out ipsec ah/transport//default"},
    {"in ipsec ah/transport//require esp/tunnel/fd00::1-fd00::2/unique:7",
     "in ipsec ah/transport//require esp/tunnel/fd00::1-fd00::2/unique:7"},
    {"out ipsec\n  ipcomp/transport//use\tesp/transport//require",
     "out ipsec ipcomp/transport//use esp/transport//require"},
};

static const char *const refused[][2] = {
    {"", "Invalid argument"},
    {"sideways none", "Invalid argument"},
    {"in ipsec esp", "Too few arguments"},
    {"in ipsec esp/sideways//use", "Invalid ipsec mode"},
    {"in ipsec tcp/transport//use", "Invalid ipsec protocol"},
    {"in ipsec esp/transport//always", "Invalid ipsec level"},
    {"in ipsec esp/tunnel//use", "Invalid address specification"},
    {"in ipsec esp/tunnel/10.0.0.1-fd00::1/use", "Family mismatch"},
    {"out ipsec esp/transport/any-me/use", "Invalid direction"},
};

static void accepts(void) {
  for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
    ipsec_policy_t policy = ipsec_set_policy(accepted[i][0], (int)strlen(accepted[i][0]));
    check(policy != NULL, accepted[i][0], ipsec_strerror());
    if (policy == NULL) continue;
    const struct sadb_x_policy *head = (const void *)policy;
    check(ipsec_get_policylen(policy) == head->sadb_x_policy_len * 8, "the length is that of the extension", accepted[i][0]);
    char *text = ipsec_dump_policy(policy, NULL);
    check(text != NULL && strcmp(text, accepted[i][1]) == 0, accepted[i][1], text);
    free(text);
    free(policy);
  }
}

static void refuses(void) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    check(ipsec_set_policy(refused[i][0], (int)strlen(refused[i][0])) == NULL, "refused", refused[i][0]);
    check(strcmp(ipsec_strerror(), refused[i][1]) == 0, refused[i][0], ipsec_strerror());
  }
  check(ipsec_set_policy(NULL, 0) == NULL, "no text is no policy", NULL);
  check(ipsec_get_policylen(NULL) < 0, "no policy has no length", NULL);
  struct sadb_x_policy garbage = {.sadb_x_policy_len = 0, .sadb_x_policy_exttype = SADB_X_EXT_POLICY};
  check(ipsec_get_policylen((caddr_t)&garbage) < 0, "a length of 0 is none", NULL);
  check(ipsec_dump_policy((caddr_t)&garbage, NULL) == NULL, "what is no policy has no text", NULL);
  garbage.sadb_x_policy_len = 2, garbage.sadb_x_policy_exttype = SADB_EXT_SA;
  check(ipsec_get_policylen((caddr_t)&garbage) < 0, "another extension is no policy", NULL);
}

static void shows(void) {
  ipsec_policy_t policy = ipsec_set_policy("out ipsec esp/tunnel/10.1.1.1[500]-10.1.1.2[600]/require ah/transport//use", 0);
  char *lines = ipsec_dump_policy(policy, "\n\t"), *ports = ipsec_dump_policy_withports(policy, " ");
  check(lines != NULL && strcmp(lines, "out ipsec\n\tesp/tunnel/10.1.1.1-10.1.1.2/require\n\tah/transport//use") == 0,
        "the delimiter stands before each request", lines);
  check(ports != NULL && strcmp(ports, "out ipsec esp/tunnel/10.1.1.1[500]-10.1.1.2[600]/require ah/transport//use") == 0,
        "with ports", ports);
  const struct sadb_x_policy *head = (const void *)policy;
  const struct sadb_x_ipsecrequest *first = (const void *)(head + 1);
  check(head->sadb_x_policy_dir == IPSEC_DIR_OUTBOUND && head->sadb_x_policy_type == IPSEC_POLICY_IPSEC, "the head", NULL);
  check(first->sadb_x_ipsecrequest_proto == IPPROTO_ESP && first->sadb_x_ipsecrequest_mode == IPSEC_MODE_TUNNEL &&
            first->sadb_x_ipsecrequest_level == IPSEC_LEVEL_REQUIRE,
        "the first request", NULL);
  const struct sockaddr_in *end = (const void *)(first + 1);
  check(end->sin_family == AF_INET && end->sin_port == htons(500) && end->sin_addr.s_addr == htonl(0x0a010101),
        "its first address", NULL);
  free(lines);
  free(ports);
  free(policy);
}

int main(void) {
  accepts();
  refuses();
  shows();
  printf("libipsec: %zu policies accepted, %zu refused, %d complaints\n", sizeof accepted / sizeof *accepted,
         sizeof refused / sizeof *refused, failures);
  return failures != 0;
}
