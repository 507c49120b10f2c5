#include "crypto/algorithms.h"

#include <algorithm>
#include <array>

#include "crypto/row_search.h"

namespace testudo::crypto {
namespace {

// clang-format off
using enum Advice;
constexpr std::array kCiphers{
    //        kind                       id  name                 alias           key (salt incl.) salt iv blk icv adv  histogram       advice  spec
    CipherRow{CipherKind::DesCbc,         2, "des-cbc",           "",             { 8,  8, 1},  0,  8,  8,  0,  8, "des-cbc",      Broken, "RFC 2405"},
    CipherRow{CipherKind::TripleDesCbc,   3, "3des-cbc",          "",             {24, 24, 1},  0,  8,  8,  0,  8, "3des-cbc",     Legacy, "RFC 2451"},
    CipherRow{CipherKind::Cast128Cbc,     6, "cast128-cbc",       "",             { 5, 16, 1},  0,  8,  8,  0,  8, "cast128-cbc",  Legacy, "RFC 2451"},
    CipherRow{CipherKind::BlowfishCbc,    7, "blowfish-cbc",      "",             { 5, 56, 1},  0,  8,  8,  0,  8, "blowfish-cbc", Legacy, "RFC 2451"},
    CipherRow{CipherKind::Null,          11, "null",              "simple",       { 0,256, 1},  0,  0,  4,  0,  4, "null",         Good,   "RFC 2410"},
    CipherRow{CipherKind::AesCbc,        12, "aes-cbc",           "rijndael-cbc", {16, 32, 8},  0, 16, 16,  0, 16, "aes-cbc",      Good,   "RFC 3602"},
    CipherRow{CipherKind::AesCtr,        13, "aes-ctr",           "",             {20, 36, 8},  4,  8,  4,  0, 16, "aes-ctr",      Good,   "RFC 3686"},
    CipherRow{CipherKind::AesCcm,        14, "aes-ccm-8",         "",             {19, 35, 8},  3,  8,  4,  8,  4, "aes-ccm-8",    Good,   "RFC 4309"},
    CipherRow{CipherKind::AesCcm,        15, "aes-ccm-12",        "",             {19, 35, 8},  3,  8,  4, 12,  4, "aes-ccm-12",   Good,   "RFC 4309"},
    CipherRow{CipherKind::AesCcm,        16, "aes-ccm-16",        "",             {19, 35, 8},  3,  8,  4, 16,  4, "aes-ccm-16",   Good,   "RFC 4309"},
    CipherRow{CipherKind::AesGcm,        18, "aes-gcm-8",         "",             {20, 36, 8},  4,  8,  4,  8,  4, "aes-gcm-8",    Good,   "RFC 4106"},
    CipherRow{CipherKind::AesGcm,        19, "aes-gcm-12",        "",             {20, 36, 8},  4,  8,  4, 12,  4, "aes-gcm-12",   Good,   "RFC 4106"},
    CipherRow{CipherKind::AesGcm,        20, "aes-gcm-16",        "aes-gcm",      {20, 36, 8},  4,  8,  4, 16,  4, "aes-gcm-16",   Good,   "RFC 4106"},
    CipherRow{CipherKind::CamelliaCbc,   22, "camellia-cbc",      "",             {16, 32, 8},  0, 16, 16,  0, 16, "camelia-cbc",  Good,   "RFC 4312"},
    CipherRow{CipherKind::AesGmac,       23, "aes-gmac",          "",             {20, 36, 8},  4,  8,  4, 16,  4, "aes-gmac",     Good,   "RFC 4543"},
    CipherRow{CipherKind::ChaCha20Poly1305, 31, "chacha20-poly1305", "",          {36, 36, 1},  4,  8,  4, 16,  4, "chacha20-poly1305", Good, "RFC 7634"},
    CipherRow{CipherKind::TwofishCbc,   253, "twofish-cbc",       "",             {16, 32, 8},  0, 16, 16,  0, 16, "twofish-cbc",  Legacy, "RFC 2451"},
};

constexpr std::array kMacs{
    //     kind                     id  name             alias             printed          key         digest icv histogram         advice  spec
    MacRow{MacKind::HmacMd5,         2, "hmac-md5",      "",               "hmac-md5",      {16, 16, 1}, 16, 12, "hmac-md5",         Broken, "RFC 2403"},
    MacRow{MacKind::HmacSha1,        3, "hmac-sha1",     "",               "hmac-sha1",     {20, 20, 1}, 20, 12, "hmac-sha1",        Legacy, "RFC 2404"},
    MacRow{MacKind::HmacSha256,      5, "hmac-sha256",   "hmac-sha2-256",  "hmac-sha256",   {32, 32, 1}, 32, 16, "hmac-sha2-256",    Good,   "RFC 4868"},
    MacRow{MacKind::HmacSha384,      6, "hmac-sha384",   "hmac-sha2-384",  "hmac-sha384",   {48, 48, 1}, 48, 24, "hmac-sha2-384",    Good,   "RFC 4868"},
    MacRow{MacKind::HmacSha512,      7, "hmac-sha512",   "hmac-sha2-512",  "hmac-sha512",   {64, 64, 1}, 64, 32, "hmac-sha2-512",    Good,   "RFC 4868"},
    MacRow{MacKind::HmacRipemd160,   8, "hmac-ripemd160","",               "hmac-ripemd160",{20, 20, 1}, 20, 12, "hmac-ripe-md160",  Legacy, "RFC 2857"},
    MacRow{MacKind::AesXcbc,         9, "aes-xcbc-mac",  "",               "aes-xcbc-mac",  {16, 16, 1}, 16, 12, "aes-xbc-mac",      Good,   "RFC 3566"},
    MacRow{MacKind::AesCmac,       248, "aes-cmac",      "",               "aes-cmac",      {16, 16, 1}, 16, 12, "aes-cmac",         Good,   "RFC 4494"},  // ours
    MacRow{MacKind::KeyedMd5,      249, "keyed-md5",     "",               "md5",           {16, 16, 1}, 16, 16, "md5",              Broken, "RFC 1828"},
    MacRow{MacKind::KeyedSha1,     250, "keyed-sha1",    "",               "sha",           {20, 20, 1}, 20, 20, "sha",              Broken, "RFC 1852"},
    MacRow{MacKind::Null,          251, "null",          "",               "null",          { 0,256, 1},  0, 12, "null",             Broken, "RFC 2410"},
    MacRow{MacKind::TcpMd5,        252, "tcp-md5",       "",               "tcp-md5",       { 1, 80, 1}, 16, 16, "tcp-md5",          Legacy, "RFC 2385"},
};

constexpr std::array kCompressions{
    CompressionRow{CompressionKind::Oui,     1, "oui",     false,  0, "oui"},
    CompressionRow{CompressionKind::Deflate, 2, "deflate", true,  90, "deflate"},
    CompressionRow{CompressionKind::Lzs,     3, "lzs",     false,  0, "lzs"},
};
// clang-format on

}  // namespace

std::span<const CipherRow> ciphers() {
  return kCiphers;
}
std::span<const MacRow> macs() {
  return kMacs;
}
std::span<const CompressionRow> compressions() {
  return kCompressions;
}

const CipherRow& cipher_of(CipherKind kind) {
  return *std::ranges::find(kCiphers, kind, &CipherRow::kind);
}
const CipherRow* cipher_by_id(std::uint8_t id) {
  return row_by_id(kCiphers, id);
}
const CipherRow* cipher_by_name(std::string_view name) {
  return row_by_name(kCiphers, name);
}
const MacRow* mac_by_id(std::uint8_t id) {
  return row_by_id(kMacs, id);
}
const MacRow* mac_by_name(std::string_view name) {
  return row_by_name(kMacs, name);
}
const CompressionRow* compression_by_id(std::uint8_t id) {
  return row_by_id(kCompressions, id);
}
const CompressionRow* compression_by_name(std::string_view name) {
  const auto row = std::ranges::find(kCompressions, name, &CompressionRow::name);
  return row == kCompressions.end() ? nullptr : &*row;
}

}  // namespace testudo::crypto
