// Padding that is a node of its own becomes that of the window behind it, where it fills in what
// the window would: zeros for Conv and an AveragePool that counts them, -infinity for MaxPool.
//
//   conv(pad(x, p))  =>  conv(x) {pads + p}
//
// An AveragePool without padding of its own counts whatever it reads, so it counts its padding
// then.

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/linear/linear.h"
#include "passes/rule.h"

namespace weft {
namespace {

// What Pad adds to the axes: all begins, then all ends. Its arguments are constants.
Dims PadsOf(const Node& pad) {
  const int64_t rank = pad.type().rank();
  const Tensor& amounts = *ConstantValue(pad.input(1));
  const Tensor* axes = ConstantValue(pad.input(3));
  Dims pads(static_cast<size_t>(2 * rank));
  for (int64_t i = 0; i < amounts.size() / 2; ++i) {
    int64_t axis = axes == nullptr ? i : static_cast<int64_t>(axes->At(i));
    if (axis < 0) axis += rank;
    pads[static_cast<size_t>(axis)] = static_cast<int64_t>(amounts.At(i));
    pads[static_cast<size_t>(rank + axis)] =
        static_cast<int64_t>(amounts.At(i + amounts.size() / 2));
  }
  return pads;
}

// Both begins and ends of the spatial axes.
Dims SpatialPadsOf(const Node& pad) {
  const Dims pads = PadsOf(pad);
  const std::ptrdiff_t rank = pad.type().rank();
  Dims spatial(pads.begin() + 2, pads.begin() + rank);
  spatial.insert(spatial.end(), pads.begin() + rank + 2, pads.end());
  return spatial;
}

bool PadsAnything(const Node& node) {
  const Dims pads = GetInts(node.attributes(), "pads");
  return std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p != 0; });
}

Condition FillsAsTheWindow(const Match& m) {
  const bool takes_largest = m.root()->op_name() == "MaxPool";
  const double expected = takes_largest ? -std::numeric_limits<double>::infinity() : 0;
  const Tensor* value = ConstantValue(m["value"]);
  const double actual = value == nullptr ? 0 : value->At(0);
  return Unless(actual != expected,
                absl::StrCat(m.node("pad")->name(), " fills in ", actual, ", not ", expected));
}

Condition PadsSpaceOnly(const Match& m) {
  const Node& pad = *m.node("pad");
  const Dims pads = PadsOf(pad);
  const size_t rank = pads.size() / 2;
  return All(
      {Unless(std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p < 0; }),
              absl::StrCat(pad.name(), " crops by ", ToString(pads))),
       Unless(rank < 3 || pads[0] != 0 || pads[1] != 0 || pads[rank] != 0 || pads[rank + 1] != 0,
              absl::StrCat(pad.name(), " pads more than the spatial axes: ", ToString(pads)))});
}

Condition TakesPads(const Match& m) {
  const Node& window = *m.root();
  const std::string auto_pad = GetString(window.attributes(), "auto_pad");
  const bool average = window.op_name() == "AveragePool";
  const bool counts = GetInt(window.attributes(), "count_include_pad") != 0;
  return All({Unless(auto_pad.starts_with("SAME"),
                     absl::StrCat(window.name(), " has auto_pad ", auto_pad)),
              Unless(average && !counts && PadsAnything(window),
                     absl::StrCat(window.name(), " does not count its padding")),
              Unless(window.num_outputs() > 1,
                     absl::StrCat(window.name(), " has indices, which count the padding"))});
}

Condition FoldPadHolds(const Match& m) {
  const std::string mode = GetString(m.node("pad")->attributes(), "mode");
  Condition pad =
      All({HasSingleReader(m, "pad"),
           Unless(mode != "constant", absl::StrCat(m.node("pad")->name(), " is in mode ", mode)),
           IsConstant(m, "pads"), IsConstant(m, "value"), IsConstant(m, "axes")});
  if (!pad.holds) return pad;
  return All({FillsAsTheWindow(m), PadsSpaceOnly(m), TakesPads(m)});
}

AttributeMap PaddedAttributes(const Node& window, const Node& pad) {
  AttributeMap attributes = window.attributes();
  Dims pads = SpatialPadsOf(pad);
  const Dims own = GetInts(attributes, "pads", Dims(pads.size()));
  for (size_t i = 0; i < pads.size(); ++i) pads[i] += own[i];
  attributes.insert_or_assign("pads", std::move(pads));
  attributes.insert_or_assign("auto_pad", "NOTSET");  // VALID allows no pads
  if (window.op_name() == "AveragePool") attributes.insert_or_assign("count_include_pad", 1);
  return attributes;
}

// Pools want pads below their kernel's span, which is checked where the image is known: here in
// time.
bool IsWithinTheWindow(const Node& window, const AttributeMap& attributes) {
  if (window.op_name() == "Conv") return true;
  const Dims pads = GetInts(attributes, "pads"), kernel = GetInts(attributes, "kernel_shape");
  const Dims dilations = GetInts(attributes, "dilations", Dims(kernel.size(), 1));
  for (size_t i = 0; i < pads.size(); ++i) {
    const size_t axis = i % kernel.size();
    if (pads[i] > dilations[axis] * (kernel[axis] - 1)) return false;
  }
  return true;
}

std::vector<Value> FoldPadReplace(const Match& m, Rewriter& r) {
  const Node& window = *m.root();
  std::vector<Value> inputs(window.inputs().begin(), window.inputs().end());
  inputs[0] = m["x"];
  AttributeMap attributes = PaddedAttributes(window, *m.node("pad"));
  if (!IsWithinTheWindow(window, attributes)) {
    return r.Decline(absl::StrCat(window.name(), " would have pads ",
                                  attributes.at("pads").ToString(), " beyond its kernel's span"));
  }
  // Of a symbolic extent, two formulas may have one value but differ.
  const auto types = window.op().infer(InferContext(window.name(), inputs, attributes, 1));
  if (!types.ok()) {
    return r.Decline(absl::StrCat(window.name(), " would have pads ",
                                  attributes.at("pads").ToString(), ": ",
                                  types.status().message()));
  }
  if ((*types)[0] != window.type()) {
    return r.Decline(absl::StrCat(window.name(), " would be ", ToString((*types)[0]), ", not ",
                                  ToString(window.type())));
  }
  return {r.OpAs(window.name(), std::string(window.op_name()), std::move(inputs),
                 std::move(attributes))};
}

}  // namespace

Pass FoldPad() {
  return ToPass(
      {.name = "fold_pad",
       .doc = "make a Pad that fills in what the convolution or pool after it would its padding",
       .pattern = OneOf({"Conv", "AveragePool", "MaxPool"},
                        {Op("Pad", {Any().As("x"), Any().As("pads"), Any().As("value").Optional(),
                                    Any().As("axes").Optional()})
                             .As("pad"),
                         Rest()}),
       .conditions = FoldPadHolds,
       .rewrite = FoldPadReplace});
}

}  // namespace weft
