#ifndef WEFT_TESTS_FUZZ_BYTES_H_
#define WEFT_TESTS_FUZZ_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weft {

// libFuzzer's input as our readers take it.
inline std::span<const std::byte> AsBytes(const uint8_t* data, size_t size) {
  return std::as_bytes(std::span(data, size));
}
inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace weft

#endif  // WEFT_TESTS_FUZZ_BYTES_H_
