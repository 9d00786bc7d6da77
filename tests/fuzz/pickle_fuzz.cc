// A pickle and the state dict in it, without the archive around them. Every storage that it names
// is the same few bytes.
#include <array>

#include "frontend/weights/pickle.h"
#include "frontend/weights/state_dict.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr std::array<std::byte, 64> kStorage{};
  constexpr uint64_t kCopyLimit = 1 << 20;
  weft::ByteReader reader(weft::AsBytes(data, size));
  const auto pickle = weft::ParsePickle(reader);
  if (!pickle.ok()) return 0;
  const auto find = [](std::string_view) { return weft::SharedBytes{kStorage, nullptr}; };
  (void)weft::ReadStateDict(*pickle->root, find, kCopyLimit);
  return 0;
}
