// Transforms and windows.

#include <algorithm>
#include <numbers>

#include "frontend/onnx/import/halves.h"
#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

// a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N) for n = 0 ... size - 1, with N = size, or size - 1
// where the window is not periodic.
std::vector<Value> Window(ImportContext& c, double a0, double a1, double a2) {
  const auto size = c.KnownInt(0, "size");
  const auto type = static_cast<int32_t>(c.Int("output_datatype", onnx::TensorProto::FLOAT));
  const std::optional<DType> dtype = ImportedDTypeOf(type);
  if (!dtype || !kNumericTypes.contains(*dtype)) {
    c.Unsupported(absl::StrCat("output_datatype ", OnnxTypeName(type), " is not supported"));
  }
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

}  // namespace

std::vector<OnnxOp> SignalImports() {
  return {{"BlackmanWindow", BlackmanWindow, {0}},
          {"DFT", Dft, {1, 2}},
          {"HammingWindow", HammingWindow, {0}},
          {"HannWindow", HannWindow, {0}},
          {"STFT", Stft, {1, 3}}};
}

}  // namespace weft
