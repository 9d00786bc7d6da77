#ifndef WEFT_FRONTEND_WATCH_WRITE_TEXT_H_
#define WEFT_FRONTEND_WATCH_WRITE_TEXT_H_

#include <span>
#include <string>
#include <string_view>

#include "graph/file/file_system.h"

namespace weft {

// Replaces a file by the text, as a whole or not at all: see WriteAtomically.
inline absl::Status ReplaceByText(const std::string& path, std::string_view text) {
  return WriteAtomically(PosixFileSystem(), path, [&](WritableFile& file) {
    return file.Append(std::as_bytes(std::span(text)));
  });
}

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_WRITE_TEXT_H_
