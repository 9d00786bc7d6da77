#include <algorithm>
#include <cmath>

#include "frontend/onnx/conform/conform.h"

namespace weft {
namespace {

// Random results: so many standard errors may lie between the statistics of two draws.
constexpr double kMostStandardErrors = 6;

struct Statistics {
  double mean = 0, deviation = 0;
};

Statistics StatisticsOf(const Tensor& tensor) {
  const auto n = static_cast<double>(tensor.size());
  Statistics s;
  for (int64_t i = 0; i < tensor.size(); ++i) s.mean += tensor.At(i) / n;
  double squares = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    squares += (tensor.At(i) - s.mean) * (tensor.At(i) - s.mean);
  }
  s.deviation = std::sqrt(squares / n);
  return s;
}

bool Close(double expected, double got, const ConformOptions& o) {
  if (expected == got || (std::isnan(expected) && std::isnan(got))) return true;
  if (!std::isfinite(expected) || !std::isfinite(got)) return false;
  return std::abs(got - expected) <= o.atol + o.rtol * std::abs(expected);
}

// Integers beyond 2^53 differ where doubles of them do not.
bool IsSameElement(const Tensor& a, const Tensor& b, int64_t i) {
  const size_t size = SizeOf(a.dtype()), at = static_cast<size_t>(i) * size;
  return std::equal(a.data() + at, a.data() + at + size, b.data() + at);
}

// Empty where the elements agree; otherwise the largest error and its place.
std::string Difference(const Tensor& expected, const Tensor& got, const ConformOptions& options) {
  const bool exact = !kRealTypes.contains(expected.dtype());
  // One unit in the last place is no error; of f16 it is less than what is allowed anyway.
  ConformOptions allowed = options;
  if (expected.dtype() == DType::kBF16) allowed.rtol = std::max(allowed.rtol, 0x1p-7);
  int64_t wrong = 0, worst = 0;
  double largest = -1;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double e = expected.At(i), g = got.At(i);
    if (exact ? IsSameElement(expected, got, i) : Close(e, g, allowed)) continue;
    ++wrong;
    const double error =
        std::isnan(e - g) ? std::numeric_limits<double>::infinity() : std::abs(e - g);
    if (error > largest) {
      largest = error;
      worst = i;
    }
  }
  if (wrong == 0) return "";
  return absl::StrCat(wrong, " of ", expected.size(), " elements differ, most by ", largest,
                      " at element ", worst, ": expected ", expected.At(worst), ", got ",
                      got.At(worst));
}

// The same for two draws of one distribution.
std::string DifferenceOfDraws(const Tensor& expected, const Tensor& got) {
  if (expected.size() == 0) return "";
  const Statistics e = StatisticsOf(expected), g = StatisticsOf(got);
  const double error = kMostStandardErrors * std::max(e.deviation, g.deviation) /
                       std::sqrt(static_cast<double>(expected.size()));
  const bool same =
      std::abs(e.mean - g.mean) <= error && std::abs(e.deviation - g.deviation) <= error;
  if (same) return "";
  return absl::StrCat("expected draws of mean ", e.mean, " and deviation ", e.deviation, ", got ",
                      g.mean, " and ", g.deviation);
}

}  // namespace

Comparison CompareOutputs(const std::vector<NamedTensor>& expected, const TensorMap& got,
                          const std::set<std::string>& random, const ConformOptions& options) {
  const auto fail = [](const std::string& output, const std::string& what) {
    return Comparison{ConformOutcome::kFail, absl::StrCat("output ", output, ": ", what)};
  };
  if (expected.size() != got.size()) {
    return {ConformOutcome::kFail,
            absl::StrCat("expected ", expected.size(), " outputs, got ", got.size())};
  }
  Comparison result;
  for (const NamedTensor& e : expected) {
    auto it = got.find(e.name);
    if (it == got.end()) return fail(e.name, "is missing");
    const Tensor& g = it->second;
    if (g.dtype() != e.tensor.dtype() || g.dims() != e.tensor.dims()) {
      return fail(e.name, absl::StrCat("expected ", ToString(e.tensor.type()), ", got ",
                                       ToString(g.type())));
    }
    const std::string difference = Difference(e.tensor, g, options);
    if (difference.empty()) continue;
    if (!random.contains(e.name)) return fail(e.name, difference);
    const std::string draws = DifferenceOfDraws(e.tensor, g);
    if (!draws.empty()) return fail(e.name, draws);
    result = {ConformOutcome::kRandom, "draws random numbers; their mean and deviation agree"};
  }
  return result;
}

}  // namespace weft
