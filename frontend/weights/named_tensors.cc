#include "frontend/weights/named_tensors.h"

#include <cstring>

#include "absl/strings/escaping.h"

namespace weft {

absl::StatusOr<SharedBytes> Owned(SharedBytes data, size_t alignment) {
  const auto address = reinterpret_cast<uintptr_t>(data.bytes.data());
  if (data.owner != nullptr && address % alignment == 0) return data;
  const size_t size = data.bytes.size();
  std::shared_ptr<std::byte> copy = AllocateAligned(size);
  if (copy == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat("not enough memory for ", size, " bytes"));
  }
  if (size > 0) std::memcpy(copy.get(), data.bytes.data(), size);
  return SharedBytes{{copy.get(), size}, std::move(copy)};
}

std::string Printable(std::string_view name) {
  constexpr size_t kLongest = 200;
  const std::string_view start = name.substr(0, kLongest);
  return absl::StrCat(absl::Utf8SafeCHexEscape(Absl(start)),
                      start.size() < name.size() ? "..." : "");
}

}  // namespace weft
