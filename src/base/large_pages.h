#pragma once
// An allocator for tables that are read at random: a large block is laid out so that the kernel may give large pages
// for it, and is asked to (Linux: transparent huge pages).  Where it does not, nothing changes but the speed.
#include <cstddef>
#include <new>

namespace testudo {

namespace large_pages {
inline constexpr std::size_t kPage = std::size_t{2} << 20;
/// Says that this block may be made of large pages.
void wish_for(void* block, std::size_t bytes);
}  // namespace large_pages

template <typename T>
struct LargePages {
  using value_type = T;

  LargePages() = default;
  template <typename U>
  LargePages(const LargePages<U>&) noexcept {}  // NOLINT(google-explicit-constructor): allocators convert

  T* allocate(std::size_t n) {
    const std::size_t bytes = n * sizeof(T);
    if (!is_large(n)) return static_cast<T*>(::operator new(bytes));
    void* const block = ::operator new (bytes, std::align_val_t{large_pages::kPage});
    large_pages::wish_for(block, bytes);
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t n) {
    if (!is_large(n)) return ::operator delete(block);
    ::operator delete (block, std::align_val_t{large_pages::kPage});
  }
  friend bool operator==(const LargePages&, const LargePages&) { return true; }

 private:
  static bool is_large(std::size_t n) { return n * sizeof(T) >= 2 * large_pages::kPage; }
};

}  // namespace testudo
