#include <algorithm>

#include "ops/families.h"
#include "ops/post_ops.h"

// Convolutions and matrix products that go on with their result: FusedConv, FusedGemm, …

namespace weft {
namespace {

absl::StatusOr<Tensor> CopyOf(const TensorView& view) {
  const auto bytes = static_cast<size_t>(view.size()) * SizeOf(view.dtype);
  return Tensor::FromBytes(view.dtype, Dims(view.dims.begin(), view.dims.end()),
                           {static_cast<const std::byte*>(view.data), bytes});
}

// What is fused onto the first op of a family.
template <std::vector<OpDef> (*kFamily)()>
struct Fused {
  static const OpDef& Base() {
    static const OpDef& op = *new OpDef(kFamily().front());
    return op;
  }

  static absl::StatusOr<std::vector<TensorType>> Infer(const InferContext& c) {
    WEFT_ASSIGN_OR_RETURN(std::vector<TensorType> types, Base().infer(c));
    WEFT_RETURN_IF_ERROR(CheckPostOps(c, static_cast<int>(Base().inputs.size()), types.front()));
    return types;
  }

  static absl::Status Evaluate(const EvalContext& c) {
    std::vector<TensorView> inputs(c.inputs.begin(), c.inputs.end());
    std::vector<Tensor> addends;  // the product takes the memory of those that share it
    for (TensorView& input : inputs) {
      if (!input.present || input.data == nullptr || input.data != c.out().data) continue;
      WEFT_ASSIGN_OR_RETURN(Tensor addend, CopyOf(input));
      input.data = addend.mutable_data();
      addends.push_back(std::move(addend));
    }
    const EvalContext apart = {
        .attributes = c.attributes, .inputs = inputs, .outputs = c.outputs, .key = c.key};
    WEFT_RETURN_IF_ERROR(Base().evaluate(apart));
    return ApplyPostOps(apart);
  }

  // An addend of the result's type that comes first, and is not read again, may give its memory to
  // the result.
  static std::vector<Alias> Aliases(const Node& node) {
    const std::vector<PostOp> posts = GetPostOps(node.attributes(), "post_ops");
    if (posts.empty() || posts[0].op != "Add") return {};
    const int addend = static_cast<int>(posts[0].input);
    const auto reads = std::ranges::count(posts, posts[0].input, &PostOp::input);
    if (reads != 1 || node.input(addend).type() != node.type()) return {};
    return {{.output = 0, .input = addend}};
  }

  static Cost CostOf(const CostContext& c) {
    Cost cost = Base().cost(c);
    const size_t posts = GetPostOps(c.attributes, "post_ops").size();
    cost.flops += static_cast<double>(posts) * static_cast<double>(c.OutputSize());
    return cost;
  }

  static OpDef Op(std::string_view name, std::string_view doc) {
    OpDef op = Base();
    op.name = name;
    op.doc = doc;
    for (InputSpec& input : op.inputs) input.dtypes = kFloatTypes;
    op.inputs.push_back({.name = "Z", .arity = Arity::kVariadic});
    op.attributes.push_back({"post_ops", Attribute::Kind::kPostOps, std::vector<PostOp>{}});
    op.infer = Infer;
    op.gradient = nullptr;
    op.no_gradient = "fused for inference";
    op.evaluate = Evaluate;
    op.cost = CostOf;
    op.aliases = Aliases;
    return op;
  }
};

}  // namespace

std::vector<OpDef> FusedOps() {
  return {
      Fused<ConvOps>::Op(
          "FusedConv",
          "Conv, then post_ops in order on its result: an activation (Relu, Gelu, …), Clip with "
          "attributes min and max, or Add, Mul or PRelu with the node's input number `input` (one "
          "of Z, which broadcasts to Y)."),
      Fused<ConvTransposeOps>::Op("FusedConvTranspose",
                                  "ConvTranspose, then post_ops on its result, as FusedConv's."),
      Fused<GemmOps>::Op("FusedGemm", "Gemm, then post_ops on its result, as FusedConv's."),
      Fused<MatMulOps>::Op("FusedMatMul", "MatMul, then post_ops on its result, as FusedConv's."),
  };
}

}  // namespace weft
