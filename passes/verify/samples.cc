#include "passes/verify/samples.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/bind.h"
#include "graph/op.h"

namespace weft {
namespace {

constexpr int64_t kBatches[] = {2, 1, 3};
// Of what is no batch: sequences are short, images large enough for a network that halves them.
constexpr int64_t kSizes[] = {7, 32, 64, 224};

SymbolBindings BindingsOf(const Graph& graph, int64_t batch, int64_t size) {
  SymbolBindings bindings = BindAllSymbols(graph, size);
  for (const Node* input : graph.inputs()) {
    if (input->type().rank() == 0) continue;
    for (const std::string& symbol : input->type().dim(0).symbols()) bindings[symbol] = batch;
  }
  return bindings;
}

absl::StatusOr<SymbolBindings> FittingBindings(const Graph& graph, int64_t batch) {
  absl::Status first;
  for (const int64_t size : kSizes) {
    SymbolBindings bindings = BindingsOf(graph, batch, size);
    const absl::Status status = Bind(graph, bindings).status();
    if (status.ok()) return bindings;
    if (first.ok()) first = status;
  }
  return Annotate(first, "no size tried for a random sample fits the graph");
}

absl::StatusOr<Tensor> RandomTensor(const TensorType& type, std::mt19937& random) {
  WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(type.shape));
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(DType::kF64, std::move(dims)));
  const bool real = kRealTypes.contains(type.dtype);
  for (double& value : tensor.mutable_values<double>()) {
    const double uniform = random() / 4294967296.0;  // the same on every platform
    value = real ? 2 * uniform - 1 : std::floor(2 * uniform);
  }
  return tensor.Converted(type.dtype);
}

}  // namespace

absl::StatusOr<TensorMap> RandomSample(const Graph& graph, int64_t batch, uint32_t seed) {
  WEFT_ASSIGN_OR_RETURN(const SymbolBindings bindings, FittingBindings(graph, batch));
  std::mt19937 random(seed);
  TensorMap sample;
  for (const Node* input : graph.inputs()) {
    WEFT_ASSIGN_OR_RETURN(const Shape shape, Substitute(input->type().shape, bindings));
    WEFT_ASSIGN_OR_RETURN(sample[input->name()],
                          RandomTensor({input->type().dtype, shape}, random));
  }
  return sample;
}

absl::StatusOr<std::vector<TensorMap>> RandomSamples(const Graph& graph, int count) {
  if (count < 0) {
    return absl::InvalidArgumentError(absl::StrCat("expected 0 samples or more, got ", count));
  }
  std::vector<TensorMap> samples;
  for (int i = 0; i < count; ++i) {
    const int64_t batch = kBatches[static_cast<size_t>(i) % std::size(kBatches)];
    WEFT_ASSIGN_OR_RETURN(samples.emplace_back(),
                          RandomSample(graph, batch, static_cast<uint32_t>(i + 1)));
  }
  return samples;
}

double ErrorOf(const Tensor& expected, const Tensor& actual) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kSmall = 1e-3;
  if (expected.type() != actual.type()) return kInfinity;
  double largest = kSmall, difference = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double e = expected.At(i), a = actual.At(i);
    if (std::isfinite(e)) largest = std::max(largest, std::abs(e));
    if (e == a || (std::isnan(e) && std::isnan(a))) continue;
    if (!std::isfinite(e) || !std::isfinite(a)) return kInfinity;
    difference = std::max(difference, std::abs(e - a));
  }
  return difference / largest;
}

double ErrorOf(const TensorMap& expected, const TensorMap& actual) {
  double worst = expected.size() == actual.size() ? 0 : std::numeric_limits<double>::infinity();
  for (const auto& [name, tensor] : expected) {
    const auto it = actual.find(name);
    if (it == actual.end()) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, ErrorOf(tensor, it->second));
  }
  return worst;
}

}  // namespace weft
