#ifndef WEFT_FRONTEND_DATA_CSV_H_
#define WEFT_FRONTEND_DATA_CSV_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"

namespace weft {

// A table of text: the names of the columns, and rows that have a cell for each.
struct CsvTable {
  std::vector<std::string> columns = {};
  std::vector<std::vector<std::string>> rows = {};
};

// Of a log, whose writer may have been killed or be still at it, rows that have no end of line or
// another number of cells are left out, and so are blanks around cells; there may be no rows.
enum class CsvKind { kTable, kLog };
// Parses comma-separated values with a header (RFC 4180): cells in quotes may hold commas, line
// ends and quotes written twice; empty lines are passed over. Errors name the line: a row of
// another number of cells, a quote that does not end, no header, a column twice.
absl::StatusOr<CsvTable> ParseCsv(std::string_view text, const std::string& name,
                                  CsvKind kind = CsvKind::kTable);

// A data set of a CSV file. Examples are the images that a column of paths names, relative to the
// file (options.path_column), or the other columns (options.feature_columns) as numbers,
// f32[columns]; or both, where there are paths and options.feature_columns: the parts "image" and
// "features", these as they are. One label column has classes: names, sorted, or whole numbers from
// 0 to 99999, which are their own indices; or, where one is another number, numbers to be given
// (DatasetInfo::targets). Several have a number each and are targets, such as 0 and 1 for each of
// several classes, which the columns name. A folder has train.csv and val.csv (or test.csv); in a
// single file a column "split" says train, val or test, or options.val_split of it is held out.
// Errors name row and column: no finite number, no label, a class that training lacks, a column
// that is not there, one that is for two things; and those of MakePictureFiles, MakeTensorDataset
// and CheckSplit.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenCsv(const std::string& path, Split split,
                                                       const DataOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_CSV_H_
