#ifndef WEFT_PASSES_PRICES_H_
#define WEFT_PASSES_PRICES_H_

#include <string_view>
#include <vector>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// Multiply-accumulates of convolutions and of the one that they may become.
struct Macs {
  int64_t apart = 0;
  int64_t combined = 0;
};

// A graph beside the real one, to price what convolutions would take for an image of one example.
class Prices {
 public:
  Prices(const OpRegistry& registry, const CostModel& costs) : graph_(registry), costs_(costs) {}

  // An extent that is not known counts as 64: what is compared grows alike with it.
  absl::StatusOr<Value> AddImage(TensorType type);
  // The convolution's result, or that of a ConvTranspose. Errors: weights or attributes that do not
  // fit.
  absl::StatusOr<Value> AddConv(Value x, const Dims& w, AttributeMap attributes,
                                std::string_view op = "Conv");
  // The image with other extents.
  absl::StatusOr<Value> AddResize(Value x, const Shape& to, std::string mode);
  // An element-wise op on the value.
  absl::Status AddElementwise(Value x);
  // The result cut along its channels.
  absl::Status AddSplit(Value y, const std::vector<int64_t>& channels);
  // Of all nodes so far: multiply-accumulates, all operations, and bytes read and written.
  int64_t macs() const { return macs_; }
  double flops() const { return flops_; }
  double bytes() const { return bytes_; }

 private:
  absl::Status AddPrice(const Node& node);

  Graph graph_;
  const CostModel& costs_;
  int64_t macs_ = 0;
  double flops_ = 0;
  double bytes_ = 0;
};

}  // namespace weft

#endif  // WEFT_PASSES_PRICES_H_
