#ifndef WEFT_FRONTEND_IO_TEXT_TABLE_H_
#define WEFT_FRONTEND_IO_TEXT_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace weft {

// Lines of cells in columns, two blanks apart, each as wide as its widest cell. `columns` has an
// 'l' or an 'r' for each: text that begins on the left, or numbers that end on the right. A line
// may have fewer cells.
std::string TextTable(std::string_view columns, const std::vector<std::vector<std::string>>& lines);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_TEXT_TABLE_H_
