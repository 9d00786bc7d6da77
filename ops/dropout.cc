#include <algorithm>
#include <cstring>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/random_words.h"

namespace weft {
namespace {

absl::Status CheckRatio(const AttributeMap& attributes) {
  const double ratio = GetFloat(attributes, "ratio");
  if (ratio >= 0 && ratio < 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected a ratio in [0,1), got ", ratio));
}

absl::StatusOr<std::vector<TensorType>> InferDropout(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "mode", {"auto", "inference", "training"}));
  WEFT_RETURN_IF_ERROR(CheckRatio(c.attributes()));
  return std::vector<TensorType>{c.type(0), {DType::kBool, c.type(0).shape}};
}

absl::StatusOr<std::vector<TensorType>> InferDropoutGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckRatio(c.attributes()));
  return InferSameAsFirst(c);
}

// The input scaled by 1 / (1 - ratio) where kept, 0 elsewhere; and the mask, if asked for.
absl::Status EvaluateMasked(const EvalContext& c) {
  const double ratio = GetFloat(c.attributes, "ratio");
  const uint16_t threshold = DropThreshold(ratio);
  const std::span<bool> mask =
      c.outputs.size() > 1 && c.out(1).data != nullptr ? c.out(1).out<bool>() : std::span<bool>();
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    const T scale = static_cast<T>(1 / (1 - ratio));
    RandomWords::OfExamples(c, c.out()).ForEachHalf([&](size_t i, uint16_t half) {
      const bool kept = half >= threshold;
      y[i] = kept ? x[i] * scale : T{0};
      if (!mask.empty()) mask[i] = kept;
    });
  });
}

absl::Status EvaluateDropout(const EvalContext& c) {
  if (GetString(c.attributes, "mode") == "training") return EvaluateMasked(c);
  const size_t bytes = static_cast<size_t>(c.out().size()) * SizeOf(c.out().dtype);
  if (bytes > 0) std::memmove(c.out().data, c.in(0).data, bytes);  // may be the same memory
  if (c.outputs.size() > 1 && c.out(1).data != nullptr) {
    const auto mask = c.out(1).out<bool>();
    std::fill(mask.begin(), mask.end(), true);
  }
  return absl::OkStatus();
}

// The mask again, drawn from the same counter: it need not be kept from the forward pass.
Value MaskAgain(GradientContext& c) {
  return c.Op(
      "DropoutGrad", {c.dy()},
      {{"ratio", GetFloat(c.attributes(), "ratio")}, {"stream", GetInt(c.attributes(), "stream")}});
}

InputGradients DropoutGradient(GradientContext& c) {
  const std::string mode = GetString(c.attributes(), "mode");
  if (mode == "training") return {MaskAgain(c)};
  if (mode == "inference") return {c.dy()};
  return {c.Fail(absl::FailedPreconditionError(
      "mode is \"auto\": expected \"training\" or \"inference\"; call ForTraining or ForInference "
      "before taking gradients"))};
}

// Linear in dY, with a symmetric (diagonal) matrix.
InputGradients DropoutGradGradient(GradientContext& c) { return {MaskAgain(c)}; }

AttributeSpec Ratio() {
  return {.name = "ratio", .kind = Attribute::Kind::kFloat, .fallback = 0.5};
}

}  // namespace

std::vector<OpDef> DropoutOps() {
  return {
      {.name = "Dropout",
       .doc = "In mode training, every element is 0 with probability `ratio` and X / (1 - ratio) "
              "otherwise; else X. mask tells what was kept. Axis 0 counts examples; 16 random bits "
              "an element.",
       .inputs = {{"X"}},
       .outputs = {{"Y"}, {.name = "mask", .optional = true}},
       .attributes = {Ratio(),
                      {.name = "mode", .kind = Attribute::Kind::kString, .fallback = "auto"},
                      {.name = "stream", .fallback = 0}},
       .infer = InferDropout,
       .gradient = DropoutGradient,
       .evaluate = EvaluateDropout,
       .aliases = InPlace,
       .draws_random = true,
       .traits = {.elementwise = true}},
      {.name = "DropoutGrad",
       .doc = "dY with the mask and the scale of the Dropout in mode training that has this ratio "
              "and stream.",
       .inputs = {{"dY"}},
       .outputs = {{"dX"}},
       .attributes = {Ratio(), {.name = "stream", .fallback = 0}},
       .infer = InferDropoutGrad,
       .gradient = DropoutGradGradient,
       .evaluate = EvaluateMasked,
       .aliases = InPlace,
       .draws_random = true},
  };
}

}  // namespace weft
