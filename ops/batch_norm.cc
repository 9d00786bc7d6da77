#include "ops/batch_norm.h"

#include <cmath>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/window.h"

namespace weft {
namespace {

bool IsTraining(const AttributeMap& attributes) {
  return GetString(attributes, "mode") == "training";
}

// [N,C,...] as `batch` times `channels` runs of `inner` elements.
struct Layout {
  int64_t batch = 0;
  int64_t channels = 0;
  int64_t inner = 1;

  explicit Layout(std::span<const int64_t> dims) : batch(dims[0]), channels(dims[1]) {
    for (int64_t extent : dims.subspan(2)) inner *= extent;
  }
  int64_t count() const { return batch * inner; }  // values per channel
  // Calls f(offset) for each element of a channel.
  template <typename F>
  void ForEach(int64_t channel, F f) const {
    for (int64_t n = 0; n < batch; ++n) {
      const int64_t first = (n * channels + channel) * inner;
      for (int64_t i = first; i < first + inner; ++i) f(i);
    }
  }
};

absl::Status CheckCount(const AttributeMap& attributes, std::span<const int64_t> dims) {
  const int64_t count = Layout(dims).count();
  if (count > 1 || (count == 1 && !IsUnbiased(attributes))) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "expected more than ", IsUnbiased(attributes) ? 1 : 0, " values per channel for training",
      IsUnbiased(attributes) ? " with unbiased running_variance" : "", ", X is ", ToString(dims),
      " and has ", count));
}

absl::Status CheckParameters(const InferContext& c, std::initializer_list<std::string_view> names,
                             const Dim& channels, int first) {
  for (const std::string_view name : names) {
    WEFT_RETURN_IF_ERROR(CheckShape(name, {channels}, c.type(first++).shape));
  }
  return absl::OkStatus();
}

absl::Status CheckInput(const TensorType& x) {
  if (x.rank() >= 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected an input [N,C,...], got ", ToString(x)));
}

absl::StatusOr<std::vector<TensorType>> InferBatchNorm(const InferContext& c) {
  const TensorType& x = c.type(bn::kX);
  WEFT_RETURN_IF_ERROR(CheckInput(x));
  WEFT_RETURN_IF_ERROR(CheckFinite(c.attributes(), "epsilon", 0));
  WEFT_RETURN_IF_ERROR(CheckFinite(c.attributes(), "momentum"));
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "mode", {"auto", "inference", "training"}));
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "running_variance", {"unbiased", "biased"}));
  WEFT_RETURN_IF_ERROR(
      CheckParameters(c, {"scale", "B", "input_mean", "input_var"}, x.dim(1), bn::kScale));
  if (!IsTraining(c.attributes())) {
    if (c.num_outputs() <= 1) return std::vector<TensorType>{x};
    return absl::InvalidArgumentError(absl::StrCat(
        "expected mode training for the statistics, which are outputs 1 to 4; mode is ",
        GetString(c.attributes(), "mode"), ", ", c.num_outputs(), " outputs"));
  }
  if (x.is_static()) {
    WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(x.shape));
    WEFT_RETURN_IF_ERROR(CheckCount(c.attributes(), dims));
  }
  std::vector<TensorType> types(5, {x.dtype, {x.dim(1)}});
  types[0] = x;
  return types;
}

struct Moments {
  double mean = 0;
  double var = 0;  // biased
};

// In two passes, so that a large mean does not swallow the variance.
template <typename T>
Moments MomentsOf(const Layout& layout, const T* x, int64_t channel) {
  Moments moments;
  const double count = static_cast<double>(layout.count());
  layout.ForEach(channel, [&](int64_t i) { moments.mean += x[i]; });
  moments.mean /= count;
  layout.ForEach(channel,
                 [&](int64_t i) { moments.var += (x[i] - moments.mean) * (x[i] - moments.mean); });
  moments.var /= count;
  return moments;
}

// Writes element `channel` of the statistics outputs that were asked for.
template <typename T>
void StoreMoments(const EvalContext& c, int64_t count, int64_t channel, const Moments& batch) {
  const size_t ch = static_cast<size_t>(channel);
  const double keep = GetFloat(c.attributes, "momentum");
  const double n = static_cast<double>(count);
  const double running_var = IsUnbiased(c.attributes) ? batch.var * n / (n - 1) : batch.var;
  const auto store = [&](int output, double value) {
    if (output >= static_cast<int>(c.outputs.size()) || !c.out(output).present) return;
    c.out(output).out<T>()[ch] = static_cast<T>(value);
  };
  store(bn::kRunningMean, c.in(bn::kMean).in<T>()[ch] * keep + batch.mean * (1 - keep));
  store(bn::kRunningVar, c.in(bn::kVar).in<T>()[ch] * keep + running_var * (1 - keep));
  store(bn::kBatchMean, batch.mean);
  store(bn::kBatchVar, batch.var);
}

template <typename T>
void Normalize(const EvalContext& c) {
  const Layout layout(c.in(bn::kX).dims);
  const bool training = IsTraining(c.attributes);
  const double epsilon = GetFloat(c.attributes, "epsilon");
  const T* x = c.in(bn::kX).in<T>().data();
  T* y = c.out().out<T>().data();
  for (int64_t channel = 0; channel < layout.channels; ++channel) {
    const size_t ch = static_cast<size_t>(channel);
    Moments moments;
    if (training) {
      moments = MomentsOf(layout, x, channel);
      StoreMoments<T>(c, layout.count(), channel, moments);
      // By the statistics that it hands on, so that whoever normalizes by them gets the same bits.
      moments = {static_cast<T>(moments.mean), static_cast<T>(moments.var)};
    } else {
      moments = {c.in(bn::kMean).in<T>()[ch], c.in(bn::kVar).in<T>()[ch]};
    }
    const double factor = c.in(bn::kScale).in<T>()[ch] / std::sqrt(moments.var + epsilon);
    const double bias = c.in(bn::kBias).in<T>()[ch];
    layout.ForEach(
        channel, [&](int64_t i) { y[i] = static_cast<T>((x[i] - moments.mean) * factor + bias); });
  }
}

absl::Status EvaluateBatchNorm(const EvalContext& c) {
  if (IsTraining(c.attributes)) {
    WEFT_RETURN_IF_ERROR(CheckCount(c.attributes, c.in(bn::kX).dims));
  }
  return VisitFloat(c.out().dtype, [&c](auto zero) { Normalize<decltype(zero)>(c); });
}

// With x^ = (X - mean) / sqrt(var + epsilon) over n values per channel (Ioffe and Szegedy 2015):
// dB = sum dY, dscale = sum dY x^, dX = scale / sqrt(var + epsilon) (dY - dB/n - x^ dscale/n).
template <typename T>
void NormalizeBack(const EvalContext& c) {
  const Layout layout(c.in(1).dims);
  const double epsilon = GetFloat(c.attributes, "epsilon");
  const double n = static_cast<double>(layout.count());
  const T* dy = c.in(0).in<T>().data();
  const T* x = c.in(1).in<T>().data();
  T* dx = c.out(0).out<T>().data();
  for (int64_t channel = 0; channel < layout.channels; ++channel) {
    const size_t ch = static_cast<size_t>(channel);
    const double mean = c.in(3).in<T>()[ch];
    const double rstd = 1 / std::sqrt(c.in(4).in<T>()[ch] + epsilon);
    double sum = 0, dot = 0;
    layout.ForEach(channel, [&](int64_t i) {
      sum += dy[i];
      dot += dy[i] * (x[i] - mean) * rstd;
    });
    const double factor = c.in(2).in<T>()[ch] * rstd;
    layout.ForEach(channel, [&](int64_t i) {
      dx[i] = static_cast<T>(factor * (dy[i] - sum / n - (x[i] - mean) * rstd * dot / n));
    });
    c.out(1).out<T>()[ch] = static_cast<T>(dot);
    c.out(2).out<T>()[ch] = static_cast<T>(sum);
  }
}

absl::Status EvaluateBatchNormGrad(const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&c](auto zero) { NormalizeBack<decltype(zero)>(c); });
}

absl::StatusOr<std::vector<TensorType>> InferBatchNormGrad(const InferContext& c) {
  const TensorType& x = c.type(1);
  WEFT_RETURN_IF_ERROR(CheckInput(x));
  WEFT_RETURN_IF_ERROR(CheckFinite(c.attributes(), "epsilon", 0));
  WEFT_RETURN_IF_ERROR(CheckShape("dY", x.shape, c.type(0).shape));
  WEFT_RETURN_IF_ERROR(CheckParameters(c, {"scale", "batch_mean", "batch_var"}, x.dim(1), 2));
  const TensorType per_channel = {x.dtype, {x.dim(1)}};
  return std::vector<TensorType>{x, per_channel, per_channel};
}

// Training: 1 for the mean, 3 for the variance, 3 to normalize; inference the last 3 only.
Cost BatchNormCost(const CostContext& c) {
  return {.flops = (IsTraining(c.attributes) ? 7.0 : 3.0) * static_cast<double>(c.OutputSize())};
}

// Y in X's memory, the running statistics in that of the old ones.
std::vector<Alias> BatchNormAliases(const Node& node) {
  std::vector<Alias> aliases = {{.output = 0, .input = bn::kX}};
  if (node.num_outputs() > bn::kRunningMean) {
    aliases.push_back({.output = bn::kRunningMean, .input = bn::kMean});
  }
  if (node.num_outputs() > bn::kRunningVar) {
    aliases.push_back({.output = bn::kRunningVar, .input = bn::kVar});
  }
  return aliases;
}

// 1 for dB, 4 for dscale, 6 for dX.
Cost BatchNormGradCost(const CostContext& c) {
  return {.flops = 11.0 * static_cast<double>(c.OutputSize())};
}

}  // namespace

std::vector<OpDef> BatchNormOps() {
  return {
      {.name = "BatchNormalization",
       .doc =
           "Y = (X - mean) / sqrt(var + epsilon) * scale + B per channel (axis 1), as ONNX's; in "
           "mode training with the batch's mean and biased variance, and running statistics "
           "input * momentum + batch * (1 - momentum), the variance unbiased as PyTorch's or "
           "biased as ONNX's. It normalizes by the statistics rounded to their type, as batch_mean "
           "and batch_var give them. Mode auto evaluates like inference until ForTraining or "
           "ForInference decides.",
       .inputs = {{"X"}, {"scale"}, {"B"}, {"input_mean"}, {"input_var"}},
       .outputs = {{"Y"},
                   {"running_mean", /*optional=*/true},
                   {"running_var", /*optional=*/true},
                   {"batch_mean", /*optional=*/true},
                   {"batch_var", /*optional=*/true}},
       .attributes = {{"epsilon", Attribute::Kind::kFloat, 1e-5},
                      {"momentum", Attribute::Kind::kFloat, 0.9},
                      {"mode", Attribute::Kind::kString, "auto"},
                      {"running_variance", Attribute::Kind::kString, "unbiased"}},
       .infer = InferBatchNorm,
       .gradient = BatchNormGradient,
       .evaluate = EvaluateBatchNorm,
       .cost = BatchNormCost,
       .aliases = BatchNormAliases},
      {.name = "BatchNormalizationGrad",
       .doc = "The gradients of BatchNormalization in mode training with respect to X, scale and "
              "B, for the cotangent dY of Y and the batch's mean and biased variance.",
       .inputs = {{"dY"}, {"X"}, {"scale"}, {"batch_mean"}, {"batch_var"}},
       .outputs = {{"dX"}, {"dscale"}, {"dB"}},
       .attributes = {{"epsilon", Attribute::Kind::kFloat, 1e-5}},
       .infer = InferBatchNormGrad,
       .gradient = BatchNormGradGradient,
       .evaluate = EvaluateBatchNormGrad,
       .cost = BatchNormGradCost,
       .aliases = InPlace},
  };
}

}  // namespace weft
