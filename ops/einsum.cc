#include "ops/einsum.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

absl::StatusOr<EinsumEquation> EquationOf(const AttributeMap& attributes,
                                          std::span<const int> ranks) {
  return ParseEinsum(GetString(attributes, "equation"), ranks);
}

// Keeps `extent` as that of `label`; those of an ellipsis broadcast.
absl::Status NoteExtent(std::map<Label, Dim>& extents, Label label, const Dim& extent) {
  const auto [it, is_new] = extents.emplace(label, extent);
  Dim& known = it->second;
  const bool broadcasts = label >= kFirstEllipsisLabel && (known == Dim(1) || extent == Dim(1));
  const bool unknown = label < kFirstEllipsisLabel && !(known.is_static() && extent.is_static());
  if (!is_new && known != extent && !broadcasts && !unknown) {
    return absl::InvalidArgumentError(absl::StrCat("expected one extent for label ",
                                                   LabelName(label), ", got ", known.ToString(),
                                                   " and ", extent.ToString()));
  }
  if (broadcasts ? known == Dim(1) : extent.is_static()) known = extent;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorType>> InferEinsum(const InferContext& c) {
  std::vector<int> ranks;
  for (int i = 0; i < c.num_inputs(); ++i) ranks.push_back(c.type(i).rank());
  WEFT_ASSIGN_OR_RETURN(const EinsumEquation equation, EquationOf(c.attributes(), ranks));
  std::map<Label, Dim> extents;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const Labels& labels = equation.operands[static_cast<size_t>(i)];
    for (size_t axis = 0; axis < labels.size(); ++axis) {
      WEFT_RETURN_IF_ERROR(NoteExtent(extents, labels[axis], c.type(i).shape[axis]));
    }
  }
  TensorType type{c.type(0).dtype, {}};
  for (Label label : equation.result) type.shape.push_back(extents.at(label));
  return std::vector<TensorType>{std::move(type)};
}

// Values with the sums' type; an intermediate result is dense.
template <typename T>
struct Factor {
  EinsumView view;
  std::shared_ptr<std::byte> memory;
  std::span<T> values;
};

// Zeros. Errors: not enough memory, of which a product of small operands may need any amount.
template <typename T>
absl::StatusOr<Factor<T>> NewFactor(EinsumView view, int64_t size) {
  Factor<T> factor{std::move(view), AllocateAligned(static_cast<size_t>(size) * sizeof(T)), {}};
  if (factor.memory == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough memory for an intermediate result ", ToString(factor.view.dims)));
  }
  factor.values = {reinterpret_cast<T*>(factor.memory.get()), static_cast<size_t>(size)};
  return factor;
}

// The sum over the labels that `keep` lacks of a's product with b.
template <typename T>
absl::StatusOr<Factor<T>> Contract(const Factor<T>& a, const Factor<T>& b, const Labels& keep) {
  const std::vector<EinsumView> views = {a.view, b.view};
  EinsumView view = DenseView(keep, views);
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(view));
  WEFT_ASSIGN_OR_RETURN(Factor<T> y, NewFactor<T>(std::move(view), size));
  Labels all = keep;
  for (const EinsumView& view : views) {
    for (Label label : view.labels) {
      if (!HasLabel(all, label)) all.push_back(label);
    }
  }
  std::array<std::vector<int64_t>, 3> strides;
  for (Label label : all) {
    strides[0].push_back(a.view.StrideOf(label));
    strides[1].push_back(b.view.StrideOf(label));
    strides[2].push_back(y.view.StrideOf(label));
  }
  ForEachOffset<3>(
      DenseView(all, views).dims, strides, [&](int64_t, const std::array<int64_t, 3>& at) {
        y.values[static_cast<size_t>(at[2])] +=
            a.values[static_cast<size_t>(at[0])] * b.values[static_cast<size_t>(at[1])];
      });
  return y;
}

// The labels of `have` that the result or an operand from `next` on reads.
Labels StillRead(const Labels& have, const EinsumViews& views, size_t next) {
  Labels kept;
  for (Label label : have) {
    bool read = HasLabel(views.result.labels, label);
    for (size_t i = next; i < views.operands.size(); ++i) {
      read |= HasLabel(views.operands[i].labels, label);
    }
    if (read) kept.push_back(label);
  }
  return kept;
}

// Operand by operand from the left, so that what is summed over one operand alone is summed first.
template <typename T>
absl::Status Evaluate(const EvalContext& c, const EinsumViews& views) {
  using Sum = Accumulator<T>;
  WEFT_ASSIGN_OR_RETURN(const Factor<Sum> one, NewFactor<Sum>({}, 1));
  one.values[0] = 1;
  Factor<Sum> product = one;
  for (size_t i = 0; i < views.operands.size(); ++i) {
    const auto values = c.in(static_cast<int>(i)).in<T>();
    WEFT_ASSIGN_OR_RETURN(Factor<Sum> operand,
                          NewFactor<Sum>(views.operands[i], std::ssize(values)));
    std::copy(values.begin(), values.end(), operand.values.begin());
    Labels keep = operand.view.labels;
    for (Label lone : LoneLabels(views, i)) std::erase(keep, lone);
    WEFT_ASSIGN_OR_RETURN(operand, Contract(operand, one, keep));
    keep = product.view.labels;
    for (Label label : operand.view.labels) {
      if (!HasLabel(keep, label)) keep.push_back(label);
    }
    WEFT_ASSIGN_OR_RETURN(product, Contract(product, operand, StillRead(keep, views, i + 1)));
  }
  WEFT_ASSIGN_OR_RETURN(product, Contract(product, one, views.result.labels));
  std::transform(product.values.begin(), product.values.end(), c.out().out<T>().begin(),
                 [](Sum sum) { return static_cast<T>(sum); });
  return absl::OkStatus();
}

absl::StatusOr<EinsumViews> ViewsOf(const AttributeMap& attributes, const std::vector<Dims>& inputs,
                                    const Dims& output) {
  std::vector<int> ranks;
  for (const Dims& dims : inputs) ranks.push_back(static_cast<int>(dims.size()));
  WEFT_ASSIGN_OR_RETURN(const EinsumEquation equation, EquationOf(attributes, ranks));
  return ViewEinsum(equation, inputs, output);
}

absl::Status EvaluateEinsum(const EvalContext& c) {
  std::vector<Dims> inputs;
  for (const TensorView& input : c.inputs)
    inputs.emplace_back(input.dims.begin(), input.dims.end());
  const Dims output(c.out().dims.begin(), c.out().dims.end());
  WEFT_ASSIGN_OR_RETURN(const EinsumViews views, ViewsOf(c.attributes, inputs, output));
  return VisitNumeric(c.out().dtype, [&](auto zero) { return Evaluate<decltype(zero)>(c, views); });
}

// One multiplication for every choice of all labels.
Cost EinsumCost(const CostContext& c) {
  const auto views = ViewsOf(c.attributes, c.inputs, c.outputs[0]);
  if (!views.ok()) return {};
  std::set<Label> seen;
  int64_t macs = 1;
  for (const EinsumView& view : views->operands) {
    for (size_t i = 0; i < view.labels.size(); ++i) {
      if (seen.insert(view.labels[i]).second && __builtin_mul_overflow(macs, view.dims[i], &macs)) {
        macs = std::numeric_limits<int64_t>::max();
      }
    }
  }
  if (c.inputs.size() == 1) return {.flops = static_cast<double>(macs)};
  return {.macs = macs, .flops = 2.0 * static_cast<double>(macs)};
}

// The equation of a gradient, with explicit labels only.
class GradientEquation {
 public:
  explicit GradientEquation(GradientContext& c) : c_(c) {
    std::vector<int> ranks;
    for (const Value& x : c.node()->inputs()) ranks.push_back(x.type().rank());
    auto equation = EquationOf(c.attributes(), ranks);
    if (!equation.ok()) {
      c.Fail(equation.status());
      return;
    }
    equation_ = *std::move(equation);
    for (size_t i = 0; i < ranks.size(); ++i) SeparateBroadcastAxes(static_cast<int>(i));
  }

  // dx_i is the product of dy and the other operands, with x_i's labels. Labels that only x_i has
  // are filled in by ExpandLike; a repeated one becomes two, whose elements off the diagonal are 0.
  Value Of(int i) {
    if (!c_.ok()) return {};
    std::vector<Value> factors = {c_.dy()};
    std::vector<Labels> labels = {equation_.result};
    for (int other = 0; other < c_.node()->num_inputs(); ++other) {
      if (other == i) continue;
      factors.push_back(c_.x(other));
      labels.push_back(equation_.operands[static_cast<size_t>(other)]);
    }
    Labels result;
    std::vector<int64_t> filled;
    const Labels& wanted = equation_.operands[static_cast<size_t>(i)];
    for (size_t axis = 0; axis < wanted.size(); ++axis) {
      Label label = wanted[axis];
      if (HasLabel(result, label)) {
        const Label second = NewLabel();
        factors.push_back(IdentityMatrix(c_.x(i).type().shape[axis]));
        labels.push_back({label, second});
        label = second;
      } else if (std::count(wanted.begin(), wanted.end(), label) > 1 && !IsIn(labels, label)) {
        factors.push_back(Ones(c_.x(i).type().shape[axis]));  // the sum of a diagonal
        labels.push_back({label});
      }
      if (IsIn(labels, label)) {
        result.push_back(label);
      } else {
        filled.push_back(static_cast<int64_t>(axis));
      }
    }
    const Value product = Product(std::move(factors), labels, result);
    if (filled.empty()) return product;
    return c_.Op("ExpandLike", {product, c_.x(i)}, {{"axes", std::move(filled)}});
  }

 private:
  static bool IsIn(const std::vector<Labels>& lists, Label label) {
    return std::any_of(lists.begin(), lists.end(),
                       [&](const Labels& labels) { return HasLabel(labels, label); });
  }

  // An axis of 1 along which operand `i` is broadcast gets a label of its own.
  void SeparateBroadcastAxes(int i) {
    Labels& labels = equation_.operands[static_cast<size_t>(i)];
    for (size_t axis = 0; axis < labels.size(); ++axis) {
      if (labels[axis] < kFirstEllipsisLabel || c_.x(i).type().shape[axis] != Dim(1)) continue;
      const bool kept = HasLabel(equation_.result, labels[axis]);
      if (kept && ExtentInResult(labels[axis]) == Dim(1)) continue;
      labels[axis] = NewLabel();
    }
  }

  Dim ExtentInResult(Label label) const {
    const Labels& result = equation_.result;
    const auto at = std::find(result.begin(), result.end(), label) - result.begin();
    return c_.y().type().shape[static_cast<size_t>(at)];
  }

  Label NewLabel() { return next_label_++; }

  Value IdentityMatrix(const Dim& extent) {
    const int64_t n = StaticExtent(extent);
    std::vector<double> values(static_cast<size_t>(n * n));
    for (int64_t k = 0; k < n; ++k) values[static_cast<size_t>(k * n + k)] = 1;
    return OfValues({n, n}, values);
  }
  Value Ones(const Dim& extent) {
    const int64_t n = StaticExtent(extent);
    return OfValues({n}, std::vector<double>(static_cast<size_t>(n), 1));
  }
  int64_t StaticExtent(const Dim& extent) {
    constexpr int64_t kLargest = 4096;
    if (extent.is_static() && extent.coefficient() <= kLargest) return extent.coefficient();
    c_.Fail(absl::UnimplementedError(
        absl::StrCat("the gradient of a diagonal: expected an extent of at most ", kLargest,
                     " that is known, got ", extent.ToString())));
    return 0;
  }
  Value OfValues(const Dims& dims, const std::vector<double>& values) {
    if (!c_.ok()) return {};
    auto tensor = Tensor::FromValues<double>(dims, values);
    if (tensor.ok()) tensor = tensor->Converted(c_.y().type().dtype);
    return tensor.ok() ? c_.Constant(*std::move(tensor)) : c_.Fail(tensor.status());
  }

  // Einsum, unless it would do nothing.
  Value Product(std::vector<Value> factors, const std::vector<Labels>& labels,
                const Labels& result) {
    if (factors.size() == 1 && labels[0] == result) return factors[0];
    std::string text;
    std::map<Label, char> letters;
    const auto append = [&](const Labels& term) {
      for (Label label : term) {
        const auto [it, is_new] = letters.emplace(label, 'a');
        if (is_new) it->second = Letter(letters.size() - 1);
        text += it->second;
      }
    };
    for (size_t i = 0; i < labels.size(); ++i) {
      if (i > 0) text += ',';
      append(labels[i]);
    }
    text += "->";
    append(result);
    return c_.Op("Einsum", std::move(factors), {{"equation", std::move(text)}});
  }

  char Letter(size_t i) {
    if (i < 52) return static_cast<char>(i < 26 ? 'a' + i : 'A' + (i - 26));
    c_.Fail(absl::UnimplementedError("the gradient: expected at most 52 labels"));
    return 'a';
  }

  GradientContext& c_;
  EinsumEquation equation_;
  Label next_label_ = 2 * kFirstEllipsisLabel;
};

InputGradients EinsumGradient(GradientContext& c) {
  InputGradients gradients(static_cast<size_t>(c.node()->num_inputs()));
  for (int i = 0; i < c.node()->num_inputs(); ++i) {
    if (c.needs(i)) gradients[static_cast<size_t>(i)] = GradientEquation(c).Of(i);
  }
  return gradients;
}

}  // namespace

std::vector<OpDef> EinsumOps() {
  return {
      {.name = "Einsum",
       .doc = "Einstein's sum, as ONNX's: the equation names the axes of every input and of the "
              "result (\"bij,bjk->bik\"); axes of one name run together, those that the result "
              "lacks are summed over. \"...\" stands for further axes, which broadcast; without "
              "\"->\" the result has the ellipsis and the names that appear once, sorted.",
       .inputs = {{.name = "Inputs", .dtypes = kSignedTypes, .arity = Arity::kVariadic}},
       .outputs = {{"Output"}},
       .attributes = {{.name = "equation", .kind = Attribute::Kind::kString, .required = true}},
       .infer = InferEinsum,
       .gradient = EinsumGradient,
       .evaluate = EvaluateEinsum,
       .cost = EinsumCost},
  };
}

}  // namespace weft
