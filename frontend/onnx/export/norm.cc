#include <algorithm>
#include <numeric>
#include <optional>

#include "frontend/onnx/export/table.h"
#include "frontend/onnx/schema.h"
#include "ops/batch_norm.h"

namespace weft {
namespace {

bool IsTraining(const OpExport& e) { return GetString(e.attributes(), "mode") == "training"; }

// ONNX keeps the biased variance; ours differs in what only training computes.
void ExportBatchNorm(OpExport& e) {
  AttributeMap attributes = e.attributes();
  attributes.erase("mode");
  attributes.erase("running_variance");
  if (!IsTraining(e)) return ExportSameWith(e, std::move(attributes));
  const auto reads = [&e](size_t output) {
    return output < e.call().read.size() && e.call().read[output];
  };
  if (reads(bn::kBatchMean) || reads(bn::kBatchVar)) {
    e.Fail("its outputs batch_mean and batch_var are none of ONNX's");
  } else if (reads(bn::kRunningVar) && IsUnbiased(e.attributes())) {
    e.Fail("ONNX's running_var is biased, this one unbiased");
  }
  attributes["training_mode"] = 1;
  std::vector<OnnxOperand> inputs = e.call().inputs;
  // In training it has all three outputs, read or not.
  e.Last("BatchNormalization", std::move(inputs), std::move(attributes), bn::kRunningVar + 1);
}

// ONNX has the ratio and the mode as inputs. Without the mode it is inference, which is what a
// mode-neutral graph exports too.
void ExportDropout(OpExport& e) {
  const double ratio = GetFloat(e.attributes(), "ratio");
  std::vector<OnnxOperand> inputs = {e.in(0)};
  if (ratio != 0.5 || IsTraining(e)) {
    inputs.push_back(e.Argument("ratio", Tensor::Scalar(ratio, DType::kF32)));
  }
  if (IsTraining(e)) inputs.push_back(e.Argument("training_mode", Tensor::Scalar(1, DType::kBool)));
  e.Last("Dropout", std::move(inputs));
}

Tensor Filled(int64_t n, double value, DType dtype) {
  std::vector<double> values(static_cast<size_t>(n), value);
  return *Tensor::FromValues<double>({n}, values)->Converted(dtype);
}

// Of one group of an example; nullopt where that is symbolic. Not -1 if it can be helped: that is
// ambiguous for an empty batch.
std::optional<Dim> ElementsOf(const TensorType& x, int64_t groups) {
  const auto count = CountElements(Shape(x.shape.begin() + 1, x.shape.end()));
  if (!count.ok() || !count->is_static()) return std::nullopt;
  return Dim::DivideExactly(*count, groups);
}

// Groups of channels as the channels of an InstanceNormalization; the scale and bias are ours.
void ExportGroupNorm(OpExport& e) {
  const TensorType& x = e.type();
  const int64_t groups = GetInt(e.attributes(), "num_groups");
  if (!e.Affords(static_cast<double>(groups))) return;
  std::vector<int64_t> spatial(static_cast<size_t>(x.rank() - 2));
  std::iota(spatial.begin(), spatial.end(), 1);
  const std::optional<Dim> size = ElementsOf(x, groups);
  const OnnxOperand grouped =
      e.Op("Reshape", {e.in(0), e.Ints({0, groups, size ? size->coefficient() : -1})});
  const OnnxOperand normalized = e.Op(
      "InstanceNormalization",
      {grouped, e.Constant(Filled(groups, 1, x.dtype)), e.Constant(Filled(groups, 0, x.dtype))},
      {{"epsilon", GetFloat(e.attributes(), "epsilon")}});
  const Shape rows = {x.dim(0), groups, size.value_or(Dim::Symbol("rest"))};
  const OnnxOperand back = e.Op("Reshape", {normalized, e.ReshapeTo(rows, 0)});
  const auto per_channel = [&](int i) {
    return spatial.empty() ? e.in(i) : e.Op("Unsqueeze", {e.in(i), e.Ints(spatial)});
  };
  const OnnxOperand scaled = e.Op("Mul", {back, per_channel(1)});
  e.Last("Add", {scaled, per_channel(2)});
}

void ExportMomentum(OpExport& e) {
  e.Last("Momentum", e.call().inputs, e.attributes(), -1, kTrainingDomain);
}

}  // namespace

std::vector<ExportEntry> NormExports() {
  return {{"BatchNormalization", ExportBatchNorm},
          {"Dropout", ExportDropout},
          {"GroupNormalization", ExportGroupNorm},
          {"Momentum", ExportMomentum}};
}

}  // namespace weft
