#include "frontend/inspect/planes.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "frontend/inspect/map_picture.h"
#include "frontend/io/image.h"
#include "frontend/io/resample.h"
#include "frontend/session/session.h"
#include "graph/bind.h"

namespace weft {
namespace {

absl::Status CheckPlanes(const Tensor& x) {
  if (!x.is_empty() && x.dtype() == DType::kF32 && x.rank() == 4 && x.size() > 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("pictures: expected f32[N,C,H,W] with elements, got ",
                   x.is_empty() ? "nothing" : ToString(x.type())));
}

// Every row [from, inner] of `x` becomes [to, inner], as the axis says.
std::vector<float> MixAxis(std::span<const float> x, const ResampleAxis& axis, size_t from,
                           size_t inner) {
  const size_t to = axis.first.size(), rows = x.size() / (from * inner);
  std::vector<float> result(rows * to * inner, 0.0f);
  for (size_t at = 0; at < rows * to; ++at) {
    const size_t i = at % to;
    const float* source = &x[(at / to * from + axis.first[i]) * inner];
    float* target = &result[at * inner];
    for (size_t t = 0; t < axis.count[i]; ++t, source += inner) {
      const auto weight = static_cast<float>(axis.weights[i * axis.taps + t]);
      for (size_t k = 0; k < inner; ++k) target[k] += weight * source[k];
    }
  }
  return result;
}

absl::StatusOr<Tensor> MixPlanes(const Tensor& x, const ResampleAxis& down,
                                 const ResampleAxis& across) {
  Dims dims = x.dims();
  int64_t& rows = *(dims.end() - 2);
  int64_t& columns = dims.back();
  const auto height = static_cast<size_t>(rows), width = static_cast<size_t>(columns);
  std::vector<float> mixed = MixAxis(x.values<float>(), across, width, 1);
  mixed = MixAxis(mixed, down, height, across.first.size());
  rows = static_cast<int64_t>(down.first.size());
  columns = static_cast<int64_t>(across.first.size());
  return Tensor::FromValues<float>(std::move(dims), mixed);
}

ResampleAxis GaussianAxis(size_t size, double deviation) {
  const auto reach = std::min(size - 1, static_cast<size_t>(std::ceil(3 * deviation)));
  ResampleAxis axis{.taps = 2 * reach + 1};
  axis.weights.resize(size * axis.taps);
  for (size_t i = 0; i < size; ++i) {
    axis.first.push_back(i - std::min(i, reach));
    axis.count.push_back(std::min(size, i + reach + 1) - axis.first[i]);
    double sum = 0;
    const std::span<double> weights(&axis.weights[i * axis.taps], axis.count[i]);
    for (size_t t = 0; t < weights.size(); ++t) {
      const double away = (static_cast<double>(axis.first[i] + t) - static_cast<double>(i));
      sum += weights[t] = std::exp(-away * away / (2 * deviation * deviation));
    }
    for (double& w : weights) w /= sum;
  }
  return axis;
}

}  // namespace

absl::StatusOr<Preprocessing> PictureFormOf(const Model& model) {
  if (!model.preprocessing) {
    return absl::FailedPreconditionError(
        "the model does not say how pictures become its input (its preprocessing)");
  }
  WEFT_RETURN_IF_ERROR(CheckPreprocessing(*model.preprocessing));
  const Graph graph = WithoutLosses(model.graph);
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph));
  const TensorType& type = input->type();
  if (type.rank() == 4 && type.dim(1) == Dim(model.preprocessing->channels)) {
    return *model.preprocessing;
  }
  return absl::InvalidArgumentError(absl::StrCat("expected a model of pictures [N,",
                                                 model.preprocessing->channels, ",H,W], ",
                                                 input->Describe(), " is ", ToString(type)));
}

Preprocessing WithSize(Preprocessing form, int64_t height, int64_t width) {
  form.height = height;
  form.width = width;
  return form;
}

absl::StatusOr<Tensor> InputOfPicture(const Picture& picture, const Preprocessing& form) {
  const Preprocessing own = WithSize(form, picture.height, picture.width);
  WEFT_RETURN_IF_ERROR(CheckPreprocessing(own));
  WEFT_ASSIGN_OR_RETURN(
      Tensor x, Tensor::Zeros(DType::kF32, {1, own.channels, picture.height, picture.width}));
  const std::span<float> planes = x.mutable_values<float>();
  PictureToPlanes(picture, own, planes);
  Normalize(own, planes);
  return x;
}

absl::StatusOr<Picture> PictureAt(const Tensor& x, int64_t i, const Preprocessing& form) {
  WEFT_RETURN_IF_ERROR(CheckPlanes(x));
  const Dims& d = x.dims();
  if (i < 0 || i >= d[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("pictures: expected one of ", d[0], ", got number ", i));
  }
  const auto size = static_cast<size_t>(x.size() / d[0]);
  WEFT_ASSIGN_OR_RETURN(
      const Tensor one,
      Tensor::FromValues<float>({1, d[1], d[2], d[3]},
                                x.values<float>().subspan(static_cast<size_t>(i) * size, size)));
  return PictureOfInput(one, WithSize(form, d[2], d[3]));
}

absl::StatusOr<Tensor> ResizedPlanes(const Tensor& x, int64_t height, int64_t width) {
  if (x.is_empty() || x.dtype() != DType::kF32 || x.rank() < 2 || x.size() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("resize: expected f32[...,H,W] with elements, got ",
                     x.is_empty() ? "nothing" : ToString(x.type())));
  }
  if (height < 1 || width < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("resize: expected a size above 0, got ", height, "x", width));
  }
  const int64_t rows = *(x.dims().end() - 2), columns = x.dims().back();
  return MixPlanes(x, MakeResampleAxis(ResampleFilter::kBilinear, rows, height),
                   MakeResampleAxis(ResampleFilter::kBilinear, columns, width));
}

absl::StatusOr<Tensor> RolledPlanes(const Tensor& x, int64_t down, int64_t right) {
  WEFT_RETURN_IF_ERROR(CheckPlanes(x));
  const int64_t height = x.dims()[2], width = x.dims()[3];
  down = (down % height + height) % height;
  right = (right % width + width) % width;
  if (down == 0 && right == 0) return x;
  WEFT_ASSIGN_OR_RETURN(Tensor rolled, Tensor::Zeros(DType::kF32, x.dims()));
  const float* from = x.values<float>().data();
  const std::span<float> to = rolled.mutable_values<float>();
  for (int64_t row = 0; row < x.size() / width; ++row, from += width) {
    const int64_t target = row / height * height + (row % height + down) % height;
    float* at = &to[static_cast<size_t>(target * width)];
    std::copy_n(from, width - right, at + right);
    std::copy_n(from + width - right, right, at);
  }
  return rolled;
}

absl::StatusOr<Tensor> BlurredPlanes(const Tensor& x, double deviation) {
  WEFT_RETURN_IF_ERROR(CheckPlanes(x));
  if (!(deviation > 0) || !std::isfinite(deviation)) {
    return absl::InvalidArgumentError(
        absl::StrCat("blur: expected a deviation above 0 pixels, got ", deviation));
  }
  return MixPlanes(x, GaussianAxis(static_cast<size_t>(x.dims()[2]), deviation),
                   GaussianAxis(static_cast<size_t>(x.dims()[3]), deviation));
}

}  // namespace weft
