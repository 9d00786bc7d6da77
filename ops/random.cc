#include <cmath>
#include <limits>
#include <numbers>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/random_words.h"

// Random tensors. Their numbers are drawn anew in every run, in training and inference alike.

namespace weft {
namespace {

absl::StatusOr<DType> DTypeOfAttribute(const AttributeMap& attributes, DType fallback,
                                       const DTypeSet& allowed) {
  const auto found = attributes.find("dtype");
  const DType dtype = found == attributes.end() ? fallback : std::get<DType>(found->second.value);
  if (allowed.contains(dtype)) return dtype;
  return absl::InvalidArgumentError(
      absl::StrCat("expected a dtype in ", allowed.ToString(), ", got ", Absl(ToString(dtype))));
}

// In numbers of the dtype, in which the width of a range must be finite too.
absl::Status CheckRange(const AttributeMap& attributes, DType dtype) {
  const double most =
      dtype == DType::kF32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  if (attributes.contains("low")) {
    const double low = GetFloat(attributes, "low"), high = GetFloat(attributes, "high");
    const bool finite = low >= -most && high <= most && high - low <= most;
    if (low <= high && finite) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("expected low <= high in a range that ",
                                                   Absl(ToString(dtype)), " holds, got low ", low,
                                                   " and high ", high));
  }
  const double mean = GetFloat(attributes, "mean"), scale = GetFloat(attributes, "scale");
  if (scale >= 0 && scale <= most && std::abs(mean) <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected a finite ", Absl(ToString(dtype)),
                                                 " mean and a scale of at least 0, got mean ", mean,
                                                 " and scale ", scale));
}

absl::StatusOr<std::vector<TensorType>> InferShaped(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const DType dtype,
                        DTypeOfAttribute(c.attributes(), DType::kF32, kFloatTypes));
  WEFT_RETURN_IF_ERROR(CheckRange(c.attributes(), dtype));
  const std::vector<int64_t> shape = GetInts(c.attributes(), "shape");
  return std::vector<TensorType>{{dtype, ToShape(shape)}};
}

absl::StatusOr<std::vector<TensorType>> InferLike(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const DType dtype,
                        DTypeOfAttribute(c.attributes(), c.type(0).dtype, kFloatTypes));
  WEFT_RETURN_IF_ERROR(CheckRange(c.attributes(), dtype));
  return std::vector<TensorType>{{dtype, c.type(0).shape}};
}

absl::StatusOr<std::vector<TensorType>> InferBernoulli(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const DType dtype,
                        DTypeOfAttribute(c.attributes(), c.type(0).dtype, kComputeTypes));
  return std::vector<TensorType>{{dtype, c.type(0).shape}};
}

// --- Reference kernels ---

RandomWords WordsOf(const EvalContext& c) {
  return c.inputs.empty() ? RandomWords::OfWhole(c) : RandomWords::OfExamples(c, c.out());
}

absl::Status EvaluateUniform(const EvalContext& c) {
  const double low = GetFloat(c.attributes, "low"), high = GetFloat(c.attributes, "high");
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto y = c.out().out<T>();
    // Rounding must not reach `high`.
    const T most = std::max(static_cast<T>(low),
                            std::nextafter(static_cast<T>(high), std::numeric_limits<T>::lowest()));
    WordsOf(c).ForEachWord([&](size_t i, uint32_t word) {
      y[i] = std::min(static_cast<T>(low + (high - low) * UniformOf(word)), most);
    });
  });
}

// Box and Muller, "A note on the generation of random normal deviates", 1958: each two words give
// two elements. The first word is used as a number in (0, 1].
absl::Status EvaluateNormal(const EvalContext& c) {
  const double mean = GetFloat(c.attributes, "mean"), scale = GetFloat(c.attributes, "scale");
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto y = c.out().out<T>();
    WordsOf(c).ForEachBlock(4, [&](int64_t first, const PhiloxCounter& words, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        const auto pair = static_cast<size_t>(i / 2 * 2);
        const double radius = std::sqrt(-2 * std::log(UniformOf(words[pair]) + 0x1p-24));
        const double angle = 2 * std::numbers::pi * UniformOf(words[pair + 1]);
        const double z = radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
        y[static_cast<size_t>(first + i)] = static_cast<T>(mean + scale * z);
      }
    });
  });
}

absl::Status EvaluateBernoulli(const EvalContext& c) {
  return VisitDType<kComputeTypes>(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto y = c.out().out<T>();
    WordsOf(c).ForEachWord([&](size_t i, uint32_t word) {
      y[i] = static_cast<T>(UniformOf(word) < c.in(0).At(static_cast<int64_t>(i)) ? 1 : 0);
    });
  });
}

// Only a shape is read.
InputGradients NothingFlows(GradientContext&) { return {}; }

AttributeSpec FloatAttribute(std::string_view name, double fallback) {
  return {.name = name, .kind = Attribute::Kind::kFloat, .fallback = fallback};
}

AttributeSpec Stream() { return {.name = "stream", .fallback = 0}; }

// The op of that shape and the op of an input's shape.
std::vector<OpDef> Pair(OpDef shaped, OpDef like) {
  shaped.attributes.push_back({.name = "shape", .kind = Attribute::Kind::kInts, .required = true});
  shaped.attributes.push_back(
      {.name = "dtype", .kind = Attribute::Kind::kDType, .fallback = DType::kF32});
  shaped.infer = InferShaped;
  like.inputs = {{.name = "input", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true}};
  like.attributes = {shaped.attributes[0],
                     shaped.attributes[1],
                     {.name = "dtype", .kind = Attribute::Kind::kDType}};
  like.infer = InferLike;
  like.evaluate = shaped.evaluate;
  for (OpDef* op : {&shaped, &like}) {
    op->attributes.push_back(Stream());
    op->outputs = {{"output"}};
    op->gradient = NothingFlows;
    op->draws_random = true;
  }
  return {std::move(shaped), std::move(like)};
}

}  // namespace

std::vector<OpDef> RandomOps() {
  std::vector<OpDef> ops = Pair(
      {.name = "RandomUniform",
       .doc = "Numbers drawn uniformly from [low, high), with 24 random bits each. The same in "
              "every part of a batch.",
       .attributes = {FloatAttribute("low", 0), FloatAttribute("high", 1)},
       .evaluate = EvaluateUniform},
      {.name = "RandomUniformLike",
       .doc = "Numbers drawn uniformly from [low, high) in the shape of `input`, whose axis 0 "
              "counts examples; `dtype` absent: the input's."});
  std::vector<OpDef> normal =
      Pair({.name = "RandomNormal",
            .doc = "Numbers drawn from the normal distribution of `mean` and standard deviation "
                   "`scale` (Box and Muller). The same in every part of a batch.",
            .attributes = {FloatAttribute("mean", 0), FloatAttribute("scale", 1)},
            .evaluate = EvaluateNormal},
           {.name = "RandomNormalLike",
            .doc = "Numbers drawn from the normal distribution of `mean` and standard deviation "
                   "`scale` in the shape of `input`, whose axis 0 counts examples; `dtype` absent: "
                   "the input's."});
  ops.insert(ops.end(), normal.begin(), normal.end());
  ops.push_back({.name = "Bernoulli",
                 .doc = "1 with probability `input`, else 0, drawn for each element. Axis 0 counts "
                        "examples; `dtype` absent: the input's.",
                 .inputs = {{.name = "input", .type_variable = 'P'}},
                 .outputs = {{"output"}},
                 .attributes = {{.name = "dtype", .kind = Attribute::Kind::kDType}, Stream()},
                 .infer = InferBernoulli,
                 .no_gradient = "its output jumps from 0 to 1",
                 .evaluate = EvaluateBernoulli,
                 .draws_random = true});
  return ops;
}

}  // namespace weft
