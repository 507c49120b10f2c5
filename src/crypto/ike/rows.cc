#include "crypto/ike/rows.h"

#include <array>

#include "crypto/row_search.h"

namespace testudo::crypto::ike {
namespace {

// clang-format off
using enum Advice;
constexpr std::array kCiphers{
    //       id  kind                      name        alias     default advice
    CipherRow{1, CipherKind::DesCbc,       "des",      "",          8, Broken},
    CipherRow{3, CipherKind::BlowfishCbc,  "blowfish", "",         16, Legacy},
    CipherRow{5, CipherKind::TripleDesCbc, "3des",     "",         24, Legacy},
    CipherRow{6, CipherKind::Cast128Cbc,   "cast128",  "",         16, Legacy},
    CipherRow{7, CipherKind::AesCbc,       "aes",      "rijndael", 16, Good},
    CipherRow{8, CipherKind::CamelliaCbc,  "camellia", "",         16, Good},
};

constexpr std::array kHashes{
    //     id  kind              hmac                 name        alias     digest advice
    HashRow{1, HashKind::Md5,    MacKind::HmacMd5,    "md5",      "",       16, Broken},
    HashRow{2, HashKind::Sha1,   MacKind::HmacSha1,   "sha1",     "",       20, Legacy},
    HashRow{4, HashKind::Sha256, MacKind::HmacSha256, "sha2_256", "sha256", 32, Good},
    HashRow{5, HashKind::Sha384, MacKind::HmacSha384, "sha2_384", "sha384", 48, Good},
    HashRow{6, HashKind::Sha512, MacKind::HmacSha512, "sha2_512", "sha512", 64, Good},
};

// Private values: twice the strength that RFC 3526 section 8 estimates, rounded up (the first column of its table);
// for curves the order's length.  RFC 5903 section 8: KE holds x and y, the secret is x.
constexpr std::array kGroups{
    //       id  kind                   name          alias       bits  public secret private advice
    GroupRow{ 1, GroupKind::Modp,       "modp768",    "1",         768,   96,   96, 32, Broken},
    GroupRow{ 2, GroupKind::Modp,       "modp1024",   "2",        1024,  128,  128, 32, Broken},
    GroupRow{ 5, GroupKind::Modp,       "modp1536",   "5",        1536,  192,  192, 32, Legacy},
    GroupRow{14, GroupKind::Modp,       "modp2048",   "14",       2048,  256,  256, 40, Good},
    GroupRow{15, GroupKind::Modp,       "modp3072",   "15",       3072,  384,  384, 56, Good},
    GroupRow{16, GroupKind::Modp,       "modp4096",   "16",       4096,  512,  512, 64, Good},
    GroupRow{17, GroupKind::Modp,       "modp6144",   "17",       6144,  768,  768, 72, Good},
    GroupRow{18, GroupKind::Modp,       "modp8192",   "18",       8192, 1024, 1024, 80, Good},
    GroupRow{19, GroupKind::Ecp,        "ecp256",     "19",        256,   64,   32, 32, Good},
    GroupRow{20, GroupKind::Ecp,        "ecp384",     "20",        384,   96,   48, 48, Good},
    GroupRow{21, GroupKind::Ecp,        "ecp521",     "21",        521,  132,   66, 66, Good},
    GroupRow{31, GroupKind::Curve25519, "curve25519", "31",        255,   32,   32, 32, Good},
};
// clang-format on

}  // namespace

std::span<const CipherRow> ciphers() {
  return kCiphers;
}
std::span<const HashRow> hashes() {
  return kHashes;
}
std::span<const GroupRow> groups() {
  return kGroups;
}

const CipherRow* cipher_by_id(std::uint64_t id) {
  return row_by_id(kCiphers, id);
}
const CipherRow* cipher_by_name(std::string_view name) {
  return row_by_name(kCiphers, name);
}
const HashRow* hash_by_id(std::uint64_t id) {
  return row_by_id(kHashes, id);
}
const HashRow* hash_by_name(std::string_view name) {
  return row_by_name(kHashes, name);
}
const GroupRow* group_by_id(std::uint64_t id) {
  return row_by_id(kGroups, id);
}
const GroupRow* group_by_name(std::string_view name) {
  return row_by_name(kGroups, name);
}

}  // namespace testudo::crypto::ike
