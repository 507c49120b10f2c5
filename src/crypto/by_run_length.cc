#include "crypto/by_run_length.h"

namespace testudo::crypto {

std::unique_ptr<Suite> ByRunLength::clone() const {
  auto many = for_many_->clone();
  auto few = for_few_->clone();
  if (!many || !few) return nullptr;
  return std::make_unique<ByRunLength>(std::move(many), std::move(few));
}

}  // namespace testudo::crypto
