#include "ops/pool_choice.h"

#include <limits>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/pool.h"

namespace weft {
namespace {

// Inputs X and, if present, Key: the tensor whose values choose, X itself otherwise.
template <ReadChoiceFn kRead>
absl::Status EvaluateChoice(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const ChoicePool pool, kRead(c.attributes, c.in(0).dims));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    const T* keys = c.has(1) ? c.in(1).in<T>().data() : x;
    GatherChosen(pool, c.key, x, keys, c.out().out<T>().data(), 0, pool.planes);
  });
}

// Inputs dY, Key.
template <ReadChoiceFn kRead>
absl::Status EvaluateChoiceGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const ChoicePool pool, kRead(c.attributes, c.in(1).dims));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    ScatterChosen<T>(pool, c.key, c.in(0).in<T>().data(), c.in(1).in<T>().data(),
                     c.out().out<T>().data(), 0, pool.planes);
  });
}

// Modes, and what tournaments and fractional poolings add, where the op has them.
absl::Status CheckAttributes(const AttributeMap& attributes) {
  if (attributes.contains("mode")) {
    WEFT_RETURN_IF_ERROR(CheckOneOf(attributes, "mode", {"auto", "inference", "training"}));
  }
  const int64_t k = GetInt(attributes, "k", 1);
  if (k < 1 || k > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("expected k of at least 1, got ", k));
  }
  return absl::OkStatus();
}

template <PoolShapeFn kShape>
absl::StatusOr<std::vector<TensorType>> InferChoice(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckAttributes(c.attributes()));
  if (c.has(1)) WEFT_RETURN_IF_ERROR(CheckShape("Key", c.type(0).shape, c.type(1).shape));
  return InferPooled<kShape>(c);
}

template <PoolShapeFn kShape>
absl::StatusOr<std::vector<TensorType>> InferChoiceGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckAttributes(c.attributes()));
  return InferPooledGrad<kShape>(c);
}

// The choice is locally constant: with it given the pooling gathers and its gradient scatters, each
// the transpose of the other, and nothing flows into Key.
InputGradients ChoiceGradient(GradientContext& c) {
  if (GetString(c.attributes(), "mode") == "auto") {
    return {c.Fail(absl::FailedPreconditionError(
        "mode is \"auto\": expected \"training\" or \"inference\"; call ForTraining or "
        "ForInference before taking gradients"))};
  }
  const bool keyed = c.node()->num_inputs() > 1 && c.x(1);
  const std::string op = std::string(c.node()->op_name()) + "Grad";
  InputGradients gradients(static_cast<size_t>(c.node()->num_inputs()));
  if (c.needs(0)) gradients[0] = c.Op(op, {c.dy(), keyed ? c.x(1) : c.x()}, c.attributes());
  return gradients;
}

InputGradients ChoiceGradGradient(GradientContext& c) {
  std::string_view op = c.node()->op_name();
  op.remove_suffix(std::string_view("Grad").size());
  return {c.needs(0) ? c.Op(op, {c.dy(), c.x(1)}, c.attributes()) : Value(), Value()};
}

// A few operations a tap; the attributes of adaptive and fractional poolings do not tell their
// number, about the input's.
Cost ChoiceCost(const CostContext& c) {
  const int64_t elements = std::max(c.InputSize(0), c.OutputSize());
  return c.attributes.contains("kernel_shape") ? PoolCost(c)
                                               : Cost{.flops = static_cast<double>(elements)};
}
Cost ChoiceGradCost(const CostContext& c) {
  return c.attributes.contains("kernel_shape") ? PoolGradCost(c) : ChoiceCost(c);
}

struct Names {
  std::string_view op, doc, grad, grad_doc;
};

// The pooling and its gradient. `mode` and `stream` are added where it draws.
template <PoolShapeFn kShape, ReadChoiceFn kRead, ReadChoiceFn kReadGrad = kRead>
std::vector<OpDef> PoolingAndGradient(const Names& names, std::vector<AttributeSpec> attributes,
                                      bool draws) {
  std::vector<AttributeSpec> grad_attributes = attributes;
  if (draws) {
    attributes.push_back({"mode", Attribute::Kind::kString, "auto"});
    grad_attributes.push_back({"mode", Attribute::Kind::kString, "training"});
    for (auto* list : {&attributes, &grad_attributes}) {
      list->push_back({.name = "stream", .fallback = 0});
    }
  }
  return {{.name = names.op,
           .doc = names.doc,
           .inputs = {{"X"}, {.name = "Key", .arity = Arity::kOptional}},
           .attributes = std::move(attributes),
           .infer = InferChoice<kShape>,
           .gradient = ChoiceGradient,
           .evaluate = EvaluateChoice<kRead>,
           .cost = ChoiceCost,
           .draws_random = draws},
          {.name = names.grad,
           .doc = names.grad_doc,
           .inputs = {{"dY"}, {"Key"}},
           .outputs = {{"dX"}},
           .attributes = std::move(grad_attributes),
           .infer = InferChoiceGrad<kShape>,
           .gradient = ChoiceGradGradient,
           .evaluate = EvaluateChoiceGrad<kReadGrad>,
           .cost = ChoiceGradCost,
           .draws_random = draws}};
}

absl::StatusOr<ChoicePool> ReadWindows(const AttributeMap& attributes, std::span<const int64_t> x,
                                       Choice choice) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadPoolWindow(attributes, x));
  return ChoicePool{.choice = choice,
                    .planes = x[0] * x[1],
                    .channels = x[1],
                    .regions = WindowRegions(window),
                    .fractional = {},
                    .stream = static_cast<uint64_t>(GetInt(attributes, "stream"))};
}

bool IsTraining(const AttributeMap& attributes) {
  return GetString(attributes, "mode") == "training";
}

}  // namespace

absl::StatusOr<ChoicePool> ReadMedianPool(const AttributeMap& attributes,
                                          std::span<const int64_t> x) {
  return ReadWindows(attributes, x, Choice::kMedian);
}

absl::StatusOr<ChoicePool> ReadTournamentPool(const AttributeMap& attributes,
                                              std::span<const int64_t> x) {
  const Choice choice = IsTraining(attributes) ? Choice::kTournament : Choice::kTournamentMean;
  WEFT_ASSIGN_OR_RETURN(ChoicePool pool, ReadWindows(attributes, x, choice));
  pool.contestants = GetInt(attributes, "k");
  return pool;
}

absl::StatusOr<ChoicePool> ReadStochasticPool(const AttributeMap& attributes,
                                              std::span<const int64_t> x) {
  return ReadWindows(attributes, x, IsTraining(attributes) ? Choice::kSample : Choice::kSampleMean);
}

absl::StatusOr<ChoicePool> ReadStochasticPoolGrad(const AttributeMap& attributes,
                                                  std::span<const int64_t> x) {
  return ReadWindows(attributes, x,
                     IsTraining(attributes) ? Choice::kSample : Choice::kSampleMeanGrad);
}

absl::StatusOr<ChoicePool> ReadAdaptiveMaxPool(const AttributeMap& attributes,
                                               std::span<const int64_t> x) {
  WEFT_ASSIGN_OR_RETURN(Regions regions, AdaptiveRegions(attributes, x));
  return ChoicePool{
      .planes = x[0] * x[1], .channels = x[1], .regions = std::move(regions), .fractional = {}};
}

std::vector<OpDef> ChoicePoolOps() {
  std::vector<OpDef> ops;
  const auto add = [&ops](std::vector<OpDef> pair) {
    for (OpDef& op : pair) ops.push_back(std::move(op));
  };
  add(PoolingAndGradient<InferPoolShape, ReadMedianPool>(
      {"MedianPool",
       "The median of each window, of what lies in X; of an even number the mean of the middle "
       "two. With Key, X at the places (and by the shares) that Key's medians have.",
       "MedianPoolGrad", "The gradient of MedianPool: adds each element of dY at Key's medians."},
      PoolAttributes({}), /*draws=*/false));
  add(PoolingAndGradient<InferPoolShape, ReadTournamentPool>(
      {"TournamentPool",
       "In mode training, the winner of a tournament in each window (tournament selection: Miller "
       "and Goldberg 1995): the largest of k elements drawn without replacement, of all where "
       "there are fewer. Else its expectation: the r-th largest of n by C(n-r,k-1)/C(n,k). With "
       "Key, X where Key's winners are.",
       "TournamentPoolGrad",
       "The gradient of TournamentPool: adds each element of dY at Key's winners, drawn again."},
      PoolAttributes({{"k", Attribute::Kind::kInt, 2}}), /*draws=*/true));
  add(PoolingAndGradient<InferAdaptiveShape, ReadAdaptiveMaxPool>(
      {"AdaptiveMaxPool",
       "The maximum of each of output_size regions [floor(o*in/out), ceil((o+1)*in/out)) an axis, "
       "as PyTorch's: X [N,C,in...] to Y [N,C,output_size...]. With Key, X where Key's maxima are.",
       "AdaptiveMaxPoolGrad",
       "The gradient of AdaptiveMaxPool: adds each element of dY at Key's maxima."},
      {{"output_size", Attribute::Kind::kInts, std::nullopt, /*required=*/true}},
      /*draws=*/false));
  add(PoolingAndGradient<InferFractionalShape, ReadFractionalMaxPool>(
      {"FractionalMaxPool",
       "The maximum of each region between neighbours of an increasing sequence an axis (Graham "
       "2014), with steps floor(in/out) and one more that add up to the input; output_size or "
       "floor(in/ratio). In mode training the sequence is drawn once a step: "
       "floor((in*o+phase)/out) "
       "with a random phase (pseudorandom), or shuffled steps (random); else phase 0. Overlapping "
       "regions hold the next one's first element too. With Key, X where Key's maxima are.",
       "FractionalMaxPoolGrad",
       "The gradient of FractionalMaxPool: adds each element of dY at Key's maxima, in the regions "
       "drawn again."},
      {{"output_size", Attribute::Kind::kInts},
       {"ratio", Attribute::Kind::kFloat},
       {"sequence", Attribute::Kind::kString, "pseudorandom"},
       {"overlapping", Attribute::Kind::kInt, 0}},
      /*draws=*/true));
  std::vector<OpDef> stochastic =
      PoolingAndGradient<InferPoolShape, ReadStochasticPool, ReadStochasticPoolGrad>(
          {"StochasticPool",
           "Stochastic pooling (Zeiler and Fergus 2013): in mode training one element a of each "
           "window, drawn with probability a / sum a of the positive ones; else their mean with "
           "these weights. 0 where none is positive.",
           "StochasticPoolGrad",
           "The gradient of StochasticPool: adds each element of dY at what Key, drawn again, "
           "chooses; in mode inference by the derivative of the mean."},
          PoolAttributes({}), /*draws=*/true);
  stochastic[0].inputs.pop_back();  // the weights of its mean are not constant: no Key
  stochastic[1].gradient = nullptr;
  stochastic[1].no_gradient = "the weights of its mean depend on Key";
  add(std::move(stochastic));
  return ops;
}

}  // namespace weft
