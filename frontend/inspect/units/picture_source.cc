#include "frontend/inspect/units/picture_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "frontend/data/random.h"
#include "frontend/inspect/units/picture_losses.h"
#include "frontend/io/image.h"
#include "ops/ops.h"

namespace weft {
namespace {

constexpr float kPixelNoise = 0.05f;        // deviation of levels around 0.5
constexpr float kCoefficientNoise = 0.01f;  // as in Lucid
constexpr double kCoefficientScale = 0.25;  // as in Lucid

// Row i is wave i of an orthonormal basis of signals of n elements: a constant, then a cosine and a
// sine of each frequency; of an even n the last is +1, -1, +1, ...
std::vector<float> WaveBasis(int64_t n) {
  std::vector<float> basis;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t cycles = (i + 1) / 2;
    const bool alone = cycles == 0 || 2 * cycles == n;
    const double height = std::sqrt((alone ? 1.0 : 2.0) / static_cast<double>(n));
    for (int64_t at = 0; at < n; ++at) {
      const double angle =
          2 * std::numbers::pi * static_cast<double>(cycles * at % n) / static_cast<double>(n);
      basis.push_back(
          static_cast<float>(height * (i % 2 == 0 && !alone ? std::sin(angle) : std::cos(angle))));
    }
  }
  return basis;
}

double WaveFrequency(int64_t i, int64_t n) {
  return static_cast<double>((i + 1) / 2) / static_cast<double>(n);
}

// 1/f for every coefficient [W,H].
std::vector<float> WaveScales(int64_t height, int64_t width) {
  std::vector<float> scales;
  const double least = 1 / static_cast<double>(std::max(height, width));
  for (int64_t across = 0; across < width; ++across) {
    for (int64_t down = 0; down < height; ++down) {
      const double f = std::hypot(WaveFrequency(across, width), WaveFrequency(down, height));
      scales.push_back(static_cast<float>(kCoefficientScale / std::max(f, least)));
    }
  }
  return scales;
}

// [3,3,1,1] from independent channels to red, green and blue (columns are principal directions
// times their deviations, of ImageNet; Lucid's color_correlation_svd_sqrt over its longest column).
std::vector<float> ColorMixture(bool bgr) {
  constexpr std::array<std::array<double, 3>, 3> kRoot = {
      {{0.26, 0.09, 0.02}, {0.27, 0.00, -0.05}, {0.27, -0.09, 0.03}}};
  double longest = 0;
  for (size_t j = 0; j < 3; ++j) {
    longest = std::max(longest, std::hypot(kRoot[0][j], kRoot[1][j], kRoot[2][j]));
  }
  std::vector<float> mixture;
  for (size_t i = 0; i < 3; ++i) {
    for (const double entry : kRoot[bgr ? 2 - i : i]) {
      mixture.push_back(static_cast<float>(entry / longest));
    }
  }
  return mixture;
}

// A constant of f32; the first failure stays with the emitter.
Value NumbersAs(Emitter& e, Dims dims, std::span<const float> values) {
  absl::StatusOr<Tensor> tensor = Tensor::FromValues<float>(std::move(dims), values);
  return tensor.ok() ? e.Constant(*std::move(tensor)) : e.Fail(tensor.status());
}

// Levels [N,C,H,W] in (0,1) of coefficients [N,C,W,H].
Value LevelsOfWaves(Emitter& e, Value coefficients, const Preprocessing& p, bool decorrelate) {
  const int64_t h = p.height, w = p.width;
  Value x = e.Op("Mul", {coefficients, NumbersAs(e, {w, h}, WaveScales(h, w))});
  x = e.Op("MatMul", {x, NumbersAs(e, {h, h}, WaveBasis(h))});
  x = e.Op("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}});
  x = e.Op("MatMul", {x, NumbersAs(e, {w, w}, WaveBasis(w))});
  if (decorrelate && p.channels == 3) {
    const std::vector<float> mixture = ColorMixture(p.channel_order == "bgr");
    x = e.Op("Conv", {x, NumbersAs(e, {3, 3, 1, 1}, mixture)});
  }
  return e.Op("Sigmoid", {x});
}

Value NormalisedLevels(Emitter& e, Value levels, const Preprocessing& p) {
  const Value centered = e.Op("Sub", {levels, NumbersAs(e, {1, p.channels, 1, 1}, p.mean)});
  return e.Op("Div", {centered, NumbersAs(e, {1, p.channels, 1, 1}, p.std)});
}

// The names of the nodes of a source's graph that are read.
struct SourceGraph {
  Model model;
  std::vector<std::string> names;
};

absl::StatusOr<SourceGraph> MakeSourceGraph(const Preprocessing& p, const PictureSourceOptions& o) {
  SourceGraph source{Model(Graph(StandardOps())), {}};
  Graph& graph = source.model.graph;
  const bool pixels = o.parameters == PictureParameters::kPixels;
  const Shape shape = {Dim::Symbol("N"), p.channels, pixels ? p.height : p.width,
                       pixels ? p.width : p.height};
  WEFT_ASSIGN_OR_RETURN(const Value parameters, graph.AddInput("parameters", {DType::kF32, shape}));
  Emitter e(graph, "picture");
  const Value levels = pixels ? parameters : LevelsOfWaves(e, parameters, p, o.decorrelate);
  std::vector<Value> read = {NormalisedLevels(e, levels, p)};
  std::vector<Value> costs;
  if (o.decay > 0) {
    costs.push_back(e.Op("Mul", {MeanSquare(e, read[0]), e.Scalar(o.decay, DType::kF32)}));
  }
  if (o.total_variation > 0) {
    costs.push_back(
        e.Op("Mul", {TotalVariation(e, read[0]), e.Scalar(o.total_variation, DType::kF32)}));
  }
  if (!costs.empty()) {
    read.push_back(costs.size() == 1 ? costs[0] : e.Op("Add", {costs[0], costs[1]}));
  }
  WEFT_RETURN_IF_ERROR(e.status());
  for (const Value value : read) {
    source.names.push_back(value.node->name());
    WEFT_RETURN_IF_ERROR(graph.AddOutput(source.names.back(), value));
  }
  return source;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PictureSource>> PictureSource::Create(
    const Preprocessing& form, const PictureSourceOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckPreprocessing(form));
  if (!(options.decay >= 0) || !(options.total_variation >= 0) ||
      !std::isfinite(options.decay + options.total_variation)) {
    return absl::InvalidArgumentError(
        absl::StrCat("pictures: expected a decay and a total variation of 0 or more, got ",
                     options.decay, " and ", options.total_variation));
  }
  std::unique_ptr<PictureSource> source(new PictureSource());
  source->form_ = form;
  source->options_ = options;
  WEFT_ASSIGN_OR_RETURN(const SourceGraph graph, MakeSourceGraph(form, options));
  WEFT_ASSIGN_OR_RETURN(
      source->probe_, Probe::Create(graph.model, {.at = graph.names, .session = options.session}));
  return source;
}

absl::StatusOr<Tensor> PictureSource::Noise(int64_t count, uint64_t seed) const {
  Dims dims = {count, form_.channels, form_.height, form_.width};
  if (!is_pixels()) std::swap(dims[2], dims[3]);
  WEFT_ASSIGN_OR_RETURN(Tensor parameters, Tensor::Zeros(DType::kF32, dims));
  const std::span<float> all = parameters.mutable_values<float>();
  if (all.empty()) return parameters;
  RandomStream random(seed, RandomPurpose::kNoise, 0);
  const std::span<float> first = all.first(all.size() / static_cast<size_t>(count));
  for (float& value : first) {
    value = is_pixels() ? 0.5f + kPixelNoise * random.Bell() : kCoefficientNoise * random.Bell();
  }
  for (size_t i = first.size(); i < all.size(); i += first.size()) {
    std::ranges::copy(first, &all[i]);
  }
  return parameters;
}

absl::StatusOr<Tensor> PictureSource::ParametersOf(const Tensor& x) const {
  if (!is_pixels()) {
    return absl::InvalidArgumentError(
        "pictures: expected pixels as parameters where a picture is what is begun with");
  }
  const bool fits =
      !x.is_empty() && x.dtype() == DType::kF32 && x.rank() == 4 &&
      Dims(x.dims().begin() + 1, x.dims().end()) == Dims{form_.channels, form_.height, form_.width};
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat("pictures: expected f32[N,", form_.channels, ",",
                                                   form_.height, ",", form_.width, "], got ",
                                                   x.is_empty() ? "nothing" : ToString(x.type())));
  }
  Tensor levels = x;
  const auto area = static_cast<size_t>(form_.height * form_.width);
  const std::span<float> values = levels.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i / area % static_cast<size_t>(form_.channels);
    values[i] = values[i] * form_.std[c] + form_.mean[c];
  }
  Confine(levels);
  return levels;
}

absl::StatusOr<Tensor> PictureSource::Pictures(const Tensor& parameters) {
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> values, probe_->Values(parameters));
  return std::move(values[0]);
}

absl::StatusOr<Tensor> PictureSource::Backward(const Tensor& parameters, const Tensor& cotangent) {
  std::vector<Tensor> cotangents = {cotangent};
  if (options_.decay > 0 || options_.total_variation > 0) {
    const std::vector<float> less(static_cast<size_t>(cotangent.dims()[0]), -1.0f);
    WEFT_ASSIGN_OR_RETURN(cotangents.emplace_back(),
                          Tensor::FromValues<float>({cotangent.dims()[0], 1}, less));
  }
  WEFT_ASSIGN_OR_RETURN(Probe::Result result, probe_->Backward(parameters, cotangents));
  return std::move(result.gradients[0]);
}

void PictureSource::Confine(Tensor& parameters) const {
  if (!is_pixels()) return;
  for (float& level : parameters.mutable_values<float>()) level = std::clamp(level, 0.0f, 1.0f);
}

}  // namespace weft
