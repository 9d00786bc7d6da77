#ifndef WEFT_FRONTEND_WATCH_LOG_TABLE_H_
#define WEFT_FRONTEND_WATCH_LOG_TABLE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/csv.h"
#include "graph/status.h"

namespace weft {

// A table of a CSV file whose cells are numbers, words or nothing.
struct NumberTable : CsvTable {
  // Which column has the name; -1 for none.
  int Column(std::string_view name) const;
  // The numbers of a column; NaN where there is none.
  std::vector<double> Numbers(int column) const;
};
// The rows of a log (CsvKind::kLog). Errors name the path: those of ReadFile and ParseCsv.
absl::StatusOr<NumberTable> ReadNumberTable(const std::string& path);

// The shortest text that is the number again.
std::string NumberText(double value);

// A log that is written row by row; each row is in the file when Append returns.
class LogTable {
 public:
  // With `steps` 0 the file begins anew. Otherwise it goes on after so many steps: rows whose cell
  // in the column "step" is larger are removed, as they will come again. Errors name the path:
  // it cannot be written; a log that goes on with other columns.
  static absl::StatusOr<std::unique_ptr<LogTable>> Open(const std::string& path,
                                                        std::vector<std::string> names,
                                                        int64_t steps);
  // One cell a column. Errors: the disk is full or gone.
  absl::Status Append(std::span<const std::string> cells);

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  LogTable(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_LOG_TABLE_H_
