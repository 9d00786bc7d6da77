// A convolution of an image whose elements are repeated reads the same element by several taps.
// Those are one tap of a transposed convolution of the image as it was:
//
//   a a b b  (3 taps, at b times the extent)      a b  (b + 2 taps, stride b)
//   a a b b                                  =>   c d
//   conv(resize(x) {b times}, w, bias)            conv_transpose(x, v, bias) {strides=[b, b]}
//
// Output o reads the repeated u = o - pad + t by tap t, which is element i = u / b; and of i by tap
// s = o + (k-1-pad) - b*i. So v[s] is the sum of the w[t] with 0 <= s + t - (k-1) < b: the sums of
// b neighbours of w, turned round. Its k+b-1 taps take (k+b-1)^2 MACs an element of x, those of w
// b*b*k*k: 16 for 36 where a 3x3 follows a doubling. The border is the same zeros: what no element
// of x is, no repeated one is either.

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/number_text.h"
#include "passes/clean/growth.h"
#include "passes/conv_form.h"
#include "passes/prices.h"
#include "passes/resample/repeats.h"
#include "passes/resample/resample.h"

namespace weft {
namespace {

constexpr int64_t kMostRepeats = 4;  // v is larger than w

Condition RepeatsSeldom(const Match& m) {
  const Node& resize = *m.node("resize");
  const std::optional<Dims> times = RatiosOf(resize);
  if (!times || std::ranges::max(*times) <= kMostRepeats) return {};
  return Unless(true, absl::StrCat(resize.name(), " makes the image ",
                                   ToString(Dims(times->begin() + 2, times->end())), " as large"));
}

Condition FoldResizeHolds(const Match& m) {
  const TensorType& w = m["w"].type();
  const Condition fits = All({HasSingleReader(m, "resize"), IsConstant(m, "w"),
                              HasOneGroup(m, "conv"), HasKnownPads(m, "conv"), RepeatsSeldom(m),
                              Unless(std::count(w.shape.begin(), w.shape.end(), Dim(0)) > 0,
                                     absl::StrCat(m["w"].ToString(), " has no elements"))});
  return fits.holds ? RepeatsElements(m, "resize") : fits;
}

// The transposed convolution, with the kernel's extents. Errors: say why there is none.
absl::StatusOr<ConvForm> FormOfTransposed(const Match& m, const ConvForm& conv,
                                          const Dims& repeats) {
  const std::string& name = m.node("conv")->name();
  const Dims ones(conv.rank(), 1);
  if (conv.strides != ones || conv.dilations != ones) {
    return absl::InvalidArgumentError(absl::StrCat(name, " has strides ", ToString(conv.strides),
                                                   " and dilations ", ToString(conv.dilations)));
  }
  ConvForm form = conv;
  form.strides = repeats;
  for (size_t i = 0; i < conv.pads.size(); ++i) {
    form.pads[i] = conv.kernel[i % conv.rank()] - 1 - conv.pads[i];
    if (form.pads[i] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " has pads ", ToString(conv.pads), " around its whole kernel"));
    }
  }
  for (size_t i = 0; i < conv.rank(); ++i) form.kernel[i] += repeats[i] - 1;
  return form;
}

Dims DimsOfWeights(int64_t out, int64_t in, const Dims& kernel) {
  Dims dims = {out, in};
  dims.insert(dims.end(), kernel.begin(), kernel.end());
  return dims;
}

absl::StatusOr<Macs> MacsOfBoth(const Match& m, const ConvForm& conv, const ConvForm& transposed,
                                const CostModel& costs) {
  const Dims w = ConstantValue(m["w"])->dims();
  Prices after(m.graph().registry(), costs), before(m.graph().registry(), costs);
  WEFT_ASSIGN_OR_RETURN(Value x, after.AddImage(m["x"].type()));
  TensorType large = x.type();
  for (size_t i = 0; i < conv.rank(); ++i) {
    large.shape[i + 2] = Dim(large.shape[i + 2].coefficient() * transposed.strides[i]);
  }
  WEFT_RETURN_IF_ERROR(after
                           .AddConv(x, DimsOfWeights(w[1], w[0], transposed.kernel),
                                    AttributesOf(transposed), "ConvTranspose")
                           .status());
  WEFT_ASSIGN_OR_RETURN(x, before.AddImage(std::move(large)));
  WEFT_RETURN_IF_ERROR(before.AddConv(x, w, AttributesOf(conv)).status());
  return Macs{before.macs(), after.macs()};
}

// v of w: a convolution with ones sums neighbours.
Value SumsOfNeighbours(const Match& m, Rewriter& r, const Dims& repeats, const Dims& kernel) {
  const Tensor& w = *ConstantValue(m["w"]);
  const size_t rank = repeats.size();
  absl::StatusOr<Tensor> ones = Tensor::Zeros(DType::kF64, DimsOfWeights(1, 1, repeats));
  if (!ones.ok()) return r.Fail(ones.status());
  std::ranges::fill(ones->mutable_values<double>(), 1);
  const absl::StatusOr<Tensor> box = ones->Converted(w.dtype());
  if (!box.ok()) return r.Fail(box.status());
  Dims pads, axes, perm = {1, 0};
  for (size_t i = 0; i < 2 * rank; ++i) pads.push_back(repeats[i % rank] - 1);
  for (size_t i = 2; i < rank + 2; ++i) axes.push_back(static_cast<int64_t>(i));
  perm.insert(perm.end(), axes.begin(), axes.end());
  const Dims apart =
      DimsOfWeights(w.dims()[0] * w.dims()[1], 1, Dims(w.dims().begin() + 2, w.dims().end()));
  const Value images = r.Op("Reshape", {m["w"], r.Ints(apart)});
  const Value sums = r.Op("Conv", {images, r.Constant(*box)}, {{"pads", pads}});
  const Value joined =
      r.Op("Reshape", {sums, r.Ints(DimsOfWeights(w.dims()[0], w.dims()[1], kernel))});
  const Dims back(rank, -1), ends(rank, std::numeric_limits<int64_t>::min());
  const Value turned =
      r.Op("Slice", {joined, r.Ints(back), r.Ints(ends), r.Ints(axes), r.Ints(back)});
  return r.OpAs(m["w"].node->name(), "Transpose", {turned}, {{"perm", perm}});
}

// Why it does not pay; empty where it does.
std::string WhyNot(const Match& m, const ConvForm& conv, const ConvForm& transposed,
                   const CostModel& costs) {
  const absl::StatusOr<Macs> macs = MacsOfBoth(m, conv, transposed, costs);
  if (!macs.ok()) return std::string(macs.status().message());
  if (macs->combined >= macs->apart) {
    return absl::StrCat("transposed it would take ", WithCommas(macs->combined),
                        " MACs an example, as it is ", WithCommas(macs->apart));
  }
  const size_t from = ConstantValue(m["w"])->bytes();
  size_t bytes = from;
  for (size_t i = 0; i < conv.rank(); ++i) {
    bytes = bytes / static_cast<size_t>(conv.kernel[i]) * static_cast<size_t>(transposed.kernel[i]);
  }
  if (MayBeFolded(bytes, from)) return "";
  return absl::StrCat(m["w"].ToString(), " would be ", BytesText(static_cast<double>(bytes)),
                      " made of ", BytesText(static_cast<double>(from)));
}

std::vector<Value> FoldResizeReplace(const Match& m, Rewriter& r) {
  const auto decline = [&](const absl::Status& s) { return r.Decline(std::string(s.message())); };
  const Dims repeats = RepeatsOf(*m.node("resize")).value_or(Dims());
  const absl::StatusOr<ConvForm> conv = FormOf(*m.node("conv"));
  if (!conv.ok()) return decline(conv.status());
  const absl::StatusOr<ConvForm> form = FormOfTransposed(m, *conv, repeats);
  if (!form.ok()) return decline(form.status());
  std::string why_not = WhyNot(m, *conv, *form, *r.options().costs);
  if (!why_not.empty()) return r.Decline(std::move(why_not));
  std::vector<Value> inputs = {m["x"], SumsOfNeighbours(m, r, repeats, form->kernel)};
  if (m["b"]) inputs.push_back(m["b"]);
  const Value y = r.OpAs(m.root()->name(), "ConvTranspose", std::move(inputs), AttributesOf(*form));
  if (r.ok() && y.type() != m.root()->type()) {
    return r.Decline(absl::StrCat("transposed it would be ", ToString(y.type()), ", not ",
                                  ToString(m.root()->type())));
  }
  return {y};
}

}  // namespace

Pass FoldResize() {
  return ToPass(
      {.name = "fold_resize",
       .doc = "make one transposed convolution of a convolution and the enlarging before it",
       .pattern = Op("Conv", {Op("Resize", {Any().As("x"), Rest()}).As("resize"), Any().As("w"),
                              Any().As("b").Optional()})
                      .As("conv"),
       .conditions = FoldResizeHolds,
       .rewrite = FoldResizeReplace});
}

}  // namespace weft
