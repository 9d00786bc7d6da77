// Linear branches of one image whose results are added are one convolution (RepVGG, ACNet,
// MobileOne): each is a kernel within the largest one's.
//
//        x -> conv1 (3x3) -\                       0 0 0
//         \-> conv2 (1x1) - + -> y    =>    w1  +  0 w2 0     x -> conv1 (w, b1 + b2) -> y
//                                                  0 0 0
//
// A branch beside conv1 is a Conv; x itself, a kernel of one 1 a channel; a BatchNormalization at
// inference, the same scaled; or an AveragePool, whose taps are equal. In a longer sum, (z + conv1)
// + conv2, the two convolutions are added first. The taps of a dilated kernel have zeros between
// them (UniRepLKNet). It pays unless the common kernel is much larger than each, as that of 1x3 and
// 3x1 is.
//
// Zeros of a kernel meet elements that the branch did not read: where one is infinite, its
// neighbours in y become NaN.

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/number_text.h"
#include "passes/combine/combine.h"
#include "passes/conv_form.h"
#include "passes/linear/affine.h"
#include "passes/prices.h"
#include "passes/rule.h"

namespace weft {
namespace {

// Where a kernel lies in the common one, on each axis: zeros before it, and how far apart its taps
// are (2: one zero between).
struct Place {
  Dims before, apart;
};

struct Common {
  ConvForm form;
  Place place1, place2;
};

bool IsOp(const Match& m, std::string_view op) {
  return m["other"] && m.node("other")->op_name() == op;
}

// The convolution's weights and bias; a normalization's scale, shift and statistics.
Condition HasConstantWeights(const Match& m) {
  if (m["other"].null()) return {};
  for (const Value& v : m.node("other")->inputs().subspan(1)) {
    if (v && ConstantValue(v) == nullptr) return Unless(true, v.ToString() + " is not a constant");
  }
  return {};
}

// The border counts as zeros, as a convolution takes it.
Condition CountsPads(const Match& m) {
  const AttributeMap& pool = m.node("other")->attributes();
  const std::vector<int64_t> pads = GetInts(pool, "pads");
  const bool is_padded = pads != std::vector<int64_t>(pads.size(), 0);
  return Unless(GetInt(pool, "ceil_mode") != 0 || (is_padded && !GetInt(pool, "count_include_pad")),
                m.node("other")->name() + " does not count what is beyond the border");
}

Condition MergeBranchesHolds(const Match& m) {
  return All({HasSingleReader(m, "conv"), HasSingleReader(m, "inner"),
              IsOp(m, "Conv") ? HasSingleReader(m, "other") : Condition(), IsConstant(m, "w"),
              IsConstant(m, "b"), HasConstantWeights(m), HasKnownPads(m, "conv"),
              HasKnownPads(m, "other"),
              IsOp(m, "BatchNormalization")
                  ? All({IsInMode(m, "other", "inference"), HasFiniteScale(m, "other")})
                  : Condition(),
              IsOp(m, "AveragePool") ? CountsPads(m) : Condition(),
              HaveSameType(m, "conv", m["other"] ? "other" : "x")});
}

absl::StatusOr<ConvForm> FormOfOther(const Match& m, const ConvForm& conv) {
  if (IsOp(m, "Conv")) return FormOf(*m.node("other"));
  ConvForm form{{.kernel = Dims(conv.rank(), 1),
                 .strides = Dims(conv.rank(), 1),
                 .dilations = Dims(conv.rank(), 1),
                 .pads = Dims(2 * conv.rank(), 0)}};
  if (IsOp(m, "AveragePool")) {
    WEFT_ASSIGN_OR_RETURN(form, FormOf(*m.node("other")));
  }
  form.group = conv.group;  // it has as many as one likes
  return form;
}

// The same error whichever branch comes first: a sum matches in both orders.
absl::Status Differ(std::string_view what, const Dims& a, const Dims& b) {
  return absl::InvalidArgumentError(absl::StrCat("the branches have ", Absl(what), " ",
                                                 ToString(std::min(a, b)), " and ",
                                                 ToString(std::max(a, b))));
}

// Adds an axis of a kernel that begins `shift` elements behind the common one, whose taps are
// `step` elements apart; returns how many taps of the common one it reaches.
int64_t AddAxis(const ConvForm& form, size_t axis, int64_t shift, int64_t step, Place& place) {
  const int64_t taps = form.kernel[axis];
  place.before.push_back(shift / step);
  place.apart.push_back(taps > 1 ? form.dilations[axis] / step : 1);
  return place.before[axis] + (taps - 1) * place.apart[axis] + 1;
}

// Lays both over each other, the first taps where they read the same element.
absl::StatusOr<Common> Overlay(const ConvForm& a, const ConvForm& b) {
  if (a.strides != b.strides) return Differ("strides", a.strides, b.strides);
  if (a.group != b.group) return Differ("groups", {a.group}, {b.group});
  Common c;
  c.form = a;
  for (size_t axis = 0, end = a.rank(); axis < a.rank(); ++axis, ++end) {
    const int64_t pad = std::max(a.pads[axis], b.pads[axis]);
    const int64_t shift1 = pad - a.pads[axis], shift2 = pad - b.pads[axis];
    int64_t step = std::gcd(shift1, shift2);
    for (const ConvForm* form : {&a, &b}) {
      if (form->kernel[axis] > 1) step = std::gcd(step, form->dilations[axis]);
    }
    step = std::max<int64_t>(step, 1);
    const int64_t taps1 = AddAxis(a, axis, shift1, step, c.place1);
    const int64_t taps2 = AddAxis(b, axis, shift2, step, c.place2);
    const int64_t taps = std::max(taps1, taps2);
    c.form.kernel[axis] = taps;
    c.form.dilations[axis] = taps == 1 ? 1 : step;
    c.form.pads[axis] = pad;
    c.form.pads[end] += (taps - taps1) * step;
  }
  return c;
}

// Of weights of these channels, [out, in / group].
Dims WeightDims(const Dims& channels, const Dims& kernel) {
  Dims dims = {channels[0], channels[1]};
  dims.insert(dims.end(), kernel.begin(), kernel.end());
  return dims;
}

absl::StatusOr<Macs> MacsOfBranches(const Match& m, const ConvForm& conv, const ConvForm& other,
                                    const ConvForm& common, const CostModel& costs) {
  Prices apart(m.graph().registry(), costs), merged(m.graph().registry(), costs);
  const Dims channels = ConstantValue(m["w"])->dims();
  WEFT_ASSIGN_OR_RETURN(Value x, apart.AddImage(m["x"].type()));
  WEFT_RETURN_IF_ERROR(apart.AddConv(x, channels, AttributesOf(conv)).status());
  if (IsOp(m, "Conv")) {
    const Dims w = WeightDims(channels, other.kernel);
    WEFT_RETURN_IF_ERROR(apart.AddConv(x, w, AttributesOf(other)).status());
  }
  WEFT_ASSIGN_OR_RETURN(x, merged.AddImage(m["x"].type()));
  const Dims w = WeightDims(channels, common.kernel);
  WEFT_RETURN_IF_ERROR(merged.AddConv(x, w, AttributesOf(common)).status());
  return Macs{apart.macs(), merged.macs()};
}

// Weights that take `value` of each tap of a channel to the same channel.
absl::StatusOr<Tensor> Diagonal(DType dtype, const Dims& dims, double value) {
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(DType::kF64, dims));
  const int64_t channels = dims[0], inputs = dims[1];
  const int64_t taps = tensor.size() / std::max<int64_t>(channels * inputs, 1);
  const std::span<double> elements = tensor.mutable_values<double>();
  for (int64_t c = 0; c < channels && inputs > 0; ++c) {
    std::fill_n(elements.begin() + (c * inputs + c % inputs) * taps, taps, value);
  }
  return tensor.Converted(dtype);
}

// Where the taps of a kernel of these extents are in the common one.
std::vector<int64_t> TapsIn(const Dims& common, std::span<const int64_t> kernel,
                            const Place& place) {
  std::vector<int64_t> taps = {0};
  for (size_t axis = 0; axis < common.size(); ++axis) {
    std::vector<int64_t> next;
    for (const int64_t tap : taps) {
      for (int64_t k = 0; k < kernel[axis]; ++k) {
        next.push_back(tap * common[axis] + place.before[axis] + k * place.apart[axis]);
      }
    }
    taps = std::move(next);
  }
  return taps;
}

// Weights in the common kernel. They are computed here, and not by a Pad, because fold_constants
// computes nothing that makes much of little: 31x31 of 1x1.
Value Placed(Rewriter& r, const absl::StatusOr<Tensor>& w, const Dims& common, const Place& place) {
  if (!w.ok()) return r.Fail(w.status());
  absl::StatusOr<Tensor> wide = Tensor::Zeros(w->dtype(), WeightDims(w->dims(), common));
  if (!wide.ok()) return r.Fail(wide.status());
  const std::vector<int64_t> taps = TapsIn(common, std::span(w->dims()).subspan(2), place);
  const int64_t kernels = w->dims()[0] * w->dims()[1];
  const size_t bytes = SizeOf(w->dtype());
  const int64_t step = wide->size() / std::max<int64_t>(kernels, 1);
  const std::byte* from = w->data();
  std::byte* to = wide->mutable_data();
  for (int64_t kernel = 0; kernel < kernels; ++kernel) {
    for (const int64_t tap : taps) {
      std::copy_n(from, bytes, to + static_cast<size_t>(tap) * bytes);
      from += bytes;
    }
    to += static_cast<size_t>(step) * bytes;
  }
  return r.Constant(*std::move(wide));
}

struct Weights {
  Value w;
  Value b;
};

// The factors on the diagonal `ones`, and the shift.
Weights OfBatchNorm(Rewriter& r, const Node& bn, Value ones) {
  const Affine affine = ScaleAndShiftOf(bn, r);
  Dims one_a_filter(static_cast<size_t>(bn.input(0).type().rank()), 1);
  one_a_filter[0] = -1;
  return {r.Op("Mul", {ones, r.Op("Reshape", {affine.scale, r.Ints(one_a_filter)})}), affine.shift};
}

Weights OfOther(const Match& m, Rewriter& r, const ConvForm& form, const Common& c) {
  if (IsOp(m, "Conv")) {
    const Node& conv = *m.node("other");
    return {Placed(r, *ConstantValue(conv.input(1)), c.form.kernel, c.place2), conv.input(2)};
  }
  double taps = 1;
  for (const int64_t extent : form.kernel) taps *= static_cast<double>(extent);
  const Tensor& w = *ConstantValue(m["w"]);
  const Value equal = Placed(r, Diagonal(w.dtype(), WeightDims(w.dims(), form.kernel), 1 / taps),
                             c.form.kernel, c.place2);
  if (IsOp(m, "BatchNormalization")) return OfBatchNorm(r, *m.node("other"), equal);
  return {equal, Value()};
}

std::vector<Value> Build(const Match& m, Rewriter& r, const ConvForm& other_form, const Common& c) {
  const Node& conv = *m.node("conv");
  const Weights other = OfOther(m, r, other_form, c);
  const Value w1 = Placed(r, *ConstantValue(m["w"]), c.form.kernel, c.place1);
  const Value w = r.OpAs(m["w"].node->name(), "Add", {w1, other.w});
  Value b = m["b"] ? m["b"] : other.b;
  if (m["b"] && other.b) b = r.OpAs(m["b"].node->name(), "Add", {m["b"], other.b});
  const Value sum = r.OpAs(conv.name(), "Conv", {m["x"], w, b}, AttributesOf(c.form));
  if (r.ok() && sum.type() != conv.output().type()) {
    return r.Decline(absl::StrCat("merged it would be ", ToString(sum.type()), ", not ",
                                  ToString(conv.output().type())));
  }
  if (m["inner"].null()) return {sum};
  return {r.OpAs(m.root()->name(), "Add", {m["rest"], sum})};
}

std::vector<Value> MergeBranchesReplace(const Match& m, Rewriter& r) {
  const auto decline = [&](const absl::Status& s) { return r.Decline(std::string(s.message())); };
  const absl::StatusOr<ConvForm> conv = FormOf(*m.node("conv"));
  if (!conv.ok()) return decline(conv.status());
  const absl::StatusOr<ConvForm> other = FormOfOther(m, *conv);
  if (!other.ok()) return decline(other.status());
  const absl::StatusOr<Common> common = Overlay(*conv, *other);
  if (!common.ok()) return decline(common.status());
  const absl::StatusOr<Macs> macs =
      MacsOfBranches(m, *conv, *other, common->form, *r.options().costs);
  if (!macs.ok()) return decline(macs.status());
  if (macs->combined > macs->apart) {
    return r.Decline(absl::StrCat("merged they would take ", WithCommas(macs->combined),
                                  " MACs an example, apart they take ", WithCommas(macs->apart)));
  }
  return Build(m, r, *other, *common);
}

}  // namespace

Pass MergeBranches() {
  const Pattern conv =
      Op("Conv", {Any().As("x"), Any().As("w"), Any().As("b").Optional()}).As("conv");
  const Pattern other = Either(
      {OneOf({"Conv", "BatchNormalization", "AveragePool"}, {Any().As("x"), Rest()}).As("other"),
       Any().As("x")});
  return ToPass(
      {.name = "merge_branches",
       .doc = "make one convolution of parallel linear branches whose results are added",
       .pattern =
           Op("Add", {Either({conv, Op("Add", {conv, Any().As("rest")}).As("inner")}), other}),
       .conditions = MergeBranchesHolds,
       .rewrite = MergeBranchesReplace});
}

}  // namespace weft
