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

absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataFor(const Model& model,
                                                           const std::string& data, Split split,
                                                           std::shared_ptr<const Dataset> opened,
                                                           const DataOptions& data_options) {
  std::shared_ptr<const Dataset> dataset = std::move(opened);
  if (const auto size = SyntheticSize(data)) {
    WEFT_ASSIGN_OR_RETURN(SyntheticOptions options, SyntheticFor(model));
    if (!size->empty() && !absl::SimpleAtoi(std::string(*size), &options.size)) {
      return absl::InvalidArgumentError(
          absl::StrCat("data synthetic:N: expected a number, got \"", Absl(*size), "\""));
    }
    if (split == Split::kTest) options.size = (options.size + 4) / 5;
    WEFT_ASSIGN_OR_RETURN(dataset, MakeSynthetic(split, options));
  } else if (dataset == nullptr) {
    WEFT_ASSIGN_OR_RETURN(dataset, OpenDataset(data, split, data_options));
  }
  if (!model.preprocessing || !dataset->is_images()) return dataset;
  if (SyntheticSize(data) && !dataset->label_dims().empty()) return dataset;
  return FitDataset(std::move(dataset), *model.preprocessing);
}

}  // namespace weft
