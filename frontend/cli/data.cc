#include "frontend/cli/data.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "frontend/data/fit.h"
#include "frontend/data/synthetic.h"

namespace weft {
namespace {

constexpr std::string_view kSynthetic = "synthetic";

// What comes after "synthetic" in a data specification: the number of examples, or nothing.
std::optional<std::string_view> SyntheticSize(std::string_view data) {
  if (!data.starts_with(kSynthetic)) return std::nullopt;
  data.remove_prefix(kSynthetic.size());
  if (data.empty()) return data;
  if (data[0] != ':') return std::nullopt;
  return data.substr(1);
}

}  // namespace

bool IsSynthetic(const std::string& data) { return SyntheticSize(data).has_value(); }

absl::StatusOr<DataSource> DataSourceFor(const Model& model, const Config& given) {
  DataSource source;
  if (model.training) WEFT_RETURN_IF_ERROR(ReadOptions(model.training->config, source));
  WEFT_RETURN_IF_ERROR(ReadOptions(given, source));
  return source;
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenSource(const Model& model,
                                                          const DataSource& source, Split split) {
  const auto size = SyntheticSize(source.data);
  if (!size) return OpenDataset(source.data, split, source.options);
  WEFT_ASSIGN_OR_RETURN(SyntheticOptions options, SyntheticFor(model));
  if (!size->empty() && !absl::SimpleAtoi(std::string(*size), &options.size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("data synthetic:N: expected a number, got \"", Absl(*size), "\""));
  }
  if (split == Split::kTest) options.size = (options.size + 4) / 5;
  return MakeSynthetic(split, options);
}

absl::StatusOr<std::shared_ptr<const Dataset>> FitToModel(std::shared_ptr<const Dataset> dataset,
                                                          const Model& model,
                                                          const DataSource& source) {
  if (!model.preprocessing || !dataset->is_images()) return dataset;
  if (IsSynthetic(source.data) && !dataset->label_dims().empty()) return dataset;
  return FitDataset(std::move(dataset), *model.preprocessing);
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataFor(const Model& model,
                                                           const DataSource& source, Split split) {
  WEFT_ASSIGN_OR_RETURN(auto dataset, OpenSource(model, source, split));
  return FitToModel(std::move(dataset), model, source);
}

}  // namespace weft
