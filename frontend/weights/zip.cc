#include "frontend/weights/zip.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/weights/byte_reader.h"

namespace weft {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kDirectorySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr size_t kLocalHeaderBytes = 30;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64Bytes = 56;
constexpr size_t kLocator64Bytes = 20;
constexpr size_t kMaxCommentBytes = 65535;
constexpr uint16_t kIn64Short = 0xffff;  // "the zip64 field has the value"
constexpr uint32_t kIn64 = 0xffffffff;
constexpr uint16_t kZip64Field = 1;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

// General purpose flags. Those of compression options (1, 2) and UTF-8 names (11) need no care.
constexpr uint16_t kEncrypted = 1 << 0 | 1 << 6 | 1 << 13;
constexpr uint16_t kDescriptor = 1 << 3;  // sizes and CRC follow the data, too
constexpr uint16_t kPatched = 1 << 5;

// The most bytes that one deflated byte can become (zlib's technical notes).
constexpr uint64_t kMaxDeflateRatio = 1032;

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged zip archive: ", Absl(what)));
}

struct Directory {
  uint64_t entries = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
};

// What the two headers of an entry have in common.
struct ZipHeader {
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t compressed_size = 0;
  uint64_t size = 0;
  std::string_view name;
};

struct DirectoryEntry {
  ZipHeader header;
  uint64_t offset = 0;  // of the local header
};

// Takes the end record at `at`; false where there is none whose comment reaches the file's end.
bool IsEndRecord(std::span<const std::byte> bytes, size_t at) {
  ByteReader reader(bytes.subspan(at));
  if (reader.Read<uint32_t>() != kEndSignature) return false;
  reader.Take(16);
  const auto comment = reader.Read<uint16_t>();
  return comment && *comment == reader.remaining();
}

absl::StatusOr<size_t> FindEndRecord(std::span<const std::byte> bytes) {
  if (bytes.size() >= kEndBytes) {
    const size_t last = bytes.size() - kEndBytes;
    const size_t first = last - std::min(last, kMaxCommentBytes);
    for (size_t at = last + 1; at-- > first;) {
      if (IsEndRecord(bytes, at)) return at;
    }
  }
  return Damaged("it has no directory at its end (truncated?)");
}

// The zip64 end record that a locator before `end` points to, over `directory`; unchanged where
// there is no locator.
absl::Status ReadEnd64(std::span<const std::byte> bytes, size_t& end, Directory& directory) {
  if (end < kLocator64Bytes) return absl::OkStatus();
  ByteReader locator(bytes.subspan(end - kLocator64Bytes, kLocator64Bytes));
  if (locator.Read<uint32_t>() != kLocator64Signature) return absl::OkStatus();
  const uint32_t disk = *locator.Read<uint32_t>();
  const uint64_t offset = *locator.Read<uint64_t>();
  const uint32_t disks = *locator.Read<uint32_t>();
  if (disk != 0 || disks > 1) return absl::UnimplementedError("a zip archive of several disks");
  const size_t limit = end - kLocator64Bytes;
  if (offset > limit || limit - offset < kEnd64Bytes) return Damaged("its zip64 end is misplaced");
  ByteReader reader(bytes.subspan(offset, limit - offset));
  if (reader.Read<uint32_t>() != kEnd64Signature ||
      *reader.Read<uint64_t>() != limit - offset - 12) {
    return Damaged("its zip64 end record is not where the locator says");
  }
  reader.Take(4);  // versions
  const uint32_t this_disk = *reader.Read<uint32_t>();
  const uint32_t first_disk = *reader.Read<uint32_t>();
  const uint64_t here = *reader.Read<uint64_t>();
  const Directory wide = {*reader.Read<uint64_t>(), 0, *reader.Read<uint64_t>()};
  const uint64_t start = *reader.Read<uint64_t>();
  if (this_disk != 0 || first_disk != 0 || here != wide.entries) {
    return absl::UnimplementedError("a zip archive of several disks");
  }
  if ((directory.entries != kIn64Short && directory.entries != wide.entries) ||
      (directory.size != kIn64 && directory.size != wide.size) ||
      (directory.offset != kIn64 && directory.offset != start)) {
    return Damaged("its zip64 end record contradicts its end record");
  }
  directory = {wide.entries, start, wide.size};
  end = offset;
  return absl::OkStatus();
}

absl::StatusOr<Directory> FindDirectory(std::span<const std::byte> bytes) {
  WEFT_ASSIGN_OR_RETURN(size_t end, FindEndRecord(bytes));
  ByteReader reader(bytes.subspan(end + sizeof kEndSignature));
  const uint16_t disk = *reader.Read<uint16_t>();
  const uint16_t first_disk = *reader.Read<uint16_t>();
  const uint16_t here = *reader.Read<uint16_t>();
  const uint16_t entries = *reader.Read<uint16_t>();
  const uint32_t size = *reader.Read<uint32_t>();
  const uint32_t offset = *reader.Read<uint32_t>();
  if (disk != 0 || first_disk != 0 || here != entries) {
    return absl::UnimplementedError("a zip archive of several disks");
  }
  Directory directory = {entries, offset, size};
  WEFT_RETURN_IF_ERROR(ReadEnd64(bytes, end, directory));
  if (directory.offset > end || directory.size != end - directory.offset) {
    return Damaged(absl::StrFormat("its directory of %d bytes at %d does not end at %d",
                                   directory.size, directory.offset, end));
  }
  return directory;
}

// Replaces the values that are all ones by those of the zip64 field among `extra`, in its order.
absl::Status ReadExtra64(std::span<const std::byte> extra, std::span<uint64_t* const> values) {
  const bool needed = std::any_of(values.begin(), values.end(),
                                  [](const uint64_t* value) { return *value == kIn64; });
  if (!needed) return absl::OkStatus();
  ByteReader reader(extra);
  while (reader.remaining() > 0) {
    const auto id = reader.Read<uint16_t>();
    const auto length = reader.Read<uint16_t>();
    const auto field = length ? reader.Take(*length) : std::nullopt;
    if (!field) break;
    if (id != kZip64Field) continue;
    ByteReader field_reader(*field);
    for (uint64_t* value : values) {
      if (*value != kIn64) continue;
      const auto wide = field_reader.Read<uint64_t>();
      if (!wide) return Damaged("a zip64 field is too short");
      *value = *wide;
    }
    return absl::OkStatus();
  }
  return Damaged("a zip64 field is missing");
}

absl::Status CheckSupported(const ZipHeader& h) {
  const auto refuse = [&](const std::string& what) {
    return absl::UnimplementedError(absl::StrCat(Printable(h.name), " in the zip archive ", what));
  };
  if ((h.flags & kEncrypted) != 0) return refuse("is encrypted");
  if ((h.flags & kPatched) != 0) return refuse("is a patch");
  if (h.method != kStored && h.method != kDeflated) {
    return refuse(absl::StrCat("is compressed by method ", h.method,
                               ", expected stored (0) or deflated (8)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<DirectoryEntry> ReadDirectoryEntry(ByteReader& reader) {
  constexpr size_t kFixedBytes = 46;
  const auto fixed = reader.Take(kFixedBytes);
  if (!fixed) return Damaged("its directory ends within an entry");
  ByteReader r(*fixed);
  if (r.Read<uint32_t>() != kDirectorySignature)
    return Damaged("a directory entry has no signature");
  r.Take(4);  // versions
  DirectoryEntry entry;
  ZipHeader& h = entry.header;
  h.flags = *r.Read<uint16_t>();
  h.method = *r.Read<uint16_t>();
  r.Take(4);  // time and date
  h.crc = *r.Read<uint32_t>();
  h.compressed_size = *r.Read<uint32_t>();
  h.size = *r.Read<uint32_t>();
  const uint16_t name_bytes = *r.Read<uint16_t>();
  const uint16_t extra_bytes = *r.Read<uint16_t>();
  const uint16_t comment_bytes = *r.Read<uint16_t>();
  const uint16_t disk = *r.Read<uint16_t>();
  r.Take(6);  // attributes
  entry.offset = *r.Read<uint32_t>();
  const auto name = reader.TakeText(name_bytes);
  const auto extra = reader.Take(extra_bytes);
  if (!name || !extra || !reader.Take(comment_bytes)) {
    return Damaged("its directory ends within an entry");
  }
  h.name = *name;
  if (disk != 0) return absl::UnimplementedError("a zip archive of several disks");
  uint64_t* const values[] = {&h.size, &h.compressed_size, &entry.offset};
  WEFT_RETURN_IF_ERROR(ReadExtra64(*extra, values));
  WEFT_RETURN_IF_ERROR(CheckSupported(h));
  if (h.method == kStored && h.size != h.compressed_size) {
    return Damaged(absl::StrCat(Printable(h.name), " is stored with two sizes"));
  }
  if (h.method == kDeflated && h.size / kMaxDeflateRatio > h.compressed_size) {
    return Damaged(absl::StrFormat("%s claims to inflate from %d to %d bytes", Printable(h.name),
                                   h.compressed_size, h.size));
  }
  return entry;
}

// Where the entry's data begin, after a local header that agrees with the directory's.
absl::StatusOr<uint64_t> ReadLocalHeader(std::span<const std::byte> before_directory,
                                         const DirectoryEntry& entry) {
  const ZipHeader& h = entry.header;
  const auto contradicts = [&] {
    return Damaged(
        absl::StrCat("the local header of ", Printable(h.name), " contradicts the directory"));
  };
  if (entry.offset > before_directory.size()) return contradicts();
  ByteReader reader(before_directory.subspan(entry.offset));
  const auto fixed = reader.Take(kLocalHeaderBytes);
  if (!fixed) return contradicts();
  ByteReader r(*fixed);
  if (r.Read<uint32_t>() != kLocalSignature) return contradicts();
  r.Take(2);  // version
  const uint16_t flags = *r.Read<uint16_t>();
  const uint16_t method = *r.Read<uint16_t>();
  r.Take(4);  // time and date
  const uint32_t crc = *r.Read<uint32_t>();
  uint64_t compressed_size = *r.Read<uint32_t>();
  uint64_t size = *r.Read<uint32_t>();
  const uint16_t name_bytes = *r.Read<uint16_t>();
  const uint16_t extra_bytes = *r.Read<uint16_t>();
  const auto name = reader.TakeText(name_bytes);
  const auto extra = reader.Take(extra_bytes);
  if (!name || !extra || *name != h.name || flags != h.flags || method != h.method) {
    return contradicts();
  }
  const bool later = (flags & kDescriptor) != 0 && crc == 0 && compressed_size == 0 && size == 0;
  if (!later) {
    uint64_t* const values[] = {&size, &compressed_size};
    WEFT_RETURN_IF_ERROR(ReadExtra64(*extra, values));
    if (crc != h.crc || compressed_size != h.compressed_size || size != h.size) {
      return contradicts();
    }
  }
  if (h.compressed_size > reader.remaining()) {
    return Damaged(absl::StrFormat("%s needs %d bytes, there are %d", Printable(h.name),
                                   h.compressed_size, reader.remaining()));
  }
  return entry.offset + reader.position();
}

// The bytes of the archive that an entry takes.
struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
};

absl::Status CheckApart(std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin < extents[i - 1].end) {
      return Damaged(absl::StrFormat("two entries overlap at byte %d", extents[i].begin));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckInflatedTotal(const std::vector<ZipEntry>& entries, uint64_t archive_bytes) {
  const uint64_t limit =
      archive_bytes * ZipArchive::kMaxInflateRatio + ZipArchive::kMaxInflateSlack;
  uint64_t total =
      0;  // each size is at most 1032 times what lies apart in the archive: no overflow
  for (const ZipEntry& entry : entries) total += entry.deflated ? entry.size : 0;
  if (total <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrFormat("a zip bomb? %d bytes of archive would inflate to %d, the limit is %d",
                      archive_bytes, total, limit));
}

// All of `data`, raw deflate, into `out`, which it must fill exactly.
absl::Status Inflate(std::span<const std::byte> data, std::span<std::byte> out) {
  constexpr size_t kMaxStep = size_t{1} << 30;  // zlib counts in 32 bits
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return absl::ResourceExhaustedError("zlib could not start");
  }
  int code = Z_OK;
  std::byte surplus{};  // zlib wants room, if only to find that there is no more
  while (code == Z_OK) {
    const std::span<std::byte> room = out.empty() ? std::span(&surplus, 1) : out;
    const size_t in_step = std::min(data.size(), kMaxStep);
    const size_t out_step = std::min(room.size(), kMaxStep);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
    stream.avail_in = static_cast<uInt>(in_step);
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(out_step);
    code = inflate(&stream, Z_NO_FLUSH);
    data = data.subspan(in_step - stream.avail_in);
    const size_t produced = out_step - stream.avail_out;
    if (out.empty() && produced > 0) code = Z_BUF_ERROR;
    out = out.subspan(std::min(produced, out.size()));
  }
  inflateEnd(&stream);
  if (code == Z_STREAM_END && data.empty() && out.empty()) return absl::OkStatus();
  return Damaged("its deflated data do not give the bytes that the directory says");
}

}  // namespace

absl::StatusOr<ZipArchive> ZipArchive::Open(SharedBytes archive) {
  const std::span<const std::byte> bytes = archive.bytes;
  WEFT_ASSIGN_OR_RETURN(const Directory directory, FindDirectory(bytes));
  ByteReader reader(bytes.subspan(directory.offset, directory.size));
  const std::span<const std::byte> before = bytes.first(directory.offset);
  ZipArchive zip;
  zip.archive_ = archive;
  std::vector<Extent> extents;
  while (reader.remaining() > 0) {
    WEFT_ASSIGN_OR_RETURN(const DirectoryEntry entry, ReadDirectoryEntry(reader));
    const ZipHeader& h = entry.header;
    WEFT_ASSIGN_OR_RETURN(const uint64_t start, ReadLocalHeader(before, entry));
    extents.push_back({entry.offset, start + h.compressed_size});
    zip.entries_.push_back({std::string(h.name), h.method == kDeflated, h.crc, h.size,
                            bytes.subspan(start, h.compressed_size)});
  }
  if (zip.entries_.size() != directory.entries) {
    return Damaged(absl::StrFormat("its directory has %d entries, expected %d", zip.entries_.size(),
                                   directory.entries));
  }
  WEFT_RETURN_IF_ERROR(CheckApart(std::move(extents)));
  WEFT_RETURN_IF_ERROR(CheckInflatedTotal(zip.entries_, bytes.size()));
  const auto by_name = [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; };
  std::sort(zip.entries_.begin(), zip.entries_.end(), by_name);
  const auto twice =
      std::adjacent_find(zip.entries_.begin(), zip.entries_.end(),
                         [](const ZipEntry& a, const ZipEntry& b) { return a.name == b.name; });
  if (twice != zip.entries_.end()) {
    return Damaged(absl::StrCat("the name ", Printable(twice->name), " comes twice"));
  }
  return zip;
}

const ZipEntry* ZipArchive::Find(std::string_view name) const {
  const auto it = std::lower_bound(
      entries_.begin(), entries_.end(), name,
      [](const ZipEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return it != entries_.end() && it->name == name ? &*it : nullptr;
}

absl::StatusOr<SharedBytes> ZipArchive::Read(const ZipEntry& entry) const {
  SharedBytes result = {entry.data, archive_.owner};
  if (entry.deflated) {
    std::shared_ptr<std::byte> inflated = AllocateAligned(entry.size);
    if (inflated == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: not enough memory for %d bytes", Printable(entry.name), entry.size));
    }
    const absl::Status status = Inflate(entry.data, {inflated.get(), entry.size});
    if (!status.ok()) return Annotate(status, Printable(entry.name));
    result = {{inflated.get(), entry.size}, inflated};
  }
  const auto crc = static_cast<uint32_t>(
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(result.bytes.data()),
              result.bytes.size()));
  if (crc != entry.crc) {
    return absl::DataLossError(absl::StrFormat("%s: checksum of its bytes is %08x, expected %08x",
                                               Printable(entry.name), crc, entry.crc));
  }
  return result;
}

}  // namespace weft
