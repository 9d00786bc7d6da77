#ifndef WEFT_GRAPH_NUMBER_TEXT_H_
#define WEFT_GRAPH_NUMBER_TEXT_H_

#include <cstdint>
#include <string>

namespace weft {

// 61706 as "61,706".
std::string WithCommas(int64_t value);
// "12 B", "1.5 KiB", "-3.0 MiB".
std::string BytesText(double bytes);

}  // namespace weft

#endif  // WEFT_GRAPH_NUMBER_TEXT_H_
