#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// A column of table 1 of Simonyan and Zisserman 2014: how many 3x3 convolutions each stage has
// before its pooling.
struct VggConfig {
  std::array<int, 5> convolutions;
  bool batch_norm = false;
  bool lrn = false;  // A-LRN: after the first convolution
};

// Two hidden layers of 4096 on a 7x7 map, whatever the image's size.
Value Classifier(Builder& b, Value x, const ZooOptions& o) {
  const auto scope = b.Scope("classifier");
  const Initializer he = Initializer::HeNormal();
  Value h = b.Flatten(b.AdaptiveAvgPool2d(x, {.output_size = 7}));
  h = b.Relu(b.Linear(h, {.features = o.Wide(4096), .init = he, .name = "0"}));
  h = b.Dropout(h);
  h = b.Relu(b.Linear(h, {.features = o.Wide(4096), .init = he, .name = "3"}));
  h = b.Dropout(h);
  return b.Linear(h, {.features = o.classes, .name = "6"});
}

Value Vgg(Builder& b, Value x, const ZooOptions& o, const VggConfig& c) {
  constexpr int64_t kChannels[] = {64, 128, 256, 512, 512};
  Value h = x;
  {
    const auto scope = b.Scope("features");
    int layer = 0;  // torchvision numbers them, activations and poolings too
    for (size_t stage = 0; stage < c.convolutions.size(); ++stage) {
      for (int i = 0; i < c.convolutions[stage]; ++i) {
        h = b.Conv2d(h, {.channels = o.Wide(kChannels[stage]),
                         .kernel = 3,
                         .padding = 1,
                         .init = Initializer::HeNormal(),
                         .name = absl::StrCat(layer++)});
        if (c.batch_norm) h = b.BatchNorm2d(h, {.name = absl::StrCat(layer++)});
        h = b.Relu(h);
        ++layer;
        if (c.lrn && stage == 0 && i == 0) h = b.LocalResponseNorm(h, {.size = 5, .k = 2});
      }
      h = b.MaxPool2d(h, {.kernel = 2});
      ++layer;
    }
  }
  return Classifier(b, h, o);
}

ZooEntry VggEntry(std::string name, std::string description, const VggConfig& c) {
  return {.name = std::move(name),
          .description = std::move(description),
          .paper = "Simonyan and Zisserman: Very deep convolutional networks",
          .year = 2014,
          .layers = [c](Builder& b, Value x, const ZooOptions& o) { return Vgg(b, x, o, c); },
          .fit = ZooFit(0.005)};
}

}  // namespace

std::vector<ZooEntry> Vggs() {
  const std::array<int, 5> a = {1, 1, 2, 2, 2}, b = {2, 2, 2, 2, 2}, d = {2, 2, 3, 3, 3},
                           e = {2, 2, 4, 4, 4};
  return {VggEntry("vgg11", "configuration A", {a}),
          VggEntry("vgg11_lrn", "configuration A-LRN", {.convolutions = a, .lrn = true}),
          VggEntry("vgg13", "configuration B", {b}),
          VggEntry("vgg16", "configuration D", {d}),
          VggEntry("vgg19", "configuration E", {e}),
          VggEntry("vgg11_bn", "configuration A, batch normalization", {a, true}),
          VggEntry("vgg13_bn", "configuration B, batch normalization", {b, true}),
          VggEntry("vgg16_bn", "configuration D, batch normalization", {d, true}),
          VggEntry("vgg19_bn", "configuration E, batch normalization", {e, true})};
}

}  // namespace weft
