// Convolutions whose channels become pixels.
//
// Where the windows of a transposed convolution do not overlap, each element of its image makes a
// block of the result: a 1x1 convolution to all the block's elements, laid out by DepthToSpace.
//
//   conv_transpose(x, w, b) {kernel=[2,2], strides=[2,2]}  =>  depth_to_space(conv(x, w', b'))
//
// It has the same MACs. With oneDNN 2.6 the convolution and the copies of pixels take 60 to 98 % of
// the time of the transposed convolution, which adds its bias in a turn of its own: the less, the
// fewer channels there are (3 to 512, one thread, AVX-512).
//
// The blocks' channels lie side by side in mode DCR, and not in CRD:
//
//   depth_to_space(conv(x, w, b)) {mode=CRD}  =>  depth_to_space(conv(x, w', b')) {mode=DCR}

#include "absl/strings/str_cat.h"
#include "ops/conv_transpose.h"
#include "ops/post_ops.h"
#include "passes/axes.h"
#include "passes/resample/repeats.h"
#include "passes/resample/resample.h"
#include "passes/rule.h"

namespace weft {
namespace {

bool MovesChannelsFirst(const Node& node) { return GetString(node.attributes(), "mode") == "CRD"; }

Condition OrderDepthToSpaceHolds(const Match& m) {
  return All(
      {HasSingleReader(m, "conv"), IsConstant(m, "w"), IsConstant(m, "b"), HasOneGroup(m, "conv")});
}

// Axis 0 as [C, b*b] becomes [b*b, C].
Value BlocksFirst(Rewriter& r, Value v, int64_t block) {
  const Dims dims = StaticDims(v.type().shape).value_or(Dims());
  const int64_t pixels = block * block;
  const Value split = r.Op("Reshape", {v, r.Ints({dims[0] / pixels, pixels, -1})});
  const Value swapped = r.Op("Transpose", {split}, {{"perm", Dims{1, 0, 2}}});
  return r.OpAs(v.node->name(), "Reshape", {swapped, r.Ints(dims)});
}

std::vector<Value> OrderDepthToSpaceReplace(const Match& m, Rewriter& r) {
  const Node& conv = *m.node("conv");
  const Dims w = ConstantValue(m["w"])->dims();
  if (ConstantValue(m["w"])->size() == 0) return r.Decline(m["w"].ToString() + " has no elements");
  AttributeMap attributes = m.root()->attributes();
  const int64_t block = GetInt(attributes, "blocksize");
  std::vector<Value> inputs = {m["x"], BlocksFirst(r, m["w"], block)};
  if (m["b"]) inputs.push_back(BlocksFirst(r, m["b"], block));
  const Value y = r.OpAs(conv.name(), "Conv", std::move(inputs), conv.attributes());
  attributes.insert_or_assign("mode", std::string("DCR"));
  return {r.OpAs(m.root()->name(), "DepthToSpace", {y}, std::move(attributes))};
}

// It makes a square of each element, and nothing else.
Condition MakesSquares(const Match& m) {
  const Node& conv = *m.node("conv");
  const TensorType &x = m["x"].type(), &w = m["w"].type();
  const auto form = ReadConvTranspose(conv.attributes(), x.shape, w.shape);
  if (x.rank() != 4 || !form.ok()) {
    return Unless(true, absl::StrCat(conv.name(), " has ", x.rank() - 2, " spatial axes"));
  }
  const Dims kernel = {w.dim(2).coefficient(), w.dim(3).coefficient()};
  const Dims strides = GetInts(form->conv, "strides");
  const Dims pads = GetInts(form->conv, "pads");
  const bool is_square = kernel[0] == kernel[1] && kernel == strides;
  const bool is_whole = pads == Dims(4, 0) && RatioOf(x.dim(2), conv.type().dim(2)) == kernel[0] &&
                        RatioOf(x.dim(3), conv.type().dim(3)) == kernel[1];
  return All({Unless(!is_square, absl::StrCat(conv.name(), " has kernels ", ToString(kernel),
                                              " and strides ", ToString(strides))),
              Unless(!is_whole, absl::StrCat(conv.name(), " makes ", ToString(conv.type()), " of ",
                                             ToString(x)))});
}

Condition OperandsAreSpread(const Match& m) {
  const Node& conv = *m.node("conv");
  for (int i = 3; i < conv.num_inputs(); ++i) {
    const Value operand = conv.input(i);
    if (operand.null() || IsSpread(operand.type(), 4)) continue;
    return Unless(true, absl::StrCat(operand.ToString(), " is ", ToString(operand.type()),
                                     ", not the same for all pixels"));
  }
  return {};
}

Condition ToDepthToSpaceHolds(const Match& m) {
  return All({IsConstant(m, "w"), HasOneGroup(m, "conv"), MakesSquares(m), OperandsAreSpread(m),
              Unless(ConstantValue(m["w"]) != nullptr && ConstantValue(m["w"])->size() == 0,
                     absl::StrCat(m["w"].ToString(), " has no elements"))});
}

std::vector<Value> ToDepthToSpaceReplace(const Match& m, Rewriter& r) {
  const Node& conv = *m.node("conv");
  const Dims w = ConstantValue(m["w"])->dims();  // [C, M, b, b]
  const int64_t pixels = w[2] * w[3];
  std::vector<Value> inputs(conv.inputs().begin(), conv.inputs().end());
  const Value blocks_first = r.Op("Transpose", {m["w"]}, {{"perm", Dims{2, 3, 1, 0}}});
  inputs[1] =
      r.OpAs(m["w"].node->name(), "Reshape", {blocks_first, r.Ints({pixels * w[1], w[0], 1, 1})});
  if (inputs.size() > 2 && inputs[2]) inputs[2] = Tiled(r, inputs[2], {pixels});
  for (size_t i = 3; i < inputs.size(); ++i) {
    if (inputs[i]) inputs[i] = RepeatedChannels(r, inputs[i], pixels);
  }
  AttributeMap attributes;
  const std::vector<PostOp> post_ops = GetPostOps(conv.attributes(), "post_ops");
  if (!post_ops.empty()) attributes["post_ops"] = post_ops;
  const Value y = r.OpAs(conv.name(), post_ops.empty() ? "Conv" : "FusedConv", std::move(inputs),
                         std::move(attributes));
  return {pixels == 1 ? y : r.Op("DepthToSpace", {y}, {{"blocksize", w[2]}})};
}

}  // namespace

Pass OrderDepthToSpace() {
  return ToPass(
      {.name = "order_depth_to_space",
       .doc = "order a convolution's channels so that DepthToSpace copies them side by side",
       .pattern =
           Op("DepthToSpace",
              {Op("Conv", {Any().As("x"), Any().As("w"), Any().As("b").Optional()}).As("conv")})
               .Where(MovesChannelsFirst),
       .conditions = OrderDepthToSpaceHolds,
       .rewrite = OrderDepthToSpaceReplace});
}

Pass ConvTransposeToDepthToSpace() {
  return ToPass({.name = "conv_transpose_to_depth_to_space",
                 .doc = "make a 1x1 convolution and DepthToSpace of a transposed convolution whose "
                        "windows do not overlap",
                 .pattern = OneOf({"ConvTranspose", "FusedConvTranspose"},
                                  {Any().As("x"), Any().As("w"), Rest()})
                                .As("conv"),
                 .conditions = ToDepthToSpaceHolds,
                 .rewrite = ToDepthToSpaceReplace});
}

}  // namespace weft
