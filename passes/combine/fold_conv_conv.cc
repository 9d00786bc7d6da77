// Two convolutions with nothing between them are one, whose kernel is the product of theirs:
//
//   conv2(conv1(x, w1, b1), w2, b2)  =>  conv(x, w, w2*b1 + b2)   with strides multiplied,
//
//   w[o,c,k] = sum of w2[o,m,k2] w1[m,c,k1] over m and all taps that meet: k = k1 + stride1*k2
//
// It pays unless the channels between are a bottleneck (64 -> 8 -> 64 is cheaper in two steps) or
// the kernels together are (two of 3x3 make one of 5x5). Where conv2 pads the image, it reads zeros
// there, and one convolution would read what conv1 makes of the border: that is zero only where
// conv1 has neither a kernel nor a bias.

#include <algorithm>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/number_text.h"
#include "passes/combine/combine.h"
#include "passes/conv_form.h"
#include "passes/prices.h"
#include "passes/rule.h"

namespace weft {
namespace {

struct ConvPair {
  ConvForm conv1, conv2, product;
  Dims w1, w2, w;     // dims of the weights
  Dims step1, step2;  // what a tap of either is in taps of the product
};

Dims Join(std::initializer_list<Dims> parts) {
  Dims all;
  for (const Dims& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

absl::Status ComposeAxis(size_t axis, ConvPair& chain) {
  const ConvForm &a = chain.conv1, &b = chain.conv2;
  ConvForm& product = chain.product;
  const size_t rank = a.rank();
  // In elements of x. How far apart the taps of a single one are does not matter.
  int64_t step1 = a.dilations[axis], step2 = a.strides[axis] * b.dilations[axis];
  if (step2 > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(absl::StrCat("its taps would be ", step2, " elements apart"));
  }
  if (b.kernel[axis] == 1) step2 = step1;
  if (a.kernel[axis] == 1) step1 = step2;
  const int64_t step = std::gcd(step1, step2);
  chain.step1.push_back(step1 / step);
  chain.step2.push_back(step2 / step);
  product.kernel[axis] =
      (a.kernel[axis] - 1) * chain.step1[axis] + (b.kernel[axis] - 1) * chain.step2[axis] + 1;
  product.dilations[axis] = product.kernel[axis] == 1 ? 1 : step;
  product.strides[axis] = a.strides[axis] * b.strides[axis];
  for (const size_t end : {axis, rank + axis}) {
    product.pads[end] = a.pads[end] + a.strides[axis] * b.pads[end];
  }
  return absl::OkStatus();
}

absl::StatusOr<ConvPair> ReadChain(const Match& m) {
  ConvPair chain;
  chain.w1 = ConstantValue(m["w1"])->dims();
  chain.w2 = ConstantValue(m["w2"])->dims();
  WEFT_ASSIGN_OR_RETURN(chain.conv1, FormOf(*m.node("conv1")));
  WEFT_ASSIGN_OR_RETURN(chain.conv2, FormOf(*m.root()));
  chain.product = chain.conv1;
  for (size_t axis = 0; axis < chain.conv1.rank(); ++axis) {
    WEFT_RETURN_IF_ERROR(ComposeAxis(axis, chain));
  }
  chain.product.group = std::min(chain.conv1.group, chain.conv2.group);
  const int64_t inputs = chain.w1[1] * chain.conv1.group / chain.product.group;
  chain.w = Join({{chain.w2[0], inputs}, chain.product.kernel});
  return chain;
}

Condition BordersAgree(const Match& m) {
  const absl::StatusOr<ConvForm> conv1 = FormOf(*m.node("conv1")), conv2 = FormOf(*m.root());
  for (size_t axis = 0; conv1.ok() && conv2.ok() && axis < conv1->rank(); ++axis) {
    if (conv2->pads[axis] == 0 && conv2->pads[conv1->rank() + axis] == 0) continue;
    const bool has_kernel = conv1->kernel[axis] != 1;
    if (!has_kernel && m["b1"].null()) continue;
    return Unless(true,
                  absl::StrCat(m.root()->name(), " has pads ", ToString(conv2->pads), ", ",
                               m.node("conv1")->name(), has_kernel ? " a kernel of " : " a bias",
                               has_kernel ? ToString(conv1->kernel) : ""));
  }
  return {};
}

Condition GroupsNest(const Match& m) {
  const int64_t group1 = GetInt(m.node("conv1")->attributes(), "group", 1);
  const int64_t group2 = GetInt(m.root()->attributes(), "group", 1);
  return Unless(group1 % group2 != 0 && group2 % group1 != 0,
                absl::StrCat(m.node("conv1")->name(), " has ", group1, " groups, ",
                             m.root()->name(), " ", group2));
}

Condition FoldConvConvHolds(const Match& m) {
  return All({HasSingleReader(m, "conv1"), IsConstant(m, "w1"), IsConstant(m, "b1"),
              IsConstant(m, "w2"), IsConstant(m, "b2"), HasKnownPads(m, "conv1"),
              HasKnownPads(m, "conv2"), GroupsNest(m), BordersAgree(m)});
}

absl::StatusOr<Macs> MacsOfPair(const Match& m, const ConvPair& chain, const CostModel& costs) {
  Prices apart(m.graph().registry(), costs), folded(m.graph().registry(), costs);
  const TensorType& image = m["x"].type();
  WEFT_ASSIGN_OR_RETURN(Value x, apart.AddImage(image));
  WEFT_ASSIGN_OR_RETURN(x, apart.AddConv(x, chain.w1, AttributesOf(chain.conv1)));
  WEFT_RETURN_IF_ERROR(apart.AddConv(x, chain.w2, AttributesOf(chain.conv2)).status());
  WEFT_ASSIGN_OR_RETURN(x, folded.AddImage(image));
  WEFT_RETURN_IF_ERROR(folded.AddConv(x, chain.w, AttributesOf(chain.product)).status());
  return Macs{apart.macs(), folded.macs()};
}

Dims TapRange(int64_t first, size_t count) {
  Dims range(count);
  std::iota(range.begin(), range.end(), first);
  return range;
}

Value Permuted(Rewriter& r, Value v, const Dims& split, const Dims& perm) {
  return r.Op("Transpose", {r.Op("Reshape", {v, r.Ints(split)})}, {{"perm", perm}});
}

// `taps` of one kernel at each place of another. The channels between are what is summed over; the
// others of `image` are its last axis, which is quicker to run over than a batch is.
Value Spread(Rewriter& r, Value image, Value taps, Dims strides, Dims dilations, int64_t group) {
  strides.push_back(1);
  dilations.push_back(1);
  return r.Op("ConvTranspose", {image, taps},
              {{"strides", strides}, {"dilations", dilations}, {"group", group}});
}

// The product of the weights, before it is reshaped to chain.w. The image is made of the weights
// with fewer groups.
Value Product(const Match& m, Rewriter& r, const ConvPair& chain) {
  const Dims &k1 = chain.conv1.kernel, &k2 = chain.conv2.kernel, &k = chain.product.kernel;
  const size_t n = k.size();
  const int64_t last = static_cast<int64_t>(n) + 1;
  const int64_t between = chain.w1[0], in1 = chain.w1[1], in2 = chain.w2[1], in = chain.w[1];
  const int64_t group1 = chain.conv1.group, group2 = chain.conv2.group;
  const int64_t out = chain.w2[0], out2 = out / group2;
  const auto reshaped = [&](Value v, std::initializer_list<Dims> parts) {
    return r.Op("Reshape", {v, r.Ints(Join(parts))});
  };
  const Dims split2 = Join({{group2, out2, in2}, k2});
  if (group2 <= group1) {
    const Value moved = Permuted(r, m["w2"], split2, Join({{0}, TapRange(2, n + 1), {1}}));
    const Value image = reshaped(moved, {{1, between}, k2, {out2}});
    const Value taps = reshaped(m["w1"], {{between, in1}, k1, {1}});
    const Value w = Spread(r, image, taps, chain.step2, chain.step1, group1);
    return Permuted(r, w, Join({{group2, in}, k, {out2}}),
                    Join({{0, last + 1, 1}, TapRange(2, n)}));
  }
  const Value moved = Permuted(r, m["w1"], chain.w1, Join({{0}, TapRange(2, n), {1}}));
  const Value image = reshaped(moved, {{1, between}, k1, {in1}});
  const Value swapped = Permuted(r, m["w2"], split2, Join({{0, 2, 1}, TapRange(3, n)}));
  const Value taps = reshaped(swapped, {{between, out2}, k2, {1}});
  const Value w = Spread(r, image, taps, chain.step1, chain.step2, group2);
  return Permuted(r, w, Join({{out}, k, {in1}}), Join({{0, last}, TapRange(1, n)}));
}

// conv2 over an image that is b1 everywhere.
Value Bias(const Match& m, Rewriter& r, const ConvPair& chain) {
  const Value b1 = m["b1"], b2 = m["b2"];
  if (b1.null()) return b2;
  const size_t n = chain.conv1.rank();
  const Value sums = r.Op("ReduceSum", {m["w2"]}, {{"axes", TapRange(2, n)}});
  const Value image = r.Op("Reshape", {b1, r.Ints(Join({{1, chain.w1[0]}, Dims(n, 1)}))});
  const Value moved = r.Op("Conv", {image, sums, b2}, {{"group", chain.conv2.group}});
  return r.OpAs(b2 ? b2.node->name() : m.root()->name() + ".bias", "Reshape",
                {moved, r.Ints({chain.w[0]})});
}

std::vector<Value> FoldConvConvReplace(const Match& m, Rewriter& r) {
  const Node &conv1 = *m.node("conv1"), &conv2 = *m.root();
  const absl::StatusOr<ConvPair> chain = ReadChain(m);
  if (!chain.ok()) return r.Decline(std::string(chain.status().message()));
  const absl::StatusOr<Macs> macs = MacsOfPair(m, *chain, *r.options().costs);
  if (!macs.ok()) return r.Decline(std::string(macs.status().message()));
  if (macs->combined >= macs->apart) {
    return r.Decline(absl::StrCat("folded with ", conv1.name(), " it would take ",
                                  WithCommas(macs->combined), " MACs an example, apart they take ",
                                  WithCommas(macs->apart)));
  }
  const Value w =
      r.OpAs(m["w2"].node->name(), "Reshape", {Product(m, r, *chain), r.Ints(chain->w)});
  const Value conv =
      r.OpAs(conv2.name(), "Conv", {m["x"], w, Bias(m, r, *chain)}, AttributesOf(chain->product));
  // Where strides of both cut a symbolic extent, its two formulas have one value but differ.
  if (r.ok() && conv.type() != conv2.type()) {
    return r.Decline(absl::StrCat("folded with ", conv1.name(), " it would be ",
                                  ToString(conv.type()), ", not ", ToString(conv2.type())));
  }
  return {conv};
}

}  // namespace

Pass FoldConvConv() {
  return ToPass(
      {.name = "fold_conv_conv",
       .doc = "make one of two convolutions in a row where that takes fewer MACs",
       .pattern =
           Op("Conv",
              {Op("Conv", {Any().As("x"), Any().As("w1"), Any().As("b1").Optional()}).As("conv1"),
               Any().As("w2"), Any().As("b2").Optional()})
               .As("conv2"),
       .conditions = FoldConvConvHolds,
       .rewrite = FoldConvConvReplace});
}

}  // namespace weft
