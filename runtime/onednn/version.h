#ifndef WEFT_RUNTIME_ONEDNN_VERSION_H_
#define WEFT_RUNTIME_ONEDNN_VERSION_H_

#include <string>

namespace weft {

// The library's version and the instruction set that it generates code for, as text.
std::string DnnlVersion();

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_VERSION_H_
