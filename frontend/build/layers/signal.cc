#include "frontend/build/layers/signal.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr int64_t kMostNumbers = int64_t{1} << 26;  // of a constant made here

// An error unless rows x columns numbers, each at least 1, are few enough for a constant.
bool ExpectConstant(Layer& layer, int64_t rows, int64_t columns) {
  if (layer.ok() && rows > kMostNumbers / columns) {
    layer.Fail(absl::InvalidArgumentError(absl::StrCat(
        "expected a constant of at most ", kMostNumbers, " elements, got ", rows, " x ", columns)));
  }
  return layer.ok();
}

// rows x columns, row-major.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<double> values = {};
};

template <typename F>
Matrix MakeMatrix(int64_t rows, int64_t columns, F element) {
  Matrix m{rows, columns};
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      m.values.push_back(element(static_cast<double>(r), static_cast<double>(c)));
    }
  }
  return m;
}

Value Constant(Layer& layer, std::string_view suffix, const Dims& dims,
               const std::vector<double>& values, DType dtype) {
  const auto tensor = Tensor::FromValues<double>(dims, values);
  if (!tensor.ok()) return layer.Fail(tensor.status());
  const auto converted = tensor->Converted(dtype);
  return converted.ok() ? layer.Constant(suffix, *converted) : layer.Fail(converted.status());
}

// Element k of row r: cos(pi k (2r + 1) / 2n), scaled so that the columns are orthonormal.
double Cosine(double r, double k, int64_t n) {
  const auto size = static_cast<double>(n);
  return std::sqrt((k == 0 ? 1 : 2) / size) * std::cos(kPi * k * (2 * r + 1) / (2 * size));
}

// DCT-II, or its inverse DCT-III.
Matrix DctMatrix(int64_t n, bool inverse, bool orthonormal) {
  return MakeMatrix(n, n, [&](double row, double column) {
    const double k = inverse ? column : row;
    const double unit = Cosine(inverse ? row : column, k, n);
    if (orthonormal) return unit;
    const double scale = std::sqrt((k == 0 ? 1 : 2) / static_cast<double>(n));
    return inverse ? unit * scale : unit / scale;
  });
}

// The sum of cos(2 pi f p / q) for f from 1 to `most`: Dirichlet's kernel. The numbers are whole.
double SumOfCosines(double p, double q, double most) {
  const double half = kPi * std::remainder(p, q) / q;  // half of the angle
  return half == 0 ? most : std::sin((2 * most + 1) * half) / (2 * std::sin(half)) - 0.5;
}

// n elements as `size`: to the first cosine coefficients and back, whose products of cosines are
// sums of them.
Matrix DctPoolMatrix(int64_t size, int64_t n) {
  const double to = static_cast<double>(size), from = static_cast<double>(n);
  return MakeMatrix(size, n, [&](double row, double column) {
    const double a = (2 * row + 1) * from, b = (2 * column + 1) * to, turn = 4 * to * from;
    return (1 + SumOfCosines(a - b, turn, to - 1) + SumOfCosines(a + b, turn, to - 1)) / from;
  });
}

// n elements as `size`: to the lowest frequencies and back. F_size^-1 crop F_n is real because the
// cropped spectrum keeps both signs of a frequency, or the mean of both for the highest.
Matrix DftPoolMatrix(int64_t size, int64_t n) {
  const double to = static_cast<double>(size), from = static_cast<double>(n);
  return MakeMatrix(size, n, [&](double row, double column) {
    const auto below_half = static_cast<double>((size - 1) / 2);  // frequencies with both signs
    double sum = 1 + 2 * SumOfCosines(row * from - column * to, to * from, below_half);
    if (size % 2 == 0) sum += std::cos(kPi * row) * std::cos(kPi * to * column / from);
    return sum / from;
  });
}

// `m` applied to the lines of x along its last axis but one.
Value ApplyToRows(Layer& layer, Value x, const Matrix& m) {
  const Value matrix = Constant(layer, "rows", {m.rows, m.columns}, m.values, x.type().dtype);
  return layer.Part("MatMul", {matrix, x});
}

// And along its last one; the layer's result.
Value ApplyToColumns(Layer& layer, Value x, const Matrix& m, bool result) {
  if (!layer.ok()) return {};
  const Matrix transposed = MakeMatrix(m.columns, m.rows, [&](double r, double c) {
    return m
        .values[static_cast<size_t>(c) * static_cast<size_t>(m.columns) + static_cast<size_t>(r)];
  });
  const Value matrix =
      Constant(layer, "columns", {m.columns, m.rows}, transposed.values, x.type().dtype);
  return result ? layer.Result("MatMul", {x, matrix}) : layer.Part("MatMul", {x, matrix});
}

Value Cosines(Layer& layer, Value x, const DctOptions& o, bool inverse) {
  if (!layer.ok()) return {};
  if (x.null()) return layer.Node({x});
  const int rank = x.type().rank();
  const auto axis = NormalizeAxis(o.axis, rank);
  if (!axis.ok()) return layer.Fail(axis.status());
  const int64_t n = layer.KnownExtent(x, *axis, "elements along the axis");
  if (!ExpectConstant(layer, n, n)) return {};
  const Matrix matrix = DctMatrix(n, inverse, o.orthonormal);
  if (*axis == rank - 1) return ApplyToColumns(layer, x, matrix, /*result=*/true);
  std::vector<int64_t> swapped(static_cast<size_t>(rank));
  std::iota(swapped.begin(), swapped.end(), 0);
  std::swap(swapped[static_cast<size_t>(*axis)], swapped.back());
  x = layer.Part("Transpose", {x}, {{"perm", swapped}});
  x = ApplyToColumns(layer, x, matrix, /*result=*/false);
  return layer.Result("Transpose", {x}, {{"perm", swapped}});
}

Value PoolInFrequency(Layer& layer, Value x, const Extent2& size,
                      Matrix (*matrix)(int64_t, int64_t)) {
  if (!layer.ExpectRank(x, 4, "[N,C,H,W]") || !layer.ExpectAtLeast("a size", size, 1)) return {};
  const int64_t height = layer.KnownExtent(x, 2, "rows");
  const int64_t width = layer.KnownExtent(x, 3, "columns");
  if (!layer.ok()) return {};
  if (size.height > height || size.width > width) {
    return layer.Fail(
        absl::InvalidArgumentError(absl::StrCat("expected a size of at most [", height, ",", width,
                                                "], got [", size.height, ",", size.width, "]")));
  }
  if (!ExpectConstant(layer, height, height) || !ExpectConstant(layer, width, width)) return {};
  const Value rows = ApplyToRows(layer, x, matrix(size.height, height));
  return ApplyToColumns(layer, rows, matrix(size.width, width), /*result=*/true);
}

Value Filter(Layer& layer, Value x, const std::vector<double>& taps, bool same) {
  if (!layer.ExpectRank(x, 3, "[N,C,L]")) return {};
  const int64_t channels = layer.KnownExtent(x, 1, "channels");
  const auto length = static_cast<int64_t>(taps.size());
  if (!layer.ExpectAtLeast("a number of taps", length, 1)) return {};
  if (!ExpectConstant(layer, channels, length)) return {};
  std::vector<double> weights;
  for (int64_t c = 0; c < channels; ++c) weights.insert(weights.end(), taps.begin(), taps.end());
  const Value kernel = Constant(layer, "taps", {channels, 1, length}, weights, x.type().dtype);
  const std::vector<int64_t> pads = {same ? (length - 1) / 2 : 0, same ? length / 2 : 0};
  return layer.Result("Conv", {x, kernel}, {{"group", channels}, {"pads", pads}});
}

}  // namespace

absl::StatusOr<std::vector<double>> WindowValues(const WindowOptions& o) {
  // The coefficients of cos(0), -cos(t) and cos(2t).
  std::array<double, 3> a = {1, 0, 0};
  if (o.kind == "hann") {
    a = {0.5, 0.5, 0};
  } else if (o.kind == "hamming") {
    a = {25.0 / 46, 21.0 / 46, 0};
  } else if (o.kind == "blackman") {
    a = {0.42, 0.5, 0.08};
  } else if (o.kind != "rectangular") {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a window hann, hamming, blackman or rectangular, got ", o.kind));
  }
  if (o.length < 1 || o.length > kMostNumbers) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a window of 1 to ", kMostNumbers, " elements, got ", o.length));
  }
  const auto period =
      static_cast<double>(std::max<int64_t>(o.periodic ? o.length : o.length - 1, 1));
  std::vector<double> values;
  for (int64_t i = 0; i < o.length; ++i) {
    const double t = 2 * kPi * static_cast<double>(i) / period;
    values.push_back(a[0] - a[1] * std::cos(t) + a[2] * std::cos(2 * t));
  }
  return values;
}

Value SignalLayers::Dft(Value x, const DftOptions& o, Where where) {
  Layer layer(builder(), "DFT", o.name, where);
  std::vector<Value> inputs = {x};
  if (o.length != 0) inputs.push_back(layer.Scalar(static_cast<double>(o.length), DType::kI64));
  return layer.Node(std::move(inputs), {{"axis", o.axis}, {"onesided", o.onesided ? 1 : 0}});
}

// Onesided: the bins that are not there are the conjugates of those that are. Their part of a real
// signal is the same, so the others count twice and zeros stand for them.
Value SignalLayers::InverseDft(Value x, const DftOptions& o, Where where) {
  Layer layer(builder(), "DFT", o.name, where);
  if (!layer.ok()) return {};
  if (!o.onesided || x.null()) {
    std::vector<Value> inputs = {x};
    if (o.length != 0) inputs.push_back(layer.Scalar(static_cast<double>(o.length), DType::kI64));
    return layer.Node(std::move(inputs), {{"axis", o.axis}, {"inverse", 1}});
  }
  const auto axis = NormalizeAxis(o.axis, x.type().rank());
  if (!axis.ok()) return layer.Fail(axis.status());
  const int64_t bins = layer.KnownExtent(x, *axis, "bins");
  if (!ExpectConstant(layer, 1, std::max<int64_t>(bins, 1))) return {};
  const int64_t length = o.length != 0 ? o.length : std::max<int64_t>(1, 2 * (bins - 1));
  if (length / 2 + 1 != bins) {
    return layer.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected a length of ", 2 * (bins - 1), " or ", 2 * bins - 1, " for ", bins,
                     " bins, got ", length)));
  }
  std::vector<double> counts(static_cast<size_t>(bins), 2);
  counts.front() = 1;
  if (length % 2 == 0) counts.back() = 1;
  Dims dims(static_cast<size_t>(x.type().rank() - *axis), 1);
  dims[0] = bins;
  x = layer.Part("Mul", {x, Constant(layer, "counts", dims, counts, x.type().dtype)});
  x = layer.Part("DFT", {x, layer.Scalar(static_cast<double>(length), DType::kI64)},
                 {{"axis", *axis}, {"inverse", 1}});
  return layer.Result("Gather", {x, layer.Ints({0})}, {{"axis", -1}});
}

Value SignalLayers::Window(const WindowOptions& o, Where where) {
  Layer layer(builder(), kConstant, o.name, where);
  const auto values = WindowValues(o);
  if (!values.ok()) return layer.Fail(values.status());
  const auto tensor = Tensor::FromValues<double>({o.length}, *values);
  const auto converted = tensor.ok() ? tensor->Converted(layer.dtype()) : tensor;
  if (!converted.ok()) return layer.Fail(converted.status());
  return layer.Node({}, {{"value", *converted}});
}

Value SignalLayers::Stft(Value x, const StftOptions& o, Where where) {
  Layer layer(builder(), "STFT", o.name, where);
  if (!layer.ok()) return {};
  if (x.null() || x.type().rank() < 2 || x.type().rank() > 3) {
    layer.ExpectRank(x, 2, "[N,L]");
    return {};
  }
  const int64_t step = o.frame_step == 0 ? std::max<int64_t>(1, o.frame_length / 4) : o.frame_step;
  const int64_t length = layer.KnownExtent(x, 1, "samples");
  layer.ExpectAtLeast("a frame_length", o.frame_length, 1);
  layer.ExpectAtLeast("a frame_step", step, 1);
  layer.ExpectAtLeast("samples for a whole frame", length, o.frame_length);
  const auto window = WindowValues({.kind = o.window, .length = o.frame_length});
  if (!layer.ok()) return {};
  if (!window.ok()) return layer.Fail(window.status());
  const int64_t frames = (length - o.frame_length) / step + 1;
  if (!ExpectConstant(layer, frames, o.frame_length)) return {};
  std::vector<int64_t> places;  // [frames, frame_length]
  for (int64_t i = 0; i < frames * o.frame_length; ++i) {
    places.push_back(i / o.frame_length * step + i % o.frame_length);
  }
  const auto indices = Tensor::FromValues<int64_t>({frames, o.frame_length}, places);
  if (!indices.ok()) return layer.Fail(indices.status());
  if (x.type().rank() == 2) x = layer.Part("Reshape", {x, layer.Ints({0, 0, 1})});
  x = layer.Part("Gather", {x, layer.Constant("frames", *indices)}, {{"axis", 1}});
  if (o.window != "rectangular" && layer.ok()) {
    const Value values = Constant(layer, "window", {o.frame_length, 1}, *window, x.type().dtype);
    x = layer.Part("Mul", {x, values});
  }
  return layer.Result("DFT", {x}, {{"axis", 2}, {"onesided", o.onesided ? 1 : 0}});
}

Value SignalLayers::Dct(Value x, const DctOptions& o, Where where) {
  Layer layer(builder(), "DCT", o.name, where);
  return Cosines(layer, x, o, /*inverse=*/false);
}

Value SignalLayers::InverseDct(Value x, const DctOptions& o, Where where) {
  Layer layer(builder(), "DCT", o.name, where);
  return Cosines(layer, x, o, /*inverse=*/true);
}

Value SignalLayers::SpectralPool2d(Value x, const SpectralPoolOptions& o, Where where) {
  Layer layer(builder(), "SpectralPool", o.name, where);
  return PoolInFrequency(layer, x, o.size, DftPoolMatrix);
}

Value SignalLayers::DctPool2d(Value x, const SpectralPoolOptions& o, Where where) {
  Layer layer(builder(), "DctPool", o.name, where);
  return PoolInFrequency(layer, x, o.size, DctPoolMatrix);
}

Value SignalLayers::Filter1d(Value x, const Filter1dOptions& o, Where where) {
  Layer layer(builder(), "Filter1d", o.name, where);
  return Filter(layer, x, o.taps, o.same);
}

Value SignalLayers::MovingMean1d(Value x, const MovingMean1dOptions& o, Where where) {
  Layer layer(builder(), "MovingMean1d", o.name, where);
  if (!layer.ExpectAtLeast("a window", o.length, 1)) return {};
  if (!ExpectConstant(layer, 1, o.length)) return {};
  const std::vector<double> taps(static_cast<size_t>(o.length),
                                 1.0 / static_cast<double>(o.length));
  return Filter(layer, x, taps, o.same);
}

}  // namespace weft
