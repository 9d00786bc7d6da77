#ifndef WEFT_FRONTEND_ZOO_INCEPTION_H_
#define WEFT_FRONTEND_ZOO_INCEPTION_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/zoo.h"

// What the modules of the later Inceptions are made of.

namespace weft {

// A convolution of a branch, with batch normalization and ReLU.
struct InceptionConv {
  int64_t channels;
  Extent2 kernel = 1;
  int64_t stride = 1;
  Padding padding = "half";
};

class InceptionBuilder {
 public:
  InceptionBuilder(Builder& b, const ZooOptions& o) : b_(b), o_(o) {}

  // One convolution after the other, called NAME.0, NAME.1, …
  Value Branch(Value x, const std::string& name, const std::vector<InceptionConv>& convs) const {
    for (size_t i = 0; i < convs.size(); ++i) {
      const auto scope = b_.Scope(absl::StrCat(name, ".", i));
      x = ConvBnRelu(b_, x,
                     {.channels = o_.Wide(convs[i].channels),
                      .kernel = convs[i].kernel,
                      .stride = convs[i].stride,
                      .padding = convs[i].padding,
                      .epsilon = 1e-3});
    }
    return x;
  }

  // 3x3 of stride 2, without padding.
  Value MaxPool(Value x) const { return b_.MaxPool2d(x, {.kernel = 3, .stride = 2}); }
  // The mean of each pixel's neighbours that are there.
  Value Mean(Value x) const {
    return b_.AvgPool2d(x, {.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = false});
  }
  Value Concat(std::vector<Value> branches) const { return b_.Concat(std::move(branches), 1); }

  // Mean, dropout, one linear layer.
  Value Head(Value x, double dropout) const {
    return b_.Linear(b_.Dropout(b_.GlobalAvgPool(x), {.ratio = dropout}),
                     {.features = o_.classes, .name = "fc"});
  }

  Builder& b() const { return b_; }
  const ZooOptions& o() const { return o_; }

 private:
  Builder& b_;
  const ZooOptions& o_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_INCEPTION_H_
