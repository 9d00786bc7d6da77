#include "passes/conv_form.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

bool AreAll(const Dims& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == value; });
}

bool KnowsPads(const absl::StatusOr<ConvForm>& form) {
  return form.ok() && form->auto_pad == AutoPad::kNotSet;
}

// In the words of a near-miss.
std::string PadsText(const Node& node, const absl::StatusOr<ConvForm>& form) {
  if (!form.ok()) return absl::StrCat("unknown pads: ", form.status().message());
  const std::string auto_pad = GetString(node.attributes(), "auto_pad", "NOTSET");
  if (auto_pad != "NOTSET") return "auto_pad " + auto_pad;
  return "pads " + ToString(GetInts(node.attributes(), "pads"));
}

// What auto_pad comes to for a Conv whose image has known extents.
absl::Status ResolvePads(const Node& conv, ConvForm& form) {
  const Shape &x = conv.input(0).type().shape, &w = conv.input(1).type().shape;
  Dims image = {1, form.group}, weights = {form.group, 1};
  for (size_t axis = 2; axis < x.size(); ++axis) {
    if (!x[axis].is_static()) return absl::OkStatus();
    image.push_back(x[axis].coefficient());
    weights.push_back(w[axis].coefficient());
  }
  WEFT_ASSIGN_OR_RETURN(const ConvWindow window, ReadConvWindow(conv.attributes(), image, weights));
  form.pads = window.pads_begin;
  form.pads.insert(form.pads.end(), window.pads_end.begin(), window.pads_end.end());
  form.auto_pad = AutoPad::kNotSet;
  return absl::OkStatus();
}

}  // namespace

bool ConvForm::IsPointwise() const {
  return AreAll(kernel, 1) && AreAll(pads, 0) && auto_pad == AutoPad::kNotSet;
}

absl::StatusOr<ConvForm> FormOf(const Node& node) {
  const bool is_conv = node.op_name() == "Conv" || node.op_name() == "FusedConv";
  Dims kernel = GetInts(node.attributes(), "kernel_shape");
  if (is_conv) {
    const Shape& w = node.input(1).type().shape;
    WEFT_ASSIGN_OR_RETURN(kernel, StaticDims(Shape(w.begin() + 2, w.end())));
  }
  WEFT_ASSIGN_OR_RETURN(WindowAttributes window,
                        ReadWindowAttributes(node.attributes(), std::move(kernel)));
  ConvForm form{std::move(window), GetInt(node.attributes(), "group", 1)};
  // A kernel of one tap fits without padding whatever the stride.
  if (form.auto_pad == AutoPad::kValid || AreAll(form.kernel, 1)) form.auto_pad = AutoPad::kNotSet;
  if (is_conv && form.auto_pad != AutoPad::kNotSet) {
    WEFT_RETURN_IF_ERROR(ResolvePads(node, form));
  }
  return form;
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
  const absl::StatusOr<ConvForm> form = FormOf(node);
  return Unless(!KnowsPads(form), absl::StrCat(node.name(), " has ", PadsText(node, form)));
}

Condition HasNoPadding(const Match& match, std::string_view name) {
  const Node& node = *match.node(name);
  const absl::StatusOr<ConvForm> form = FormOf(node);
  return Unless(!KnowsPads(form) || !AreAll(form->pads, 0),
                absl::StrCat(node.name(), " has ", PadsText(node, form)));
}

}  // namespace weft
