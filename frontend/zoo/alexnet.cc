#include "frontend/zoo/families.h"

namespace weft {
namespace {

struct ConvLayer {
  int64_t channels;
  int64_t kernel;
  const char* name;
};

// torchvision's form, Krizhevsky 2014 ("One weird trick"): one column, no normalization.
Value AlexNet(Builder& b, Value x, const ZooOptions& o) {
  const Initializer he = Initializer::HeNormal();
  const auto conv = [&](Value v, const ConvLayer& l, int64_t stride, int64_t padding) {
    return b.Relu(b.Conv2d(v, {.channels = o.Wide(l.channels),
                               .kernel = l.kernel,
                               .stride = stride,
                               .padding = padding,
                               .init = he,
                               .name = l.name}));
  };
  Value h = x;
  {
    const auto scope = b.Scope("features");
    h = conv(h, {64, 11, "0"}, 4, 2);
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2});
    h = conv(h, {192, 5, "3"}, 1, 2);
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2});
    h = conv(h, {384, 3, "6"}, 1, 1);
    h = conv(h, {256, 3, "8"}, 1, 1);
    h = conv(h, {256, 3, "10"}, 1, 1);
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2});
  }
  const auto scope = b.Scope("classifier");
  h = b.Dropout(b.Flatten(b.AdaptiveAvgPool2d(h, {.output_size = 6})));
  h = b.Relu(b.Linear(h, {.features = o.Wide(4096), .init = he, .name = "1"}));
  h = b.Dropout(h);
  h = b.Relu(b.Linear(h, {.features = o.Wide(4096), .init = he, .name = "4"}));
  return b.Linear(h, {.features = o.classes, .name = "6"});
}

}  // namespace

std::vector<ZooEntry> AlexNets() {
  return {{.name = "alexnet",
           .description = "one column, without normalization",
           .paper = "Krizhevsky: One weird trick for parallelizing convolutional networks",
           .year = 2014,
           .layers = AlexNet,
           .fit = ZooFit(0.01)}};
}

}  // namespace weft
