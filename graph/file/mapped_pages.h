#ifndef WEFT_GRAPH_FILE_MAPPED_PAGES_H_
#define WEFT_GRAPH_FILE_MAPPED_PAGES_H_

#include <cstddef>
#include <span>

namespace weft {

// Of the files that MapFile and MapFileInside have mapped:

// Whether the bytes are part of a file that is mapped now.
bool IsMapped(std::span<const std::byte> bytes);
// Where they are, gives back the memory of their whole pages: they stay what they are, and are read
// from the file again when somebody looks. Other bytes keep theirs. Callable from several threads.
void ReleasePages(std::span<const std::byte> bytes);

}  // namespace weft

#endif  // WEFT_GRAPH_FILE_MAPPED_PAGES_H_
