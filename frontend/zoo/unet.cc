#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr int kLevels = 4;

Value DoubleConv(Builder& b, Value x, int64_t channels, const std::string& name) {
  const auto scope = b.Scope(name);
  const Value h =
      ConvBnRelu(b, x, {.channels = channels, .kernel = 3, .conv = "conv1", .bn = "bn1"});
  return ConvBnRelu(b, h, {.channels = channels, .kernel = 3, .conv = "conv2", .bn = "bn2"});
}

// Ronneberger et al. 2015, figure 1, with padding, so that the scores [N,classes,H,W] are of the
// image's size, and batch normalization. The loss is the mean cross-entropy of the pixels.
Value UNet(Builder& b, Value x, const ZooOptions& o) {
  std::vector<Value> skips;
  Value h = x;
  for (int level = 0; level < kLevels; ++level) {
    h = DoubleConv(b, h, o.Wide(int64_t{64} << level), absl::StrCat("down", level + 1));
    skips.push_back(h);
    h = b.MaxPool2d(h, {.kernel = 2});
  }
  h = DoubleConv(b, h, o.Wide(int64_t{64} << kLevels), "bottom");
  for (int level = kLevels; level-- > 0;) {
    const int64_t channels = o.Wide(int64_t{64} << level);
    h = b.ConvTranspose2d(h, {.channels = channels,
                              .kernel = 2,
                              .stride = 2,
                              .init = Initializer::HeNormal(),
                              .name = absl::StrCat("up", level + 1, ".up")});
    h = b.Concat({skips[static_cast<size_t>(level)], h}, 1);
    h = DoubleConv(b, h, channels, absl::StrCat("up", level + 1));
  }
  const Value scores = b.Conv2d(h, {.channels = o.classes, .kernel = 1, .name = "classifier"});
  const Value labels = b.Input("labels", {"N", o.input[1], o.input[2]}, {.dtype = DType::kI64});
  b.Loss("loss", b.CrossEntropy(scores, labels));
  return scores;
}

}  // namespace

std::vector<ZooEntry> UNets() {
  return {{.name = "unet",
           .description = "segmentation: down, up again, and across",
           .paper = "Ronneberger et al.: U-Net",
           .year = 2015,
           .layers = UNet,
           .input = {1, 256, 256},
           .classes = 2,
           .input_multiple = 16,
           .pixels = {}}};
}

}  // namespace weft
