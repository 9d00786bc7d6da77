#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Convolution, batch normalization, ReLU, and pooling that halves the image.
Value ConvBnBlock(Builder& b, Value x, int64_t channels, const std::string& name) {
  const auto scope = b.Scope(name);
  // No bias: the normalization would take it away again.
  Value h = b.Conv2d(x, {.channels = channels,
                         .kernel = 3,
                         .padding = 1,
                         .bias = false,
                         .init = Initializer::HeNormal(),
                         .name = "conv"});
  h = b.BatchNorm2d(h, {.name = "bn"});
  h = b.Relu(h, {.name = "relu"});
  return b.MaxPool2d(h, {.kernel = 2, .name = "pool"});
}

// LeNet-5 as it is taught today (LeCun et al. 1998, with average pooling as in the original and one
// linear layer in place of the radial basis functions): 61,706 parameters on 28x28 gray images.
// Twice the initial weights of Glorot and Bengio 2010 make up for some of the sigmoid's slope of at
// most 1/4, so that the gradient reaches the first layer and training does not start on a plateau.
Value LeNet(Builder& b, Value x, const ZooOptions& o) {
  const Initializer xavier = Initializer::XavierUniform(/*gain=*/2);
  Value h = b.Conv2d(x, {.channels = o.Wide(6, 2), .kernel = 5, .padding = 2, .init = xavier});
  h = b.Sigmoid(h);
  h = b.AvgPool2d(h, {.kernel = 2});
  h = b.Conv2d(h, {.channels = o.Wide(16, 2), .kernel = 5, .init = xavier});
  h = b.Sigmoid(h);
  h = b.AvgPool2d(h, {.kernel = 2});
  h = b.Flatten(h);
  h = b.Sigmoid(b.Linear(h, {.features = o.Wide(120), .init = xavier}));
  h = b.Sigmoid(b.Linear(h, {.features = o.Wide(84), .init = xavier}));
  return b.Linear(h, {.features = o.classes, .init = xavier});
}

// The same idea with what came after it: batch normalization (Ioffe and Szegedy 2015), ReLU, max
// pooling.
Value LeNetBn(Builder& b, Value x, const ZooOptions& o) {
  Value h = ConvBnBlock(b, x, o.Wide(16), "block1");
  h = ConvBnBlock(b, h, o.Wide(32), "block2");
  h = b.Flatten(h);
  h = b.Relu(b.Linear(h, {.features = o.Wide(128), .init = Initializer::HeNormal()}));
  return b.Linear(h, {.features = o.classes});
}

}  // namespace

std::vector<ZooEntry> LeNets() {
  const OptimizerOptions momentum = {.momentum = 0.9};
  return {{.name = "lenet",
           .description = "5x5 convolutions, sigmoid, average pooling, 120-84-10",
           .paper = "LeCun et al.: Gradient-based learning applied to document recognition",
           .year = 1998,
           .layers = LeNet,
           .input = {1, 28, 28},
           .classes = 10,
           .pixels = {},
           .fit = {.epochs = 10, .batch_size = 32, .learning_rate = 0.1, .schedule = {"cosine"}},
           .optimizer = momentum},
          {.name = "lenet-bn",
           .description = "3x3 convolutions, batch normalization, ReLU, max pooling, 128-10",
           .paper = "Ioffe and Szegedy: Batch normalization",
           .year = 2015,
           .layers = LeNetBn,
           .input = {1, 28, 28},
           .classes = 10,
           .pixels = {},
           .fit = {.epochs = 3, .batch_size = 128, .learning_rate = 0.05, .schedule = {"cosine"}},
           .optimizer = momentum}};
}

}  // namespace weft
