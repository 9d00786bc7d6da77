#include "frontend/watch/log_table.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <limits>
#include <system_error>

#include "absl/strings/str_join.h"
#include "frontend/io/read_file.h"
#include "frontend/watch/write_text.h"

namespace weft {
namespace {

double CellNumber(std::string_view cell) {
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = error == std::errc() && end == cell.data() + cell.size() && !cell.empty();
  return whole ? value : std::numeric_limits<double>::quiet_NaN();
}

std::string CsvLine(std::span<const std::string> cells) {
  return absl::StrCat(absl::StrJoin(cells, ","), "\n");
}

absl::Status LogWriteFailure(const std::string& path, int error) {
  return absl::UnavailableError(
      absl::StrCat(path, ": cannot write: ", std::generic_category().message(error)));
}

// What a log keeps when it goes on.
absl::StatusOr<std::string> KeptLines(const std::string& path,
                                      const std::vector<std::string>& names, int64_t steps) {
  std::string text = CsvLine(names);
  std::error_code ignored;
  if (steps == 0 || !std::filesystem::exists(path, ignored)) return text;
  WEFT_ASSIGN_OR_RETURN(const NumberTable before, ReadNumberTable(path));
  if (before.columns != names) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": this log has other columns, it cannot go on; name another file for the log"));
  }
  const std::vector<double> step = before.Numbers(before.Column("step"));
  for (size_t i = 0; i < before.rows.size(); ++i) {
    if (step[i] <= static_cast<double>(steps)) absl::StrAppend(&text, CsvLine(before.rows[i]));
  }
  return text;
}

}  // namespace

int NumberTable::Column(std::string_view name) const {
  const auto it = std::find(columns.begin(), columns.end(), name);
  return it == columns.end() ? -1 : static_cast<int>(it - columns.begin());
}

std::vector<double> NumberTable::Numbers(int column) const {
  std::vector<double> numbers;
  for (const std::vector<std::string>& row : rows) {
    numbers.push_back(column < 0 ? std::numeric_limits<double>::quiet_NaN()
                                 : CellNumber(row[static_cast<size_t>(column)]));
  }
  return numbers;
}

absl::StatusOr<NumberTable> ReadNumberTable(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  WEFT_ASSIGN_OR_RETURN(CsvTable table, ParseCsv(text, path, CsvKind::kLog));
  return NumberTable{std::move(table)};
}

std::string NumberText(double value) {
  char text[32];
  const auto result = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, result.ptr);
}

absl::StatusOr<std::unique_ptr<LogTable>> LogTable::Open(const std::string& path,
                                                         std::vector<std::string> names,
                                                         int64_t steps) {
  WEFT_ASSIGN_OR_RETURN(const std::string text, KeptLines(path, names, steps));
  WEFT_RETURN_IF_ERROR(ReplaceByText(path, text));
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) return LogWriteFailure(path, errno);
  return std::unique_ptr<LogTable>(new LogTable(path, file));
}

absl::Status LogTable::Append(std::span<const std::string> cells) {
  const std::string line = CsvLine(cells);
  const bool written = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() &&
                       std::fflush(file_.get()) == 0;
  return written ? absl::OkStatus() : LogWriteFailure(path_, errno);
}

}  // namespace weft
