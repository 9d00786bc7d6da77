#include "frontend/zoo/networks.h"

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

}  // namespace

// LeNet-5 as it is taught today (LeCun et al. 1998, with average pooling as in the original and one
// linear layer in place of the radial basis functions): 61,706 parameters on 28x28 gray images.
// Twice the initial weights of Glorot and Bengio 2010 make up for some of the sigmoid's slope of at
// most 1/4, so that the gradient reaches the first layer and training does not start on a plateau.
Value LeNet(Builder& b, Value x, int64_t classes) {
  const Initializer xavier = Initializer::XavierUniform(/*gain=*/2);
  Value h = b.Conv2d(x, {.channels = 6, .kernel = 5, .padding = 2, .init = xavier});
  h = b.Sigmoid(h);
  h = b.AvgPool2d(h, {.kernel = 2});
  h = b.Conv2d(h, {.channels = 16, .kernel = 5, .init = xavier});
  h = b.Sigmoid(h);
  h = b.AvgPool2d(h, {.kernel = 2});
  h = b.Flatten(h);
  h = b.Sigmoid(b.Linear(h, {.features = 120, .init = xavier}));
  h = b.Sigmoid(b.Linear(h, {.features = 84, .init = xavier}));
  return b.Linear(h, {.features = classes, .init = xavier});
}

// The same idea with what came after it: batch normalization (Ioffe and Szegedy 2015), ReLU, max
// pooling.
Value LeNetBn(Builder& b, Value x, int64_t classes) {
  Value h = ConvBnBlock(b, x, 16, "block1");
  h = ConvBnBlock(b, h, 32, "block2");
  h = b.Flatten(h);
  h = b.Relu(b.Linear(h, {.features = 128, .init = Initializer::HeNormal()}));
  return b.Linear(h, {.features = classes});
}

}  // namespace weft
