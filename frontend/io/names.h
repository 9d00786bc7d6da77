#ifndef WEFT_FRONTEND_IO_NAMES_H_
#define WEFT_FRONTEND_IO_NAMES_H_

#include <span>
#include <string>
#include <string_view>

namespace weft {

// Of `candidates` the one that the fewest single-letter changes turn `name` into; empty where even
// that one is too different to be meant.
std::string_view NearestName(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_NAMES_H_
