// Ops that move elements and make shapes.

#include <algorithm>
#include <limits>
#include <numeric>

#include "frontend/onnx/import/halves.h"
#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/tensor_proto.h"
#include "ops/non_zero.h"

namespace weft {
namespace {

// A list of integers that is an operand today and was an attribute before opset `since`.
Value ListOperand(ImportContext& c, int operand, std::string_view attribute, int since) {
  if (c.opset() >= since) {
    // ONNX's own functions write one axis as a scalar.
    const Tensor* known = c.constant(operand);
    const bool is_scalar = known != nullptr && known->dims().empty();
    return is_scalar ? c.Ints({static_cast<int64_t>(known->At(0))}) : c.in(operand);
  }
  return c.Has(attribute) ? c.Ints(c.Ints(attribute)) : Value();
}

// allowzero says what a dim of 0 means: nothing where the target has none, as in every Reshape that
// PyTorch's newer exporter writes.
std::vector<Value> Reshape(ImportContext& c) {
  const Value x = c.in(0);
  const ShapeValue* target = c.shape(1);
  const bool may_have_zero =
      target == nullptr ||
      std::ranges::any_of(target->elements, [](const auto& dim) { return !dim || *dim == Dim(0); });
  if (!c.ok() || (c.Int("allowzero") != 0 && may_have_zero)) return ImportSame(c);
  if (target != nullptr && c.constant(1) == nullptr) {
    // Symbols as far as a shape that is a constant can say them.
    if (const auto shape = ReshapeArgument(c.TypeOf(x).shape, target->elements)) {
      return ImportOp(c,
                      {.op = "Reshape", .inputs = {x, c.Ints(*shape)}, .ignored = {"allowzero"}});
    }
  }
  return ImportOp(c, {.op = "Reshape", .inputs = {x, c.in(1)}, .ignored = {"allowzero"}});
}

std::vector<Value> Squeeze(ImportContext& c) {
  return ImportOp(
      c,
      {.op = "Squeeze", .inputs = {c.in(0), ListOperand(c, 1, "axes", 13)}, .ignored = {"axes"}});
}

std::vector<Value> Unsqueeze(ImportContext& c) {
  return ImportOp(
      c,
      {.op = "Unsqueeze", .inputs = {c.in(0), ListOperand(c, 1, "axes", 13)}, .ignored = {"axes"}});
}

std::vector<Value> Split(ImportContext& c) {
  const Value split = ListOperand(c, 1, "split", 13);
  AttributeMap attributes;
  if (split.null()) {
    // Since opset 18 an attribute, whose last piece may be smaller.
    // Pieces without a name are pieces too.
    const int outputs = c.num_output_places();
    const auto pieces = c.Int("num_outputs", outputs);
    if (pieces != outputs) {
      c.Fail(absl::InvalidArgumentError(
          absl::StrCat("expected num_outputs to be its ", outputs, " outputs, got ", pieces)));
    }
    attributes.emplace("num_outputs", pieces);
  }
  return ImportOp(c, {.op = "Split",
                      .inputs = {c.in(0), split},
                      .attributes = std::move(attributes),
                      .ignored = {"split"}});
}

std::vector<Value> Slice(ImportContext& c) {
  if (c.opset() >= 10) return ImportSame(c);
  const Value axes = c.Has("axes") ? c.Ints(c.Ints("axes")) : Value();
  return ImportOp(c, {.op = "Slice",
                      .inputs = {c.in(0), c.Ints(c.Ints("starts")), c.Ints(c.Ints("ends")), axes},
                      .ignored = {"starts", "ends", "axes"}});
}

std::vector<Value> Pad(ImportContext& c) {
  if (c.opset() >= 11) return ImportSame(c);
  const Value x = c.in(0);
  if (!c.ok()) return {};
  return ImportOp(
      c, {.op = "Pad",
          .inputs = {x, c.Ints(c.Ints("pads")), c.Scalar(c.Float("value"), c.TypeOf(x).dtype)},
          .ignored = {"pads", "value"}});
}

std::vector<Value> Scatter(ImportContext& c) {
  return ImportOp(c, {.op = "ScatterElements", .inputs = c.ins()});
}

// Whether copies of x fill `like`, no more and no less.
bool Fills(const TensorType& x, const TensorType& like) {
  const int lead = like.rank() - x.rank();
  for (int axis = 0; lead >= 0 && axis < x.rank(); ++axis) {
    if (x.dim(axis) != Dim(1) && x.dim(axis) != like.dim(axis + lead)) return false;
  }
  return lead >= 0;
}

// To the symbolic shape of another value: of that very shape, which only ExpandLike can say.
std::vector<Value> Expand(ImportContext& c) {
  const Value x = c.in(0);
  const Value like = c.constant(1) == nullptr ? c.ShapeSource(1) : Value();
  if (!like || !Fills(c.TypeOf(x), c.TypeOf(like))) return ImportSame(c);
  return {c.Result("ExpandLike", {x, like})};
}

std::vector<Value> ConstantOfShape(ImportContext& c) {
  const Value like = c.constant(0) == nullptr ? c.ShapeSource(0) : Value();
  if (!like) return ImportSame(c);
  auto element = c.Has("value") ? ImportedTensor(c.Find("value")->t())
                                : absl::StatusOr<Tensor>(Tensor::Scalar(0, DType::kF32));
  if (element.ok()) element = element->Reshaped({});
  if (!element.ok()) return {c.Fail(element.status())};
  return {c.Result("ExpandLike", {c.Constant(*std::move(element)), like})};
}

// Half of what an axis lacks or has too much is at its start, rounded down: a Pad whose negative
// pads crop.
std::vector<Value> CenterCropPad(ImportContext& c) {
  const Value x = c.in(0);
  const auto sizes = c.KnownInts(1, "shape");
  if (!sizes || !c.ok()) return {};
  const TensorType& type = c.TypeOf(x);
  std::vector<int64_t> axes = c.Ints("axes");
  if (!c.Has("axes")) {
    axes.resize(static_cast<size_t>(type.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (axes.size() != sizes->size()) {
    c.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected a shape of ", axes.size(), " axes, got ", ToString(*sizes))));
    return {};
  }
  std::vector<int64_t> pads(2 * axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const absl::StatusOr<int> axis = NormalizeAxis(axes[i], type.rank());
    if (!axis.ok()) return {c.Fail(axis.status())};
    if (!type.dim(*axis).is_static()) {
      return {c.Unsupported(absl::StrCat("an axis of ", type.dim(*axis).ToString(),
                                         " is not supported, only of known extent"))};
    }
    const int64_t extent = type.dim(*axis).coefficient(), size = (*sizes)[i];
    if (size < 0) {
      return {c.Fail(absl::InvalidArgumentError(
          absl::StrCat("expected sizes of at least 0 as shape, got ", ToString(*sizes))))};
    }
    pads[i] = size >= extent ? (size - extent) / 2 : -((extent - size) / 2);
    pads[axes.size() + i] = size - extent - pads[i];
  }
  return {c.Result("Pad", {x, c.Ints(pads), Value(), c.Ints(axes)})};
}

// The columns [rank,n] of coordinates of what is not 0: a constant of a constant; otherwise those
// of our NonZero, which has as many as there can be.
Value NonZeroColumns(ImportContext& c, int i, Value x) {
  if (const Tensor* known = c.constant(i)) {
    const TensorView view = ViewOf(*known);
    auto columns = Tensor::Zeros(DType::kI64, {known->rank(), CountNonZeros(view)});
    if (!columns.ok()) return c.Fail(columns.status());
    if (!c.budget().Spend(0, static_cast<double>(columns->bytes()))) {
      return c.Unsupported("so many elements that are not 0 are not supported");
    }
    FillNonZeros(view, columns->dims()[1], columns->mutable_values<int64_t>().data());
    return c.Constant(*std::move(columns));
  }
  const Node* node = c.OpNode("NonZero", {x}, {}, 2);
  if (node == nullptr) return {};
  return c.Op("Slice", {node->output(0), c.Ints({0}), node->output(1), c.Ints({1})});
}

std::vector<Value> NonZero(ImportContext& c) { return {NonZeroColumns(c, 0, c.in(0))}; }

// The different slices, or elements, and where they are: of our Unique, which has as many as there
// can be, those that there are.
std::vector<Value> Unique(ImportContext& c) {
  const Value x = c.in(0);
  AttributeMap attributes = {{"sorted", c.Int("sorted", 1)}};
  if (c.Has("axis")) attributes["axis"] = c.Int("axis");
  const Node* node = c.OpNode("Unique", {x}, std::move(attributes), 5);
  if (node == nullptr) return {};
  const auto found = [&](int i, int64_t axis) {
    return c.Op("Slice", {node->output(i), c.Ints({0}), node->output(4), c.Ints({axis})});
  };
  std::vector<Value> outputs = {found(0, c.Int("axis"))};
  if (c.num_outputs() > 1) outputs.push_back(found(1, 0));
  if (c.num_outputs() > 2) outputs.push_back(node->output(2));
  if (c.num_outputs() > 3) outputs.push_back(found(3, 0));
  return outputs;
}

// The elements along an axis, or of the whole, whose condition holds.
std::vector<Value> Compress(ImportContext& c) {
  const Value x = c.in(0), condition = c.in(1);
  if (!c.ok()) return {};
  const TensorType& type = c.TypeOf(condition);
  if (type.rank() != 1 || type.dtype != DType::kBool) {
    c.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected a condition of bools along one axis, got ", ToString(type))));
    return {};
  }
  const Value places = c.Op("Reshape", {NonZeroColumns(c, 1, condition), c.Ints({-1})});
  const Value data = c.Has("axis") ? x : c.Op("Reshape", {x, c.Ints({-1})});
  return ImportOp(
      c, {.op = "Gather", .inputs = {data, places}, .attributes = {{"axis", c.Int("axis")}}});
}

}  // namespace

std::vector<OnnxOp> ShapeImports() {
  return {{"Compress", Compress},
          {"CenterCropPad", CenterCropPad, {1}},
          {"Col2Im", ImportSame, {1, 2}},
          {"Concat", ImportSame},
          {"ConstantOfShape", ConstantOfShape, {0}},
          {"DepthToSpace", ImportSame},
          {"Expand", Expand, {1}},
          {"EyeLike", ImportSame},
          {"Flatten", ImportSame},
          {"Gather", ImportSame},
          {"GatherElements", ImportSame},
          {"GatherND", ImportSame},
          {"NonZero", NonZero},
          {"OneHot", ImportSame, {1}},
          {"Pad", Pad, {1, 3}},
          {"Range", ImportSame, {0, 1, 2}},
          {"Reshape", Reshape, {1}},
          {"ReverseSequence", ImportSame},
          {"Scatter", Scatter},
          {"ScatterElements", ImportSame},
          {"ScatterND", ImportSame},
          {"Shape", ImportSame},
          {"Size", ImportSame},
          {"Slice", Slice, {1, 2, 3, 4}},
          {"SpaceToDepth", ImportSame},
          {"Split", Split, {1}},
          {"Squeeze", Squeeze, {1}},
          {"Tile", ImportSame, {1}},
          {"Transpose", ImportSame},
          {"Trilu", ImportSame},
          {"Unique", Unique},
          {"Unsqueeze", Unsqueeze, {1}}};
}

}  // namespace weft
