#include "frontend/inspect/layers/activations.h"

#include <algorithm>
#include <utility>

#include "frontend/inspect/map_picture.h"
#include "frontend/session/fixed_batch.h"
#include "frontend/session/layer_batch.h"
#include "frontend/session/layers.h"

namespace weft {

absl::StatusOr<std::vector<LayerActivation>> Activations(const Model& model, const Tensor& x,
                                                         const std::vector<std::string>& at,
                                                         const SessionOptions& session) {
  WEFT_ASSIGN_OR_RETURN(const Model layers, ModelOfLayers(model, at));
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(layers.graph));
  if (FixedBatch(*input).value_or(1) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("activations: expected an input for one example or any number of them, ",
                     input->name(), " is ", ToString(input->type())));
  }
  WEFT_ASSIGN_OR_RETURN(const auto running, Session::Create(layers, session));
  WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitToInput(*input, x));
  if (fitted.is_empty() || fitted.rank() < 1 || fitted.dims()[0] != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("activations: expected one example of ", ToString(input->type()), ", got ",
                     fitted.is_empty() ? "nothing" : ToString(fitted.type())));
  }
  WEFT_ASSIGN_OR_RETURN(TensorMap outputs, running->Run({{input->name(), std::move(fitted)}}));
  std::vector<LayerActivation> result;
  for (const NamedValue& output : layers.graph.outputs()) {
    LayerActivation layer{.layer = output.name, .op = std::string(output.value.node->op_name())};
    WEFT_ASSIGN_OR_RETURN(layer.values, outputs.at(output.name).Converted(DType::kF32));
    const Dims& dims = layer.values.dims();
    if (!dims.empty() && dims[0] == 1) {
      WEFT_ASSIGN_OR_RETURN(layer.values,
                            layer.values.Reshaped(Dims(dims.begin() + 1, dims.end())));
    }
    result.push_back(std::move(layer));
  }
  return result;
}

namespace {

constexpr int64_t kLongSignal = 32;    // samples from which on a grid has one pixel for each
constexpr int64_t kChannelPixels = 4;  // the height of a channel then

// The first `most` entries of the first axis, all for 0.
absl::StatusOr<Tensor> FirstMaps(const Tensor& values, int64_t most) {
  if (most < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("activations: expected 0 maps or more, got ", most));
  }
  if (most == 0 || values.rank() == 0 || values.dims()[0] <= most) return values;
  Dims dims = values.dims();
  const int64_t count = values.size() / dims[0] * most;
  dims[0] = most;
  return Tensor::FromValues<float>(std::move(dims),
                                   values.values<float>().first(static_cast<size_t>(count)));
}

// [C,L] with every row `times`.
absl::StatusOr<Tensor> RepeatedRows(const Tensor& rows, int64_t times) {
  const auto length = static_cast<size_t>(rows.dims()[1]);
  std::vector<float> repeated;
  repeated.reserve(static_cast<size_t>(rows.size() * times));
  for (int64_t row = 0; row < rows.dims()[0] * times; ++row) {
    const auto from =
        rows.values<float>().subspan(static_cast<size_t>(row / times) * length, length);
    repeated.insert(repeated.end(), from.begin(), from.end());
  }
  return Tensor::FromValues<float>({rows.dims()[0] * times, rows.dims()[1]}, repeated);
}

}  // namespace

absl::StatusOr<Picture> ActivationPicture(const Tensor& all,
                                          const ActivationPictureOptions& options) {
  WEFT_ASSIGN_OR_RETURN(Tensor values, FirstMaps(all, options.most_maps));
  if (values.rank() == 2 && options.scale == 0 && values.dims()[1] >= kLongSignal) {
    WEFT_ASSIGN_OR_RETURN(values, RepeatedRows(values, kChannelPixels));
  }
  const bool is_signed = RangeOf(values.values<float>(), false).low < 0;
  GridOptions grid{.colors = is_signed ? ColorMap::kDiverging : ColorMap::kHeat,
                   .symmetric = is_signed,
                   .each = options.each,
                   .columns = options.columns,
                   .scale = options.scale,
                   .background = options.background};
  const Dims& d = values.dims();
  Dims maps = d;
  if (d.size() == 1) maps = {1, 1, d[0]};
  if (d.size() == 2) maps = {1, d[0], d[1]};
  if (d.size() == 4) {
    maps = {d[0] * d[1], d[2], d[3]};
    grid.columns = d[1];
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor shaped, values.Reshaped(std::move(maps)));
  if (d.size() == 1 && grid.scale == 0) grid.scale = 8;
  return GridPicture(shaped, grid);
}

}  // namespace weft
