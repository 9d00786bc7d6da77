#ifndef WEFT_TESTS_FRONTEND_TESTING_PTH_H_
#define WEFT_TESTS_FRONTEND_TESTING_PTH_H_

// Zip archives, pickles and PyTorch's state dicts put together by hand, right or wrong.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weft {

// The bytes of a value, little-endian as in memory.
template <typename T>
std::string Raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
std::string RawValues(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Pickles: each function gives the opcodes that leave one object on the stack.
namespace pickle {

std::string Text(const std::string& text);
std::string Int(int32_t value);
inline std::string None() { return "N"; }
inline std::string False() { return "\x89"; }
std::string Tuple(const std::vector<std::string>& items);
std::string Ints(const std::vector<int32_t>& values);  // a tuple
std::string List(const std::vector<std::string>& items);
std::string Global(const std::string& module, const std::string& name);
std::string Call(const std::string& global, const std::vector<std::string>& arguments);
struct Item {
  std::string key, value;
};
std::string Dict(const std::vector<Item>& items);  // keys are texts
std::string OrderedDict(const std::vector<Item>& items);

// The persistent id of a storage: type is "FloatStorage".
std::string Storage(const std::string& type, const std::string& key, int32_t elements);
std::string Tensor(const std::string& storage, int32_t offset, const std::vector<int32_t>& dims,
                   const std::vector<int32_t>& strides);

// A whole pickle of the object.
std::string Whole(const std::string& object);

}  // namespace pickle

// A file in a zip archive, and the lies that its headers tell.
struct ZipFile {
  std::string name;
  std::string data{};
  bool deflate = false;
  std::optional<uint32_t> size{};           // in both headers
  std::optional<uint32_t> compressed{};     // likewise
  std::optional<uint32_t> crc{};            // likewise
  std::optional<uint32_t> offset{};         // in the directory
  std::optional<std::string> local_name{};  // as long as `name`
  uint16_t flags = 0;
  std::optional<uint16_t> method{};
  bool wide = false;  // sizes and offset in zip64 fields
};
// With data aligned to 64 bytes by a padding field, as PyTorch does it. Flag 8 puts sizes and CRC
// behind the data; zip64 adds zip64's end records.
std::string Zip(const std::vector<ZipFile>& files, bool zip64 = false);

// What torch.save writes for the object of these opcodes; storages by key.
std::string Pth(const std::string& object, const std::map<std::string, std::string>& storages,
                bool deflate = false);
// The older format; a storage is its number of elements and their bytes.
struct LegacyStorage {
  std::string key;
  uint64_t elements = 0;
  std::string data;
};
std::string LegacyPth(const std::string& object, const std::vector<LegacyStorage>& storages,
                      bool little_endian = true);

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_PTH_H_
