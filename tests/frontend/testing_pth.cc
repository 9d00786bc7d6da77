#include "testing_pth.h"

#include <zlib.h>

namespace weft {
namespace pickle {

std::string Text(const std::string& text) {
  return "X" + Raw(static_cast<uint32_t>(text.size())) + text;
}

std::string Int(int32_t value) { return "J" + Raw(value); }

std::string Tuple(const std::vector<std::string>& items) {
  std::string bytes = "(";
  for (const std::string& item : items) bytes += item;
  return bytes + "t";
}

std::string Ints(const std::vector<int32_t>& values) {
  std::vector<std::string> items;
  for (int32_t value : values) items.push_back(Int(value));
  return Tuple(items);
}

std::string List(const std::vector<std::string>& items) {
  std::string bytes = "](";
  for (const std::string& item : items) bytes += item;
  return bytes + "e";
}

std::string Global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

std::string Call(const std::string& global, const std::vector<std::string>& arguments) {
  return global + Tuple(arguments) + "R";
}

namespace {
std::string SetItems(const std::vector<Item>& items) {
  std::string bytes = "(";
  for (const Item& item : items) bytes += Text(item.key) + item.value;
  return bytes + "u";
}
}  // namespace

std::string Dict(const std::vector<Item>& items) { return "}" + SetItems(items); }

std::string OrderedDict(const std::vector<Item>& items) {
  return Call(Global("collections", "OrderedDict"), {}) + SetItems(items);
}

std::string Storage(const std::string& type, const std::string& key, int32_t elements) {
  return Tuple({Text("storage"), Global("torch", type), Text(key), Text("cpu"), Int(elements)}) +
         "Q";
}

std::string Tensor(const std::string& storage, int32_t offset, const std::vector<int32_t>& dims,
                   const std::vector<int32_t>& strides) {
  return Call(Global("torch._utils", "_rebuild_tensor_v2"),
              {storage, Int(offset), Ints(dims), Ints(strides), False(), OrderedDict({})});
}

std::string Whole(const std::string& object) { return "\x80\x02" + object + "."; }

}  // namespace pickle

namespace {

constexpr size_t kLocalHeader = 30;
constexpr size_t kAlignment = 64;

std::string Deflated(const std::string& data) {
  std::string out(compressBound(data.size()) + 16, '\0');
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

uint32_t CrcOf(const std::string& data) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
}

// PyTorch's padding field: FB, its length, so many Z.
std::string ZipPadding(size_t data_at) {
  const size_t padding = (kAlignment - (data_at + 4) % kAlignment) % kAlignment;
  return "FB" + Raw(static_cast<uint16_t>(padding)) + std::string(padding, 'Z');
}

// Zip64's field of an entry; the directory's has the offset too.
std::string WideField(uint64_t size, uint64_t compressed, std::optional<uint64_t> offset = {}) {
  return Raw(uint16_t{1}) + Raw(static_cast<uint16_t>(offset ? 24 : 16)) + Raw(size) +
         Raw(compressed) + (offset ? Raw(*offset) : "");
}

std::string End64(uint64_t entries, uint64_t size, uint64_t offset) {
  return "PK\6\6" + Raw(uint64_t{44}) + Raw(uint16_t{30}) + Raw(uint16_t{45}) + Raw(uint32_t{0}) +
         Raw(uint32_t{0}) + Raw(entries) + Raw(entries) + Raw(size) + Raw(offset) + "PK\6\7" +
         Raw(uint32_t{0}) + Raw(offset + size) + Raw(uint32_t{1});
}

}  // namespace

std::string Zip(const std::vector<ZipFile>& files, bool zip64) {
  std::string archive, directory;
  for (const ZipFile& f : files) {
    const std::string data = f.deflate ? Deflated(f.data) : f.data;
    const std::string method = Raw(f.method.value_or(f.deflate ? 8 : 0));
    const std::string crc = Raw(f.crc.value_or(CrcOf(f.data)));
    const std::string sizes = f.wide
                                  ? std::string(8, '\xff')
                                  : Raw(f.compressed.value_or(static_cast<uint32_t>(data.size()))) +
                                        Raw(f.size.value_or(static_cast<uint32_t>(f.data.size())));
    const std::string start = Raw(uint16_t{20}) + Raw(f.flags) + method + Raw(uint32_t{0});
    const bool later = (f.flags & 8) != 0;
    const auto at = static_cast<uint32_t>(archive.size());
    std::string extra = f.wide ? WideField(f.data.size(), data.size()) : "";
    extra += ZipPadding(at + kLocalHeader + f.name.size() + extra.size());
    const std::string wide = f.wide ? WideField(f.data.size(), data.size(), at) : "";
    archive += "PK\3\4" + start + (later ? std::string(12, '\0') : crc + sizes) +
               Raw(static_cast<uint16_t>(f.name.size())) +
               Raw(static_cast<uint16_t>(extra.size())) + f.local_name.value_or(f.name) + extra +
               data;
    if (later) archive += "PK\7\10" + crc + sizes;
    directory += "PK\1\2" + Raw(uint16_t{20}) + start + crc + sizes +
                 Raw(static_cast<uint16_t>(f.name.size())) +
                 Raw(static_cast<uint16_t>(wide.size())) + std::string(10, '\0') +
                 (f.wide ? std::string(4, '\xff') : Raw(f.offset.value_or(at))) + f.name + wide;
  }
  const auto offset = static_cast<uint32_t>(archive.size());
  const auto size = static_cast<uint32_t>(directory.size());
  const auto entries = static_cast<uint16_t>(files.size());
  archive += directory;
  if (zip64) archive += End64(entries, size, offset);
  return archive + "PK\5\6" + Raw(uint32_t{0}) + Raw(entries) + Raw(entries) + Raw(size) +
         Raw(offset) + Raw(uint16_t{0});
}

std::string Pth(const std::string& object, const std::map<std::string, std::string>& storages,
                bool deflate) {
  std::vector<ZipFile> files = {{"archive/data.pkl", pickle::Whole(object), deflate},
                                {"archive/byteorder", "little"}};
  for (const auto& [key, data] : storages) files.push_back({"archive/data/" + key, data, deflate});
  files.push_back({"archive/version", "3\n"});
  for (ZipFile& file : files) file.flags = 0x808;
  return Zip(files, /*zip64=*/true);
}

std::string LegacyPth(const std::string& object, const std::vector<LegacyStorage>& storages,
                      bool little_endian) {
  const std::string magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  const std::string system = pickle::Dict({{"protocol_version", pickle::Int(1001)},
                                           {"little_endian", little_endian ? "\x88" : "\x89"}});
  std::string keys = "](", data;
  for (const LegacyStorage& s : storages) {
    keys += pickle::Text(s.key);
    data += Raw(s.elements) + s.data;
  }
  return magic + pickle::Whole(pickle::Int(1001)) + pickle::Whole(system) + pickle::Whole(object) +
         pickle::Whole(keys + "e") + data;
}

}  // namespace weft
