#include "tests/memory/testing_counting.h"

#include <link.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string_view>

// glibc's allocator under its other names: those of malloc's functions are ours here, so that
// every library calls them.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* memory);
}

namespace weft {
namespace {

struct Range {
  uintptr_t begin = 0, end = 0;
  bool Has(uintptr_t address) const { return begin <= address && address < end; }
};
Range libraries[8];
int library_count = 0;

std::atomic<bool> counting = false;
std::atomic<int64_t> ours, ours_bytes, library_bytes, library_peak, library_before;

// Notes the code of the libraries whose allocations are counted apart.
int FindLibrary(dl_phdr_info* info, size_t, void*) {
  const std::string_view name = info->dlpi_name;
  // The loader gives OpenMP's threads their thread-local memory.
  const bool counted = name.find("libdnnl") != name.npos || name.find("libgomp") != name.npos ||
                       name.find("ld-linux") != name.npos;
  if (!counted) return 0;
  for (int i = 0; i < info->dlpi_phnum && library_count < 8; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    libraries[library_count++] = {begin, begin + segment.p_memsz};
  }
  return 0;
}

bool IsLibrary(void* caller) {
  for (int i = 0; i < library_count; ++i) {
    if (libraries[i].Has(reinterpret_cast<uintptr_t>(caller))) return true;
  }
  return false;
}

// Blocks of the libraries end in a word that says so; others have room for one too.
constexpr uint64_t kMark = 0x7765667420746573;
constexpr size_t kTail = 2 * sizeof(uint64_t);

uint64_t* TailOf(void* memory) {
  return reinterpret_cast<uint64_t*>(static_cast<std::byte*>(memory) + malloc_usable_size(memory)) -
         2;
}

void* Counted(void* memory, size_t bytes, void* caller) {
  if (memory == nullptr) return nullptr;
  uint64_t tail[2] = {0, 0};
  if (library_count > 0 && IsLibrary(caller)) {
    tail[0] = kMark;
    tail[1] = bytes;
    const int64_t held = library_bytes += static_cast<int64_t>(bytes);
    int64_t peak = library_peak;
    while (held > peak && !library_peak.compare_exchange_weak(peak, held)) {
    }
  } else if (counting) {
    ++ours;
    ours_bytes += static_cast<int64_t>(bytes);
  }
  __builtin_memcpy(TailOf(memory), tail, sizeof tail);
  return memory;
}

void* Allocate(size_t bytes, void* caller) {
  return Counted(__libc_malloc(bytes + kTail), bytes, caller);
}
void* AllocateAt(size_t alignment, size_t bytes, void* caller) {
  return Counted(__libc_memalign(alignment, bytes + kTail), bytes, caller);
}

void Free(void* memory) {
  if (memory == nullptr) return;
  uint64_t tail[2];
  __builtin_memcpy(tail, TailOf(memory), sizeof tail);
  if (tail[0] == kMark) {
    library_bytes -= static_cast<int64_t>(tail[1]);
    __builtin_memset(TailOf(memory), 0, sizeof tail);
  }
  __libc_free(memory);
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Before main.
const bool libraries_found = [] {
  dl_iterate_phdr(FindLibrary, nullptr);
  return library_count > 0;
}();

void StartCounting() {
  ours = ours_bytes = 0;
  library_before = library_bytes.load();
  library_peak = library_bytes.load();
  counting = libraries_found;
}

AllocationCount StopCounting() {
  counting = false;
  return {ours, ours_bytes, library_peak - library_before, library_bytes - library_before};
}

}  // namespace weft

#define WEFT_CALLER __builtin_return_address(0)

extern "C" {
void* malloc(size_t bytes) { return weft::Allocate(bytes, WEFT_CALLER); }
void* calloc(size_t count, size_t bytes) {
  size_t all = 0;
  if (__builtin_mul_overflow(count, bytes, &all) || all + weft::kTail < all) return nullptr;
  return weft::Counted(__libc_calloc(1, all + weft::kTail), all, WEFT_CALLER);
}
void* realloc(void* memory, size_t bytes) {
  void* const fresh = weft::Allocate(bytes, WEFT_CALLER);
  if (fresh == nullptr || memory == nullptr) return fresh;
  const size_t had = malloc_usable_size(memory) - weft::kTail;
  __builtin_memcpy(fresh, memory, had < bytes ? had : bytes);
  weft::Free(memory);
  return fresh;
}
void free(void* memory) { weft::Free(memory); }
void* memalign(size_t alignment, size_t bytes) {
  return weft::AllocateAt(alignment, bytes, WEFT_CALLER);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  return weft::AllocateAt(alignment, bytes, WEFT_CALLER);
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  *memory = weft::AllocateAt(alignment, bytes, WEFT_CALLER);
  return *memory == nullptr ? ENOMEM : 0;
}
}

void* operator new(size_t bytes) { return weft::OrThrow(weft::Allocate(bytes, WEFT_CALLER)); }
void* operator new[](size_t bytes) { return weft::OrThrow(weft::Allocate(bytes, WEFT_CALLER)); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return weft::Allocate(bytes, WEFT_CALLER);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return weft::OrThrow(weft::AllocateAt(static_cast<size_t>(alignment), bytes, WEFT_CALLER));
}
void operator delete(void* memory) noexcept { weft::Free(memory); }
void operator delete[](void* memory) noexcept { weft::Free(memory); }
void operator delete(void* memory, size_t) noexcept { weft::Free(memory); }
void operator delete[](void* memory, size_t) noexcept { weft::Free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { weft::Free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { weft::Free(memory); }
