// What racoon's process that speaks to peers may send to the privileged one, should somebody have broken into it.
#include <cstdint>
#include <cstdlib>

#include "wire/racoon_question.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace racoon = testudo::wire::racoon;
  const auto question = racoon::parse_question({data, size});
  // There is one way to ask each question.
  if (question && racoon::compose(*question) != testudo::ByteVector(data, data + size)) std::abort();
  static_cast<void>(racoon::parse_answer({data, size}));
  static_cast<void>(racoon::parse_account({data, size}));
  static_cast<void>(racoon::parse_login_news({data, size}));
  return 0;
}
