#ifndef WEFT_FRONTEND_WEIGHTS_BYTE_READER_H_
#define WEFT_FRONTEND_WEIGHTS_BYTE_READER_H_

#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace weft {

// Reads little-endian numbers and stretches of bytes front to back, never beyond the end.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  // Where fewer bytes are left, nothing is read and the answer is null.
  std::optional<std::span<const std::byte>> Take(uint64_t n) {
    if (n > remaining()) return std::nullopt;
    position_ += n;
    return bytes_.subspan(position_ - n, n);
  }
  std::optional<std::string_view> TakeText(uint64_t n) {
    const auto bytes = Take(n);
    if (!bytes) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }
  template <typename T>
  std::optional<T> Read() {
    static_assert(std::endian::native == std::endian::little);
    const auto bytes = Take(sizeof(T));
    if (!bytes) return std::nullopt;
    T value;
    std::memcpy(&value, bytes->data(), sizeof value);
    return value;
  }
  // Up to the next '\n', which is read too but is not part of the line.
  std::optional<std::string_view> ReadLine() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                remaining());
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_BYTE_READER_H_
