#ifndef WEFT_PASSES_CONV_FORM_H_
#define WEFT_PASSES_CONV_FORM_H_

#include "ops/window.h"
#include "passes/rule.h"

namespace weft {

// How a Conv, or a pooling, goes over its image, with what its attributes leave out filled in.
// auto_pad is resolved where it says VALID, where the kernel has one tap and, for a Conv, where the
// image's extents are known.
struct ConvForm : WindowAttributes {
  int64_t group = 1;

  size_t rank() const { return kernel.size(); }  // spatial axes
  // Reads one element for one output: all kernels are 1, without pads.
  bool IsPointwise() const;
};

// Of a Conv or FusedConv, AveragePool or MaxPool. Errors: weights of extents that are not known.
absl::StatusOr<ConvForm> FormOf(const Node& node);
// Those of a Conv of this form, without what is the default.
AttributeMap AttributesOf(const ConvForm& form);

// Its pads are known, or there is none of the name. (Another node than one of FormOf has none.)
Condition HasKnownPads(const Match& match, std::string_view name);
// It has none for the image that it has.
Condition HasNoPadding(const Match& match, std::string_view name);

}  // namespace weft

#endif  // WEFT_PASSES_CONV_FORM_H_
