#include <utility>

#include "frontend/zoo/families.h"

namespace weft {
namespace {

// What Krizhevsky et al. 2012 and Zeiler and Fergus 2013 have in common: five convolutions, three
// of them followed by overlapping pooling, and two hidden layers of 4096.
struct FiveConvolutions {
  Conv2dOptions first, second;
  int64_t groups;  // of convolutions 2, 4 and 5: the halves lived on two GPUs
  double k;        // of the local response normalization
  bool ceil_mode;
};

Value Hidden(Builder& b, Value x, const ZooOptions& o, std::string name) {
  return b.Dropout(b.Relu(b.Linear(
      x, {.features = o.Wide(4096), .init = Initializer::HeNormal(), .name = std::move(name)})));
}

Value Build(Builder& b, Value x, const ZooOptions& o, const FiveConvolutions& c) {
  const auto conv = [&](Value v, Conv2dOptions options) {
    options.channels = o.Wide(options.channels);
    options.init = Initializer::HeNormal();
    return b.Relu(b.Conv2d(v, options));
  };
  const auto pool = [&](Value v) {
    return b.MaxPool2d(v, {.kernel = 3, .stride = 2, .ceil_mode = c.ceil_mode});
  };
  const auto normalize = [&](Value v) { return b.LocalResponseNorm(v, {.size = 5, .k = c.k}); };
  const auto later = [&](int64_t channels, int64_t groups, std::string name) {
    return Conv2dOptions{
        .channels = channels, .kernel = 3, .padding = 1, .groups = groups, .name = std::move(name)};
  };
  Value h = pool(normalize(conv(x, c.first)));
  h = pool(normalize(conv(h, c.second)));
  h = conv(h, later(384, 1, "conv3"));
  h = conv(h, later(384, c.groups, "conv4"));
  h = pool(conv(h, later(256, c.groups, "conv5")));
  h = Hidden(b, b.Flatten(h), o, "fc6");
  h = Hidden(b, h, o, "fc7");
  return b.Linear(h, {.features = o.classes, .name = "fc8"});
}

}  // namespace

std::vector<ZooEntry> OriginalAlexNets() {
  const FiveConvolutions alexnet = {
      .first = {.channels = 96, .kernel = 11, .stride = 4, .name = "conv1"},
      .second = {.channels = 256, .kernel = 5, .padding = 2, .groups = 2, .name = "conv2"},
      .groups = 2,
      .k = 2,
      .ceil_mode = false};
  const FiveConvolutions zfnet = {
      .first = {.channels = 96, .kernel = 7, .stride = 2, .padding = 1, .name = "conv1"},
      .second = {.channels = 256, .kernel = 5, .stride = 2, .name = "conv2"},
      .groups = 1,
      .k = 1,
      .ceil_mode = true};
  const auto layers = [](const FiveConvolutions& c) {
    return [c](Builder& b, Value x, const ZooOptions& o) { return Build(b, x, o, c); };
  };
  return {{.name = "alexnet_original",
           .description = "two groups, local response normalization",
           .paper = "Krizhevsky et al.: ImageNet classification with deep CNNs",
           .year = 2012,
           .layers = layers(alexnet),
           .input = {3, 227, 227},
           .fit = ZooFit(0.01)},
          {.name = "zfnet",
           .description = "AlexNet with a finer first layer, after looking inside",
           .paper = "Zeiler and Fergus: Visualizing and understanding convolutional networks",
           .year = 2013,
           .layers = layers(zfnet),
           .fit = ZooFit(0.01)}};
}

}  // namespace weft
