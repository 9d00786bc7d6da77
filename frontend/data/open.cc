#include "frontend/data/open.h"

#include <charconv>
#include <string>

#include "frontend/data/digits.h"
#include "frontend/data/mnist.h"

namespace weft {
namespace {

absl::StatusOr<std::shared_ptr<const Dataset>> OpenDigits(std::string_view size, Split split) {
  int64_t n = 0;
  const char* end = size.data() + size.size();
  const auto [stop, error] = std::from_chars(size.data(), end, n);
  if (error != std::errc() || stop != end || n < 1 || n > kMaxDigits) {
    return absl::InvalidArgumentError(absl::StrCat("data digits:N: expected N in [1,", kMaxDigits,
                                                   "], got \"", Absl(size), "\""));
  }
  return MakeDigits(split, split == Split::kTrain ? n : (n + 4) / 5);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataset(std::string_view spec, Split split) {
  const size_t colon = spec.find(':');
  const std::string_view kind = spec.substr(0, colon);
  const bool has_argument = colon != std::string_view::npos;
  const std::string_view argument = has_argument ? spec.substr(colon + 1) : std::string_view();
  if (kind == "digits") {
    if (has_argument) return OpenDigits(argument, split);
    return MakeDigits(split, split == Split::kTrain ? kTrainDigits : kTestDigits);
  }
  if (kind == "mnist" && !argument.empty()) return OpenMnist(std::string(argument), split);
  return absl::InvalidArgumentError(
      absl::StrCat("data: expected digits, digits:N or mnist:DIR, got \"", Absl(spec), "\""));
}

}  // namespace weft
