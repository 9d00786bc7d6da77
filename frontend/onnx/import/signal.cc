// Transforms and windows.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "frontend/onnx/import/halves.h"
#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

// The numeric type that an attribute names; a failure where it names none.
std::optional<DType> OutputType(ImportContext& c) {
  const auto type = static_cast<int32_t>(c.Int("output_datatype", onnx::TensorProto::FLOAT));
  const std::optional<DType> dtype = ImportedDTypeOf(type);
  if (dtype && kNumericTypes.contains(*dtype)) return dtype;
  c.Unsupported(absl::StrCat("output_datatype ", OnnxTypeName(type), " is not supported"));
  return std::nullopt;
}

// a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N) for n = 0 ... size - 1, with N = size, or size - 1
// where the window is not periodic.
std::vector<Value> Window(ImportContext& c, double a0, double a1, double a2) {
  const auto size = c.KnownInt(0, "size");
  const std::optional<DType> dtype = OutputType(c);
  if (size && *size < 0) {
    c.Fail(absl::InvalidArgumentError(absl::StrCat("expected a size of at least 0, got ", *size)));
  }
  if (!size || !c.ok()) return {};
  const auto samples = static_cast<double>(*size);
  // A window of one sample has no ends to fall off to.
  if (*size == 1 && c.Int("periodic", 1) == 0) {
    return {c.Result("Cast", {c.Constant(Tensor::FromInts(std::vector<int64_t>{1}))},
                     {{"to", *dtype}})};
  }
  const double period = c.Int("periodic", 1) != 0 ? samples : samples - 1;
  const Value n = c.Op("Range", {c.Scalar(0, DType::kF64), c.Scalar(samples, DType::kF64),
                                 c.Scalar(1, DType::kF64)});
  const auto cosine = [&](double turns, double factor) {
    const Value angle =
        c.Op("Mul", {n, c.Scalar(turns * 2 * std::numbers::pi / period, DType::kF64)});
    return c.Op("Mul", {c.Op("Cos", {angle}), c.Scalar(factor, DType::kF64)});
  };
  const Value one = c.Op("Sub", {c.Scalar(a0, DType::kF64), cosine(1, a1)});
  return {c.Result("Cast", {a2 == 0 ? one : c.Op("Add", {one, cosine(2, a2)})}, {{"to", *dtype}})};
}

std::vector<Value> HannWindow(ImportContext& c) { return Window(c, 0.5, 0.5, 0); }
std::vector<Value> HammingWindow(ImportContext& c) {
  return Window(c, 25.0 / 46.0, 1 - 25.0 / 46.0, 0);
}
std::vector<Value> BlackmanWindow(ImportContext& c) { return Window(c, 0.42, 0.5, 0.08); }

// The index of every sample of every frame is a constant of the graph.
constexpr int64_t kMostPlaces = int64_t{1} << 24;

// Overlapping frames of a signal [N,length,1 or 2], each times the window, transformed: [N,frames,
// bins,2].
std::vector<Value> Stft(ImportContext& c) {
  const Value signal = c.in(0), window = c.in(2);
  const auto step = c.KnownInt(1, "frame_step"), given = c.KnownInt(3, "frame_length");
  if (!c.ok() || !step) return {};
  const TensorType& type = c.TypeOf(signal);
  if (type.rank() != 3 || !type.dim(1).is_static() ||
      (window && (c.TypeOf(window).rank() != 1 || !c.TypeOf(window).dim(0).is_static()))) {
    c.Unsupported(absl::StrCat("a signal ", ToString(type),
                               ", which is no [N,length,1 or 2] of "
                               "known length, or a window that is none, is not supported"));
    return {};
  }
  const int64_t length = type.dim(1).coefficient();
  const int64_t frame = given ? *given : window ? c.TypeOf(window).dim(0).coefficient() : length;
  if (*step < 1 || frame < 1 || frame > length) {
    c.Fail(
        absl::InvalidArgumentError(absl::StrCat("expected a step of at least 1 and a frame of 1 "
                                                "to ",
                                                length, " samples, got ", *step, " and ", frame)));
    return {};
  }
  const int64_t frames = (length - frame) / *step + 1;
  const auto bytes = static_cast<double>(frames) * static_cast<double>(frame) * sizeof(int64_t);
  if (frames > kMostPlaces / frame || !c.budget().Spend(0, bytes)) {
    c.Unsupported(absl::StrCat(frames, " frames of ", frame, " samples are not supported"));
    return {};
  }
  std::vector<int64_t> places;
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t i = 0; i < frame; ++i) places.push_back(f * *step + i);
  }
  const auto indices = Tensor::FromValues<int64_t>({frames, frame}, places);
  if (!indices.ok()) c.Fail(indices.status());
  Value y = c.ok() ? c.Op("Gather", {signal, c.Constant(*indices)}, {{"axis", 1}}) : Value();
  if (window) y = c.Op("Mul", {y, c.Op("Unsqueeze", {window, c.Ints({1})})});
  return {c.Result("DFT", {y}, {{"axis", 2}, {"onesided", c.Int("onesided", 1)}})};
}

// Since opset 20 the axis is an operand, -2 where it is absent.
std::vector<Value> Dft(ImportContext& c) {
  if (c.opset() < 20) return ImportSame(c);
  const int64_t axis = c.KnownInt(2, "axis").value_or(-2);
  return ImportOp(c, {.op = "DFT", .inputs = {c.in(0), c.in(1)}, .attributes = {{"axis", axis}}});
}

// Bands of the mel scale, 2595 log10(1 + hertz / 700), as ONNX's function has them.
struct MelBands {
  int64_t bands, dft_length, sample_rate;
  double lower, upper;  // hertz

  int64_t bins() const { return dft_length / 2 + 1; }
  // The ends of the bands, which overlap by half, in bins of the spectrum: band i rises from [i] to
  // [i+1] and falls to [i+2]. Those far above the spectrum are as good as the farthest that i64
  // and f64 both count exactly.
  std::vector<int64_t> Ends() const {
    const double low = 2595 * std::log10(1 + lower / 700),
                 high = 2595 * std::log10(1 + upper / 700);
    const double step = (high - low) / static_cast<double>(bands + 2);
    std::vector<int64_t> ends;
    for (int64_t i = 0; i < bands + 2; ++i) {
      const double hertz = 700 * (std::pow(10, (low + static_cast<double>(i) * step) / 2595) - 1);
      const double bin = std::floor(static_cast<double>(dft_length + 1) * hertz /
                                    static_cast<double>(sample_rate));
      ends.push_back(static_cast<int64_t>(std::min(bin, 0x1p52)));
    }
    return ends;
  }
  // The weights [bins,bands].
  std::vector<double> Weights() const {
    const std::vector<int64_t> ends = Ends();
    std::vector<double> weights(static_cast<size_t>(bins() * bands));
    for (int64_t i = 0; i < bands; ++i) {
      const int64_t from = ends[static_cast<size_t>(i)], top = ends[static_cast<size_t>(i) + 1];
      const int64_t to = ends[static_cast<size_t>(i) + 2];
      for (int64_t bin = from; bin <= std::min(std::max(top, to - 1), bins() - 1); ++bin) {
        const double part =
            bin < top   ? static_cast<double>(bin - from) / static_cast<double>(top - from)
            : bin > top ? static_cast<double>(to - bin) / static_cast<double>(to - top)
                        : 1;
        weights[static_cast<size_t>(bin * bands + i)] = part;
      }
    }
    return weights;
  }
};

std::vector<Value> MelWeightMatrix(ImportContext& c) {
  const auto bands = c.KnownInt(0, "num_mel_bins"), length = c.KnownInt(1, "dft_length"),
             rate = c.KnownInt(2, "sample_rate");
  const auto lower = c.KnownNumber(3, "lower_edge_hertz"),
             upper = c.KnownNumber(4, "upper_edge_hertz");
  const std::optional<DType> dtype = OutputType(c);
  if (!c.ok() || !bands || !length || !rate || !lower || !upper) return {};
  const bool edges = *lower >= 0 && *lower <= *upper && std::isfinite(*upper);
  if (*bands < 1 || *length < 1 || *rate < 1 || !edges) {
    return {c.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected at least 1 band, sample and hertz, and edges from 0 up, got ",
                     *bands, ", ", *length, ", ", *rate, " and ", *lower, " to ", *upper)))};
  }
  const MelBands mel{*bands, *length, *rate, *lower, *upper};
  constexpr int64_t kMostWeights = int64_t{1} << 24;
  const bool few = mel.bins() <= kMostWeights / mel.bands;
  if (!few || !c.budget().Spend(0, 8.0 * static_cast<double>(mel.bins() * mel.bands))) {
    return {c.Unsupported("so large a matrix is not supported")};
  }
  const auto weights = Tensor::FromValues<double>({mel.bins(), mel.bands}, mel.Weights());
  if (!weights.ok()) return {c.Fail(weights.status())};
  return {c.Result("Cast", {c.Constant(*weights)}, {{"to", *dtype}})};
}

}  // namespace

std::vector<OnnxOp> SignalImports() {
  return {{"BlackmanWindow", BlackmanWindow, {0}},
          {"DFT", Dft, {1, 2}},
          {"HammingWindow", HammingWindow, {0}},
          {"HannWindow", HannWindow, {0}},
          {"MelWeightMatrix", MelWeightMatrix, {0, 1, 2, 3, 4}},
          {"STFT", Stft, {1, 3}}};
}

}  // namespace weft
