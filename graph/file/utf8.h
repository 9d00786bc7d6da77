#ifndef WEFT_GRAPH_FILE_UTF8_H_
#define WEFT_GRAPH_FILE_UTF8_H_

#include <string_view>

namespace weft {

// Whether a file of ours can keep the text. As RFC 3629: no overlong forms, no surrogates, nothing
// above U+10FFFF.
bool IsUtf8(std::string_view s);

}  // namespace weft

#endif  // WEFT_GRAPH_FILE_UTF8_H_
