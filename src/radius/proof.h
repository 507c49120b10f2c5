#pragma once
// What a shared secret hides and proves in RADIUS: the user's password (RFC 2865 section 5.2), the authenticators of
// answers and of accounting (section 3, RFC 2866 section 3), and Message-Authenticator (RFC 2869 section 5.14).  MD5 is
// what the protocol has: an answer without Message-Authenticator can be made by who stands between (CVE-2024-3596).
// Pure.
#include "wire/radius/packet.h"

namespace testudo::radius {

using wire::radius::Authenticator;
using wire::radius::Packet;

/// RFC 2865 section 5.2: "maximum … 128 characters".
inline constexpr std::size_t kLongestPassword = 128;

/// The value of User-Password.
ByteVector hide_password(Bytes password, Bytes secret, const Authenticator& request);

/// An Access-Request with Message-Authenticator before all others, so that none of them is chosen by who attacks MD5.
ByteVector access_request(std::uint8_t id, const Authenticator& request, Bytes attributes, Bytes secret);
/// An Accounting-Request, whose authenticator proves it.
ByteVector accounting_request(std::uint8_t id, Bytes attributes, Bytes secret);

/// Response Authenticator of an answer: MD5(Code+ID+Length+RequestAuth+Attributes+Secret).
ByteVector answer_authenticator(const Packet& answer, const Authenticator& request, Bytes secret);
/// Whether who knows the secret made this answer to the request with this authenticator.
bool is_answer_to(const Packet& answer, const Authenticator& request, Bytes secret);

enum class MessageProof : std::uint8_t { Missing, Wrong, Right };
MessageProof message_proof(const Packet& answer, const Authenticator& request, Bytes secret);

}  // namespace testudo::radius
