#include "base/large_pages.h"

#include <sys/mman.h>

namespace testudo::large_pages {

void wish_for(void* block, std::size_t bytes) {
  ::madvise(block, bytes, MADV_HUGEPAGE);  // a hint: refused, it is no loss
}

}  // namespace testudo::large_pages
