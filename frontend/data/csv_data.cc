#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "frontend/data/class_folders.h"
#include "frontend/data/csv.h"
#include "frontend/data/picture_files.h"
#include "frontend/data/split.h"
#include "frontend/data/tensor_data.h"
#include "frontend/io/read_file.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostCsvClasses = 100000;
constexpr std::string_view kSplitColumn = "split";

// What the columns are for, by index.
struct CsvRoles {
  std::optional<size_t> path, split;
  std::vector<size_t> labels = {}, features = {};
};

std::optional<size_t> FindColumn(const CsvTable& table, std::string_view name) {
  const auto it = std::ranges::find(table.columns, name);
  if (it == table.columns.end()) return std::nullopt;
  return static_cast<size_t>(it - table.columns.begin());
}

std::optional<size_t> FindFirstColumn(const CsvTable& table,
                                      std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const auto column = FindColumn(table, name)) return column;
  }
  return std::nullopt;
}

absl::StatusOr<size_t> NamedColumn(const CsvTable& table, std::string_view name) {
  if (const auto column = FindColumn(table, name)) return *column;
  return absl::NotFoundError(absl::StrCat("has no column \"", Absl(name), "\""));
}

// Separated by commas.
absl::StatusOr<std::vector<size_t>> NamedColumns(const CsvTable& table, const std::string& names) {
  std::vector<size_t> columns;
  for (const auto name : absl::StrSplit(names, ',', absl::SkipEmpty())) {
    WEFT_ASSIGN_OR_RETURN(const size_t column,
                          NamedColumn(table, std::string(absl::StripAsciiWhitespace(name))));
    columns.push_back(column);
  }
  return columns;
}

absl::StatusOr<CsvRoles> RolesOf(const CsvTable& table, const DataOptions& options) {
  CsvRoles roles = {.path = FindFirstColumn(table, {"path", "file", "filename", "image"}),
                    .split = FindColumn(table, kSplitColumn)};
  if (!options.path_column.empty()) {
    WEFT_ASSIGN_OR_RETURN(roles.path, NamedColumn(table, options.path_column));
  }
  WEFT_ASSIGN_OR_RETURN(roles.labels, NamedColumns(table, options.label_columns));
  WEFT_ASSIGN_OR_RETURN(roles.features, NamedColumns(table, options.feature_columns));
  const auto is_feature = [&](size_t i) { return std::ranges::count(roles.features, i) > 0; };
  const auto is_label = [&](size_t i) { return std::ranges::count(roles.labels, i) > 0; };
  if (roles.labels.empty()) {
    size_t last = table.columns.size() - 1;
    const auto is_taken = [&](size_t i) {
      return roles.split == i || roles.path == i || is_feature(i);
    };
    while (last > 0 && is_taken(last)) --last;
    roles.labels.push_back(FindFirstColumn(table, {"label", "class", "target"}).value_or(last));
    if (roles.labels[0] == last && is_taken(last)) {
      return absl::InvalidArgumentError(
          "expected a column of labels besides those of paths and features; --label-columns names "
          "them");
    }
  }
  for (const size_t i : roles.features) {
    if (roles.split != i && roles.path != i && !is_label(i)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "expected columns of features that are nothing else, got \"", table.columns[i], "\""));
  }
  const bool takes_rest = !roles.path && roles.features.empty();
  for (size_t i = 0; i < table.columns.size() && takes_rest; ++i) {
    if (roles.split != i && !is_label(i)) roles.features.push_back(i);
  }
  if (roles.path || !roles.features.empty()) return roles;
  return absl::InvalidArgumentError("expected columns of features or of paths besides the labels");
}

// One file's rows that belong together, with what their columns are.
struct CsvPart {
  std::string file;
  CsvTable table;
  CsvRoles roles;
  std::vector<int64_t> indices = {};  // of the rows in the file; none: these are all
};

absl::Status CsvCellError(const CsvPart& part, size_t row, size_t column,
                          std::string_view expected) {
  const int64_t index = part.indices.empty() ? static_cast<int64_t>(row) : part.indices[row];
  return absl::InvalidArgumentError(
      absl::StrCat(part.file, ": row ", index + 1, ", column ", part.table.columns[column],
                   ": expected ", Absl(expected), ", got \"", part.table.rows[row][column], "\""));
}

absl::StatusOr<float> CsvNumber(const CsvPart& part, size_t row, size_t column) {
  float value = 0;
  if (absl::SimpleAtof(part.table.rows[row][column], &value) && std::isfinite(value)) return value;
  return CsvCellError(part, row, column, "a number");
}

absl::StatusOr<Tensor> CsvMatrix(const CsvPart& part, const std::vector<size_t>& columns) {
  std::vector<float> values;
  for (size_t row = 0; row < part.table.rows.size(); ++row) {
    for (const size_t column : columns) {
      WEFT_ASSIGN_OR_RETURN(const float value, CsvNumber(part, row, column));
      values.push_back(value);
    }
  }
  const Dims dims = {static_cast<int64_t>(part.table.rows.size()),
                     static_cast<int64_t>(columns.size())};
  return Tensor::FromValues<float>(dims, values);
}

// What the training rows say of a single label column.
struct CsvClasses {
  bool targets = false;
  bool numbers = false;  // classes are the numbers that label them
  std::vector<std::string> names = {};
};

bool IsCsvClass(double value) {
  return value >= 0 && value < kMostCsvClasses && value == std::floor(value);
}

CsvClasses ClassesOfColumn(const CsvPart& part) {
  CsvClasses classes = {.numbers = true};
  const size_t column = part.roles.labels[0];
  int64_t most = 0;
  for (const auto& row : part.table.rows) {
    double value = 0;
    if (!absl::SimpleAtod(row[column], &value)) {
      classes.numbers = classes.targets = false;
      break;
    }
    if (IsCsvClass(value)) {
      most = std::max(most, static_cast<int64_t>(value));
    } else {
      classes.targets = true;
    }
  }
  if (classes.targets) return classes;
  if (classes.numbers) {
    for (int64_t c = 0; c <= most; ++c) classes.names.push_back(absl::StrCat(c));
    return classes;
  }
  for (const auto& row : part.table.rows) classes.names.push_back(row[column]);
  std::ranges::sort(classes.names);
  classes.names.erase(std::unique(classes.names.begin(), classes.names.end()), classes.names.end());
  return classes;
}

absl::StatusOr<std::vector<int64_t>> CsvLabels(const CsvPart& part, const CsvClasses& classes) {
  std::map<std::string, int64_t> indices;
  for (const std::string& name : classes.names) {
    indices.emplace(name, static_cast<int64_t>(indices.size()));
  }
  if (classes.numbers) {
    for (auto& [name, index] : indices) (void)absl::SimpleAtoi(name, &index);
  }
  std::vector<int64_t> labels;
  for (size_t row = 0; row < part.table.rows.size(); ++row) {
    std::string cell = part.table.rows[row][part.roles.labels[0]];
    if (cell.empty()) return CsvCellError(part, row, part.roles.labels[0], "a label");
    double value = 0;  // "3.0" is class 3
    if (classes.numbers && absl::SimpleAtod(cell, &value) && IsCsvClass(value)) {
      cell = absl::StrCat(static_cast<int64_t>(value));
    }
    const auto it = indices.find(cell);
    if (it == indices.end()) {
      return CsvCellError(part, row, part.roles.labels[0], "a class that training has");
    }
    labels.push_back(it->second);
  }
  return labels;
}

absl::StatusOr<CsvPart> ReadCsv(const std::string& file, const DataOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(file));
  CsvPart part = {.file = file, .table = {}, .roles = {}};
  WEFT_ASSIGN_OR_RETURN(
      part.table, ParseCsv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file));
  auto roles = RolesOf(part.table, options);
  if (!roles.ok()) return Annotate(roles.status(), file);
  part.roles = *std::move(roles);
  return part;
}

// Moved out of the part: tables are large.
CsvPart TakeCsvRows(CsvPart& part, const std::vector<int64_t>& indices) {
  CsvPart rows = {.file = part.file,
                  .table = {.columns = part.table.columns},
                  .roles = part.roles,
                  .indices = indices};
  for (const int64_t i : indices) {
    rows.table.rows.push_back(std::move(part.table.rows[static_cast<size_t>(i)]));
  }
  return rows;
}

// By the column "split".
absl::StatusOr<std::vector<int64_t>> RowsNamed(const CsvPart& part, Split split) {
  std::vector<int64_t> indices;
  for (size_t row = 0; row < part.table.rows.size(); ++row) {
    const std::string& cell = part.table.rows[row][*part.roles.split];
    const bool train = cell == "train";
    if (!train && cell != "val" && cell != "valid" && cell != "validation" && cell != "test") {
      return CsvCellError(part, row, *part.roles.split, "train, val or test");
    }
    if (train == (split == Split::kTrain)) indices.push_back(static_cast<int64_t>(row));
  }
  return indices;
}

// The training rows, and those of the split that was asked for.
struct CsvParts {
  CsvPart train;
  std::optional<CsvPart> held_out = {};  // none: the training rows were asked for
  const CsvPart& asked() const { return held_out ? *held_out : train; }
};

// The rows of one file, by its column "split" or by options.val_split.
absl::StatusOr<CsvParts> SplitCsv(CsvPart whole, bool named, Split split,
                                  const DataOptions& options) {
  std::vector<int64_t> train, test;
  if (named) {
    WEFT_ASSIGN_OR_RETURN(train, RowsNamed(whole, Split::kTrain));
    WEFT_ASSIGN_OR_RETURN(test, RowsNamed(whole, Split::kTest));
  } else {
    std::vector<int64_t> labels(whole.table.rows.size(), 0);
    const CsvClasses classes = ClassesOfColumn(whole);
    if (whole.roles.labels.size() == 1 && !classes.targets) {
      WEFT_ASSIGN_OR_RETURN(labels, CsvLabels(whole, classes));
    }
    WEFT_ASSIGN_OR_RETURN(train, SplitIndices(labels, Split::kTrain, options));
    WEFT_ASSIGN_OR_RETURN(test, SplitIndices(labels, Split::kTest, options));
  }
  CsvParts parts = {.train = TakeCsvRows(whole, train)};
  if (split == Split::kTest) parts.held_out = TakeCsvRows(whole, test);
  return parts;
}

absl::StatusOr<CsvParts> ReadParts(const std::string& path, Split split,
                                   const DataOptions& options) {
  std::error_code ignored;
  const bool folder = fs::is_directory(path, ignored);
  std::string held_out;
  for (const char* name : {"val.csv", "test.csv"}) {
    const fs::path file = fs::path(path) / name;
    if (folder && held_out.empty() && fs::exists(file, ignored)) held_out = file.string();
  }
  CsvParts parts;
  WEFT_ASSIGN_OR_RETURN(parts.train,
                        ReadCsv(folder ? (fs::path(path) / "train.csv").string() : path, options));
  const bool named = parts.train.roles.split.has_value() && held_out.empty();
  WEFT_RETURN_IF_ERROR(CheckSplit(path, named || !held_out.empty(), split, options));
  if (named || options.val_split > 0) {
    return SplitCsv(std::move(parts.train), named, split, options);
  }
  if (split == Split::kTrain) return parts;
  WEFT_ASSIGN_OR_RETURN(parts.held_out, ReadCsv(held_out, options));
  if (parts.held_out->table.columns == parts.train.table.columns) return parts;
  return absl::InvalidArgumentError(
      absl::StrCat(held_out, ": expected the columns of ", parts.train.file));
}

absl::StatusOr<std::shared_ptr<const Dataset>> CsvPictures(const std::string& path, Split split,
                                                           DatasetInfo info, const CsvParts& parts,
                                                           const Tensor& y,
                                                           const DataOptions& options) {
  const auto paths = [](const CsvPart& part) {
    std::vector<std::string> result;
    for (const auto& row : part.table.rows) {
      result.push_back((fs::path(part.file).parent_path() / row[*part.roles.path]).string());
    }
    return result;
  };
  WEFT_ASSIGN_OR_RETURN(info.preprocessing, PreprocessingOfPictures(paths(parts.train), options));
  PictureFiles files = {.pictures = paths(parts.asked())};
  if (y.dtype() == DType::kF32) {
    info.targets = true;
    info.label_dims = {y.dims()[1]};
    files.targets.assign(y.values<float>().begin(), y.values<float>().end());
  } else {
    files.labels.assign(y.values<int64_t>().begin(), y.values<int64_t>().end());
  }
  if (!parts.train.roles.features.empty()) {
    WEFT_ASSIGN_OR_RETURN(const Tensor x, CsvMatrix(parts.asked(), parts.train.roles.features));
    info.parts = {{.name = "image"}, {.name = "features", .dims = {x.dims()[1]}}};
    files.rest.assign(x.values<float>().begin(), x.values<float>().end());
  }
  const size_t all = files.pictures.size();
  WEFT_ASSIGN_OR_RETURN(files, ReadableFiles(std::move(files), options));
  info.name = SplitName("csv:" + path, split,
                        LeftOutNote(0, static_cast<int64_t>(all - files.pictures.size())));
  return MakePictureFiles(std::move(info), std::move(files));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> OpenCsv(const std::string& path, Split split,
                                                       const DataOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const CsvParts parts, ReadParts(path, split, options));
  DatasetInfo info = {.name = SplitName("csv:" + path, split)};
  const std::vector<size_t>& columns = parts.train.roles.labels;
  CsvClasses classes = {.targets = true};
  if (columns.size() == 1) {
    classes = ClassesOfColumn(parts.train);
  } else {
    for (const size_t column : columns) classes.names.push_back(parts.train.table.columns[column]);
  }
  info.class_names = classes.names;
  Tensor y;
  if (classes.targets) {
    WEFT_ASSIGN_OR_RETURN(y, CsvMatrix(parts.asked(), columns));
  } else {
    WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> labels, CsvLabels(parts.asked(), classes));
    y = Tensor::FromInts(labels);
  }
  if (parts.asked().table.rows.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(info.name, ": expected rows, there are none"));
  }
  if (parts.train.roles.path) return CsvPictures(path, split, std::move(info), parts, y, options);
  if (split == Split::kTest) {  // normalised as training is
    WEFT_ASSIGN_OR_RETURN(Tensor x, CsvMatrix(parts.train, parts.train.roles.features));
    WEFT_ASSIGN_OR_RETURN(Tensor none, Tensor::Zeros(DType::kI64, {x.dims()[0]}));
    WEFT_ASSIGN_OR_RETURN(const auto train,
                          MakeTensorDataset({.name = info.name}, {std::move(x), std::move(none)}));
    info.preprocessing = train->preprocessing();
  }
  WEFT_ASSIGN_OR_RETURN(Tensor x, CsvMatrix(parts.asked(), parts.train.roles.features));
  return MakeTensorDataset(std::move(info), {.x = std::move(x), .y = std::move(y)});
}

}  // namespace weft
