#include "passes/combine/conv_form.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

bool AreAll(const Dims& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == value; });
}

}  // namespace

bool ConvForm::IsPointwise() const {
  return AreAll(kernel, 1) && AreAll(pads, 0) && auto_pad == AutoPad::kNotSet;
}

absl::StatusOr<ConvForm> FormOf(const Node& node) {
  Dims kernel = GetInts(node.attributes(), "kernel_shape");
  if (node.op_name() == "Conv") {
    const Shape& w = node.input(1).type().shape;
    WEFT_ASSIGN_OR_RETURN(kernel, StaticDims(Shape(w.begin() + 2, w.end())));
  }
  WEFT_ASSIGN_OR_RETURN(WindowAttributes window,
                        ReadWindowAttributes(node.attributes(), std::move(kernel)));
  if (window.auto_pad == AutoPad::kValid) window.auto_pad = AutoPad::kNotSet;
  return ConvForm{std::move(window), GetInt(node.attributes(), "group", 1)};
}

AttributeMap AttributesOf(const ConvForm& form) {
  AttributeMap attributes;
  if (!AreAll(form.strides, 1)) attributes["strides"] = form.strides;
  if (!AreAll(form.pads, 0)) attributes["pads"] = form.pads;
  if (!AreAll(form.dilations, 1)) attributes["dilations"] = form.dilations;
  if (form.group != 1) attributes["group"] = form.group;
  return attributes;
}

Condition HasKnownPads(const Match& match, std::string_view name) {
  if (match[name].null()) return {};
  const Node& node = *match.node(name);
  const std::string auto_pad = GetString(node.attributes(), "auto_pad", "NOTSET");
  return Unless(auto_pad != "NOTSET" && auto_pad != "VALID",
                absl::StrCat(node.name(), " has auto_pad ", auto_pad));
}

}  // namespace weft
