#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// A row of table 1 of Szegedy et al. 2014: channels of the 1x1 branch, of the 3x3 branch after its
// reduction, of the 5x5 branch after its, and of the pooling branch.
struct Inception {
  const char* name;
  int64_t c1, reduce3, c3, reduce5, c5, pool;
};

constexpr Inception kStage3[] = {{"3a", 64, 96, 128, 16, 32, 32},
                                 {"3b", 128, 128, 192, 32, 96, 64}};
constexpr Inception kStage4[] = {{"4a", 192, 96, 208, 16, 48, 64},
                                 {"4b", 160, 112, 224, 24, 64, 64},
                                 {"4c", 128, 128, 256, 24, 64, 64},
                                 {"4d", 112, 144, 288, 32, 64, 64},
                                 {"4e", 256, 160, 320, 32, 128, 128}};
constexpr Inception kStage5[] = {{"5a", 256, 160, 320, 32, 128, 128},
                                 {"5b", 384, 192, 384, 48, 128, 128}};

struct GoogLeNetConfig {
  // torchvision's: batch normalization in place of the paper's LRN, and 3x3 in place of 5x5.
  bool batch_norm = true;
  bool auxiliary = false;  // two classifiers more, for training
};

class GoogLeNet {
 public:
  GoogLeNet(Builder& b, const ZooOptions& o, const GoogLeNetConfig& c) : b_(b), o_(o), c_(c) {}

  Value Logits(Value x) {
    Value h = Conv(x, "conv1", 64, 7, 2);
    h = Pool(h, 3);
    if (!c_.batch_norm) h = Lrn(h);
    h = Conv(Conv(h, "conv2", 64, 1), "conv3", 192, 3);
    if (!c_.batch_norm) h = Lrn(h);
    h = Pool(h, 3);
    for (const Inception& row : kStage3) h = Module(h, row);
    h = Pool(h, 3);
    for (const Inception& row : kStage4) {
      h = Module(h, row);
      if (row.name == std::string_view("4a")) first_ = h;
      if (row.name == std::string_view("4d")) second_ = h;
    }
    h = Pool(h, c_.batch_norm ? 2 : 3);
    for (const Inception& row : kStage5) h = Module(h, row);
    h = b_.Dropout(b_.GlobalAvgPool(h), {.ratio = c_.batch_norm ? 0.2 : 0.4});
    const Value logits = b_.Linear(h, {.features = o_.classes, .name = "fc"});
    if (c_.auxiliary) StateLoss(logits);
    return logits;
  }

 private:
  Value Conv(Value x, const std::string& name, int64_t channels, int64_t kernel,
             int64_t stride = 1) {
    const auto scope = b_.Scope(name);
    if (c_.batch_norm) {
      return ConvBnRelu(
          b_, x,
          {.channels = o_.Wide(channels), .kernel = kernel, .stride = stride, .epsilon = 1e-3});
    }
    return b_.Relu(b_.Conv2d(x, {.channels = o_.Wide(channels),
                                 .kernel = kernel,
                                 .stride = stride,
                                 .padding = kernel / 2,
                                 .init = Initializer::HeNormal(),
                                 .name = "conv"}));
  }

  Value Pool(Value x, int64_t kernel) {
    return b_.MaxPool2d(x, {.kernel = kernel, .stride = 2, .ceil_mode = true});
  }

  Value Lrn(Value x) { return b_.LocalResponseNorm(x, {.size = 5}); }

  Value Module(Value x, const Inception& row) {
    const auto scope = b_.Scope(absl::StrCat("inception", row.name));
    const int64_t large = c_.batch_norm ? 3 : 5;
    const Value pooled = b_.MaxPool2d(x, {.kernel = 3, .stride = 1, .padding = 1});
    return b_.Concat({Conv(x, "branch1", row.c1, 1),
                      Conv(Conv(x, "branch2.0", row.reduce3, 1), "branch2.1", row.c3, 3),
                      Conv(Conv(x, "branch3.0", row.reduce5, 1), "branch3.1", row.c5, large),
                      Conv(pooled, "branch4.1", row.pool, 1)},
                     1);
  }

  Value Auxiliary(Value x, const std::string& name) {
    const auto scope = b_.Scope(name);
    Value h = Conv(b_.AdaptiveAvgPool2d(x, {.output_size = 4}), "conv", 128, 1);
    h = b_.Relu(b_.Linear(b_.Flatten(h), {.features = o_.Wide(1024), .name = "fc1"}));
    return b_.Linear(b_.Dropout(h, {.ratio = 0.7}), {.features = o_.classes, .name = "fc2"});
  }

  // Section 5: the auxiliary losses count 0.3.
  void StateLoss(Value logits) {
    const Value labels = b_.Input("labels", {"N"}, {.dtype = DType::kI64});
    const Value aux = b_.Add(b_.CrossEntropy(Auxiliary(first_, "aux1"), labels),
                             b_.CrossEntropy(Auxiliary(second_, "aux2"), labels));
    const Value weight = b_.Full({}, 0.3, o_.dtype);
    b_.Loss("loss", b_.Add(b_.CrossEntropy(logits, labels), b_.Mul(aux, weight)));
  }

  Builder& b_;
  const ZooOptions& o_;
  const GoogLeNetConfig& c_;
  Value first_, second_;  // what the auxiliary classifiers read
};

ZooEntry GoogLeNetEntry(std::string name, std::string description, const GoogLeNetConfig& c) {
  return {.name = std::move(name),
          .description = std::move(description),
          .paper = "Szegedy et al.: Going deeper with convolutions",
          .year = 2014,
          .layers = [c](Builder& b, Value x,
                        const ZooOptions& o) { return GoogLeNet(b, o, c).Logits(x); },
          .pixels = InceptionPixels()};
}

}  // namespace

std::vector<ZooEntry> GoogLeNets() {
  return {
      GoogLeNetEntry("googlenet_original", "LRN, 5x5 branches, auxiliary classifiers in training",
                     {.batch_norm = false, .auxiliary = true}),
      GoogLeNetEntry("googlenet", "torchvision's, with batch normalization", {}),
      GoogLeNetEntry("googlenet_aux", "the same with auxiliary classifiers in training",
                     {.auxiliary = true})};
}

}  // namespace weft
