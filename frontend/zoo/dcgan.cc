#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr int64_t kNoise = 100;

// Radford et al. 2015, figure 1: a generator of transposed convolutions, a discriminator of strided
// ones, which halve the image at least once, then down to an odd side or to 4.
class DcGan {
 public:
  DcGan(Builder& b, const ZooOptions& o) : b_(b), o_(o), height_(o.input[1]), width_(o.input[2]) {
    do {
      height_ /= 2;
      width_ /= 2;
      ++halvings_;
    } while (height_ % 2 == 0 && width_ % 2 == 0 && std::min(height_, width_) > 4);
  }

  Value Generate(Value noise) {
    const auto scope = b_.Scope("generator");
    int64_t full = int64_t{64} << (halvings_ - 1);  // at width 1
    const int64_t channels = o_.Wide(full);
    Value h = b_.Linear(noise, {.features = channels * height_ * width_,
                                .bias = false,
                                .init = Init(),
                                .name = "project"});
    h = b_.Reshape(h, {0, channels, height_, width_});
    h = b_.Relu(b_.BatchNorm2d(h, {.name = "bn0"}));
    for (int i = 1; i < halvings_; ++i) {
      full /= 2;
      h = Up(h, o_.Wide(full), absl::StrCat("up", i));
      h = b_.Relu(b_.BatchNorm2d(h, {.name = absl::StrCat("bn", i)}));
    }
    return b_.Tanh(Up(h, o_.input[0], absl::StrCat("up", halvings_)));
  }

  // A number for each image: above 0 where it looks real.
  Value Judge(Value image) {
    const auto scope = b_.SharedScope("discriminator");
    Value h = image;
    int64_t channels = o_.Wide(64);
    for (int i = 1; i <= halvings_; ++i, channels *= 2) {
      h = b_.Conv2d(h, {.channels = channels,
                        .kernel = 4,
                        .stride = 2,
                        .padding = 1,
                        .bias = i == 1,
                        .init = Init(),
                        .name = absl::StrCat("down", i)});
      if (i > 1) h = b_.BatchNorm2d(h, {.name = absl::StrCat("bn", i)});
      h = b_.LeakyRelu(h, {.negative_slope = 0.2});
    }
    return b_.Linear(b_.Flatten(h), {.features = 1, .init = Init(), .name = "judge"});
  }

 private:
  static Initializer Init() { return Initializer::Normal(0, 0.02); }

  Value Up(Value x, int64_t channels, std::string name) {
    return b_.ConvTranspose2d(x, {.channels = channels,
                                  .kernel = 4,
                                  .stride = 2,
                                  .padding = 1,
                                  .bias = false,
                                  .init = Init(),
                                  .name = std::move(name)});
  }

  Builder& b_;
  const ZooOptions& o_;
  int64_t height_, width_;  // of the generator's first map
  int halvings_ = 0;
};

// -log sigmoid(x) and -log(1 - sigmoid(x)), over the batch.
Value MeanSoftplus(Builder& b, Value x) {
  return b.ReduceMean(b.Softplus(x), {.keep_dims = false});
}

// Goodfellow et al. 2014: the discriminator tells real from generated images; the generator makes
// what it takes for real (the form of section 3 that does not saturate). Both learn at once.
Value Network(Builder& b, Value x, const ZooOptions& o) {
  DcGan gan(b, o);
  const Value noise = b.Input("noise", {"N", kNoise});
  const Value image = gan.Generate(noise);
  const Value real = gan.Judge(x);
  const Value generated = gan.Judge(image);
  b.Output("image", image);
  {
    const auto scope = b.Scope("discriminator");
    b.Loss("loss", b.Add(MeanSoftplus(b, b.Neg(real)), MeanSoftplus(b, generated)));
  }
  const auto scope = b.Scope("generator");
  b.Loss("loss", MeanSoftplus(b, b.Neg(generated)));
  return {};
}

}  // namespace

std::vector<ZooEntry> DcGans() {
  return {{.name = "dcgan",
           .description = "a generator and a discriminator, convolutional",
           .paper = "Radford et al.: Unsupervised representation learning with DCGANs",
           .year = 2015,
           .layers = Network,
           .input = {3, 64, 64},
           .classes = 0,
           .input_multiple = 4,
           .pixels = {{0.5f}, {0.5f}},
           .fit = ZooFit(0.002)}};
}

}  // namespace weft
