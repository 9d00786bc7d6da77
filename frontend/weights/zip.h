#ifndef WEFT_FRONTEND_WEIGHTS_ZIP_H_
#define WEFT_FRONTEND_WEIGHTS_ZIP_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/weights/named_tensors.h"

namespace weft {

// A file in a zip archive.
struct ZipEntry {
  std::string name;
  bool deflated = false;            // else stored as it is
  uint32_t crc = 0;                 // of its bytes, inflated
  uint64_t size = 0;                // inflated
  std::span<const std::byte> data;  // in the archive: deflated, or the bytes themselves
};

// The files of a zip archive in memory (PKWARE's APPNOTE 6.3, zip64 too). Opening checks the whole
// directory: each entry lies in the archive and before the directory, none overlaps another, its
// local header agrees with the directory, no name comes twice, and what the deflated ones claim to
// be, together, is at most kMaxInflateRatio times the archive's size plus kMaxInflateSlack.
// Encrypted archives, those of several disks and other methods than stored and deflated are
// refused.
class ZipArchive {
 public:
  static constexpr uint64_t kMaxInflateRatio = 64;
  static constexpr uint64_t kMaxInflateSlack = uint64_t{16} << 20;

  // The views in it are as long-lived as `archive`'s bytes.
  static absl::StatusOr<ZipArchive> Open(SharedBytes archive);

  const std::vector<ZipEntry>& entries() const { return entries_; }  // by name
  const ZipEntry* Find(std::string_view name) const;                 // null when there is none

  // The bytes of one of the entries, their checksum verified: a view of the archive where they are
  // stored, else inflated. Errors name the entry: another checksum, damaged deflated data.
  absl::StatusOr<SharedBytes> Read(const ZipEntry& entry) const;

 private:
  SharedBytes archive_;
  std::vector<ZipEntry> entries_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_ZIP_H_
