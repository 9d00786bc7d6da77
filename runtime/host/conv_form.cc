#include "runtime/host/conv_form.h"

#include <algorithm>

namespace weft {

bool AllAre(const Dims& values, int64_t value) {
  return std::ranges::all_of(values, [=](int64_t v) { return v == value; });
}

bool AllF32(const KernelRequest& request) {
  for (int i = 0; i < request.node.num_inputs(); ++i) {
    if (request.has(i) && request.in(i).dtype() != DType::kF32) return false;
  }
  return true;
}

absl::StatusOr<ResultBounds> TakeBounds(std::vector<PostOp>& posts) {
  ResultBounds bounds;
  if (posts.empty()) return bounds;
  if (posts[0].op == "Clip") {
    AttributeMap attributes = posts[0].attributes;
    WEFT_RETURN_IF_ERROR(CheckAttributes(*FindPostOp("Clip"), attributes));  // fills in defaults
    bounds.least = GetFloat(attributes, "min");
    bounds.most = GetFloat(attributes, "max");
  } else if (posts[0].op == "Relu") {
    bounds.least = 0;
  } else {
    return bounds;
  }
  posts.erase(posts.begin());
  return bounds;
}

}  // namespace weft
