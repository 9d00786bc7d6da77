#include "frontend/data/csv.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"

namespace weft {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view text, CsvKind kind) : rest_(text), is_log_(kind == CsvKind::kLog) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);  // a byte-order mark
  }

  absl::StatusOr<CsvTable> Parse() {
    CsvTable table;
    while (!rest_.empty()) {
      const int64_t line = line_;
      WEFT_ASSIGN_OR_RETURN(std::vector<std::string> row, Row());
      if (row.size() == 1 && row[0].empty()) continue;
      if (is_log_) Strip(row);
      if (is_log_ && !has_end_) continue;
      if (table.columns.empty()) {
        WEFT_RETURN_IF_ERROR(CheckHeader(line, row));
        table.columns = std::move(row);
        continue;
      }
      if (row.size() != table.columns.size()) {
        if (is_log_) continue;
        return absl::InvalidArgumentError(absl::StrCat(
            "line ", line, ": expected ", table.columns.size(), " cells, got ", row.size()));
      }
      table.rows.push_back(std::move(row));
    }
    if (is_log_ ? table.columns.empty() : table.rows.empty()) {
      return absl::InvalidArgumentError("expected a line of column names and lines of values");
    }
    return table;
  }

 private:
  static void Strip(std::vector<std::string>& row) {
    for (std::string& cell : row) absl::StripAsciiWhitespace(&cell);
  }

  static absl::Status CheckHeader(int64_t line, const std::vector<std::string>& columns) {
    std::set<std::string_view> names;
    for (const std::string& column : columns) {
      if (names.insert(column).second) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", line, ": expected columns of different names, \"", column, "\" is there twice"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> Row() {
    std::vector<std::string> cells;
    for (;;) {
      WEFT_ASSIGN_OR_RETURN(std::string cell, Cell());
      cells.push_back(std::move(cell));
      if (!rest_.empty() && rest_[0] == ',') {
        rest_.remove_prefix(1);
        continue;
      }
      if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
      has_end_ = !rest_.empty();
      if (has_end_) rest_.remove_prefix(1);
      ++line_;
      return cells;
    }
  }

  absl::StatusOr<std::string> Cell() {
    if (rest_.empty() || rest_[0] != '"') {
      const size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
      std::string_view cell = rest_.substr(0, end);
      rest_.remove_prefix(end);
      if (cell.ends_with('\r')) cell.remove_suffix(1);
      return std::string(cell);
    }
    const int64_t line = line_;
    std::string cell;
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_[0] == '"') {
        rest_.remove_prefix(1);
        if (rest_.empty() || rest_[0] != '"') return AfterQuotes(line, std::move(cell));
      }
      line_ += rest_[0] == '\n';
      cell += rest_[0];
    }
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line, ": a cell in quotes does not end"));
  }

  absl::StatusOr<std::string> AfterQuotes(int64_t line, std::string cell) const {
    if (rest_.empty() || rest_[0] == ',' || rest_[0] == '\n' || rest_.starts_with("\r\n")) {
      return cell;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line, ": expected a comma after a cell in quotes"));
  }

  std::string_view rest_;
  bool is_log_;
  bool has_end_ = false;  // the last row
  int64_t line_ = 1;
};

}  // namespace

absl::StatusOr<CsvTable> ParseCsv(std::string_view text, const std::string& name, CsvKind kind) {
  absl::StatusOr<CsvTable> table = CsvParser(text, kind).Parse();
  if (!table.ok()) return Annotate(table.status(), name);
  return table;
}

}  // namespace weft
