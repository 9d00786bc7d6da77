#include <utility>

#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Szegedy et al. 2016, "Rethinking the inception architecture", as torchvision has it: five kinds
// of modules, of which B and D halve the extent.
class InceptionV3 {
 public:
  InceptionV3(Builder& b, const ZooOptions& o) : b_(b), o_(o) {}

  Value Logits(Value x, bool auxiliary) {
    Value h = Conv(x, "Conv2d_1a_3x3", 32, 3, 2, 0);
    h = Conv(h, "Conv2d_2a_3x3", 32, 3, 1, 0);
    h = Pool(Conv(h, "Conv2d_2b_3x3", 64, 3));
    h = Conv(h, "Conv2d_3b_1x1", 80, 1);
    h = Pool(Conv(h, "Conv2d_4a_3x3", 192, 3, 1, 0));
    h = A(A(A(h, "Mixed_5b", 32), "Mixed_5c", 64), "Mixed_5d", 64);
    h = B(h, "Mixed_6a");
    h = C(C(h, "Mixed_6b", 128), "Mixed_6c", 160);
    h = C(C(h, "Mixed_6d", 160), "Mixed_6e", 192);
    const Value middle = h;
    h = E(E(D(h, "Mixed_7a"), "Mixed_7b"), "Mixed_7c");
    const Value logits =
        b_.Linear(b_.Dropout(b_.GlobalAvgPool(h)), {.features = o_.classes, .name = "fc"});
    if (auxiliary) StateLoss(logits, middle);
    return logits;
  }

 private:
  Value Conv(Value x, const std::string& name, int64_t channels, Extent2 kernel, int64_t stride = 1,
             Padding padding = "half") {
    const auto scope = b_.Scope(name);
    return ConvBnRelu(b_, x,
                      {.channels = o_.Wide(channels),
                       .kernel = kernel,
                       .stride = stride,
                       .padding = std::move(padding),
                       .epsilon = 1e-3});
  }

  Value Pool(Value x) { return b_.MaxPool2d(x, {.kernel = 3, .stride = 2}); }
  Value Mean(Value x) { return b_.AvgPool2d(x, {.kernel = 3, .stride = 1, .padding = 1}); }

  // Figure 5: 5x5 as two 3x3.
  Value A(Value x, const char* name, int64_t pool) {
    const auto scope = b_.Scope(name);
    Value dbl = Conv(Conv(x, "branch3x3dbl_1", 64, 1), "branch3x3dbl_2", 96, 3);
    dbl = Conv(dbl, "branch3x3dbl_3", 96, 3);
    return b_.Concat(
        {Conv(x, "branch1x1", 64, 1), Conv(Conv(x, "branch5x5_1", 48, 1), "branch5x5_2", 64, 5),
         dbl, Conv(Mean(x), "branch_pool", pool, 1)},
        1);
  }

  // Figure 10: convolutions and pooling of stride 2 side by side.
  Value B(Value x, const char* name) {
    const auto scope = b_.Scope(name);
    Value dbl = Conv(Conv(x, "branch3x3dbl_1", 64, 1), "branch3x3dbl_2", 96, 3);
    dbl = Conv(dbl, "branch3x3dbl_3", 96, 3, 2, 0);
    return b_.Concat({Conv(x, "branch3x3", 384, 3, 2, 0), dbl, Pool(x)}, 1);
  }

  // Figure 6: 7x7 as 1x7 and 7x1.
  Value C(Value x, const char* name, int64_t c7) {
    const auto scope = b_.Scope(name);
    Value one = Conv(x, "branch7x7_1", c7, 1);
    one = Conv(Conv(one, "branch7x7_2", c7, {1, 7}), "branch7x7_3", 192, {7, 1});
    Value two = Conv(Conv(x, "branch7x7dbl_1", c7, 1), "branch7x7dbl_2", c7, {7, 1});
    two = Conv(Conv(two, "branch7x7dbl_3", c7, {1, 7}), "branch7x7dbl_4", c7, {7, 1});
    two = Conv(two, "branch7x7dbl_5", 192, {1, 7});
    return b_.Concat({Conv(x, "branch1x1", 192, 1), one, two, Conv(Mean(x), "branch_pool", 192, 1)},
                     1);
  }

  Value D(Value x, const char* name) {
    const auto scope = b_.Scope(name);
    const Value one = Conv(Conv(x, "branch3x3_1", 192, 1), "branch3x3_2", 320, 3, 2, 0);
    Value two = Conv(Conv(x, "branch7x7x3_1", 192, 1), "branch7x7x3_2", 192, {1, 7});
    two = Conv(Conv(two, "branch7x7x3_3", 192, {7, 1}), "branch7x7x3_4", 192, 3, 2, 0);
    return b_.Concat({one, two, Pool(x)}, 1);
  }

  // Figure 7: 1x3 and 3x1 side by side.
  Value E(Value x, const char* name) {
    const auto scope = b_.Scope(name);
    const Value one = Conv(x, "branch3x3_1", 384, 1);
    const Value two = Conv(Conv(x, "branch3x3dbl_1", 448, 1), "branch3x3dbl_2", 384, 3);
    return b_.Concat(
        {Conv(x, "branch1x1", 320, 1), Conv(one, "branch3x3_2a", 384, {1, 3}),
         Conv(one, "branch3x3_2b", 384, {3, 1}), Conv(two, "branch3x3dbl_3a", 384, {1, 3}),
         Conv(two, "branch3x3dbl_3b", 384, {3, 1}), Conv(Mean(x), "branch_pool", 192, 1)},
        1);
  }

  // The auxiliary loss counts 0.4, as in torchvision's training.
  void StateLoss(Value logits, Value middle) {
    const Value labels = b_.Input("labels", {"N"}, {.dtype = DType::kI64});
    Value aux;
    {
      const auto scope = b_.Scope("AuxLogits");
      Value h = Conv(b_.AvgPool2d(middle, {.kernel = 5, .stride = 3}), "conv0", 128, 1);
      h = b_.GlobalAvgPool(Conv(h, "conv1", 768, 5, 1, 0));
      aux = b_.CrossEntropy(b_.Linear(h, {.features = o_.classes, .name = "fc"}), labels);
    }
    const Value weight = b_.Full({}, 0.4, o_.dtype);
    b_.Loss("loss", b_.Add(b_.CrossEntropy(logits, labels), b_.Mul(aux, weight)));
  }

  Builder& b_;
  const ZooOptions& o_;
};

ZooEntry InceptionV3Entry(std::string name, std::string description, bool auxiliary) {
  return {
      .name = std::move(name),
      .description = std::move(description),
      .paper = "Szegedy et al.: Rethinking the inception architecture",
      .year = 2016,
      .layers = [auxiliary](Builder& b, Value x,
                            const ZooOptions& o) { return InceptionV3(b, o).Logits(x, auxiliary); },
      .input = {3, 299, 299},
      .pixels = InceptionPixels()};
}

}  // namespace

std::vector<ZooEntry> InceptionV3s() {
  return {InceptionV3Entry("inception_v3", "factorized convolutions", false),
          InceptionV3Entry("inception_v3_aux", "the same with an auxiliary classifier in training",
                           true)};
}

}  // namespace weft
