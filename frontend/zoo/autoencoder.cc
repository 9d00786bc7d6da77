#include "frontend/zoo/families.h"

namespace weft {
namespace {

int64_t PixelsOf(const ZooOptions& o) { return o.input[0] * o.input[1] * o.input[2]; }

// Two convolutions of stride 2, and two transposed ones back (Masci et al. 2011's idea, with
// strides in place of pooling). The loss is the mean squared error.
Value Autoencoder(Builder& b, Value x, const ZooOptions& o) {
  const Initializer he = Initializer::HeNormal();
  const auto down = [&](Value v, int64_t channels, const char* name) {
    return b.Relu(b.Conv2d(
        v,
        {.channels = channels, .kernel = 3, .stride = 2, .padding = 1, .init = he, .name = name}));
  };
  const auto up = [&](Value v, int64_t channels, const char* name) {
    return b.ConvTranspose2d(
        v, {.channels = channels, .kernel = 2, .stride = 2, .init = he, .name = name});
  };
  const Value code = down(down(x, o.Wide(16), "encoder.1"), o.Wide(32), "encoder.2");
  const Value h = b.Relu(up(code, o.Wide(16), "decoder.1"));
  const Value reconstruction = up(h, o.input[0], "decoder.2");
  b.Output("reconstruction", reconstruction);
  b.Output("code", code);
  b.Loss("loss", b.Mse(reconstruction, x));
  return {};
}

// Kingma and Welling 2013, with one hidden layer each way: the code is drawn from a normal
// distribution that the encoder gives. The loss is, for an example, the cross-entropy of its pixels
// and how far that distribution is from the standard one (appendix B).
Value VariationalAutoencoder(Builder& b, Value x, const ZooOptions& o) {
  constexpr int64_t kLatent = 20;
  const int64_t hidden = o.Wide(400), pixels = PixelsOf(o);
  const Value flat = b.Flatten(x);
  const Value h = b.Relu(b.Linear(flat, {.features = hidden, .name = "fc1"}));
  const Value mean = b.Linear(h, {.features = kLatent, .name = "fc21"});
  const Value log_variance = b.Linear(h, {.features = kLatent, .name = "fc22"});
  const auto number = [&](double value) { return b.Full({}, value, o.dtype); };
  const Value deviation = b.Exp(b.Mul(log_variance, number(0.5)));
  const Value code = b.Add(mean, b.Mul(deviation, b.RandomNormalLike(mean, {.name = "noise"})));
  const Value decoded = b.Relu(b.Linear(code, {.features = hidden, .name = "fc3"}));
  const Value logits = b.Linear(decoded, {.features = pixels, .name = "fc4"});
  b.Output("reconstruction", b.ReshapeLike(b.Sigmoid(logits), x));
  b.Output("mean", mean);
  b.Output("log_variance", log_variance);
  const Value cross_entropy =
      b.Mul(b.BinaryCrossEntropyWithLogits(logits, flat), number(static_cast<double>(pixels)));
  const Value divergence =
      b.Sub(b.Add(b.Mul(mean, mean), b.Exp(log_variance)), b.Add(log_variance, number(1)));
  const Value mean_divergence = b.ReduceMean(divergence, {.keep_dims = false});
  b.Loss("loss", b.Add(cross_entropy, b.Mul(mean_divergence, number(0.5 * kLatent))));
  return {};
}

}  // namespace

std::vector<ZooEntry> Autoencoders() {
  const Normalization unit = {{0}, {1}};  // targets of the losses lie in [0, 1]
  return {{.name = "autoencoder",
           .description = "convolutions down to a code, transposed ones back",
           .paper = "Masci et al.: Stacked convolutional auto-encoders",
           .year = 2011,
           .layers = Autoencoder,
           .input = {1, 28, 28},
           .classes = 0,
           .input_multiple = 4,
           .pixels = unit,
           .fit = ZooFit(0.5)},
          {.name = "vae",
           .description = "variational autoencoder: a code that is drawn",
           .paper = "Kingma and Welling: Auto-encoding variational Bayes",
           .year = 2013,
           .layers = VariationalAutoencoder,
           .input = {1, 28, 28},
           .classes = 0,
           .pixels = unit,
           .fit = ZooFit(0.002)}};
}

}  // namespace weft
