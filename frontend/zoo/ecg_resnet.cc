#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr int64_t kKernel = 16;  // the authors' model; 17 is only their block's default
constexpr double kBlockDropout = 0.2;

Conv1dOptions Conv(int64_t channels, int64_t kernel, int64_t stride, std::string name) {
  return {.channels = channels,
          .kernel = kernel,
          .stride = stride,
          .padding = "same",
          .bias = false,
          .init = Initializer::HeNormal(),
          .name = std::move(name)};
}

Value BnReluDropout(Builder& b, Value x, std::string name) {
  return b.Dropout(b.Relu(b.BatchNorm1d(x, {.name = std::move(name)})), {.ratio = kBlockDropout});
}

// Ribeiro et al. 2020, "Automatic diagnosis of the 12-lead ECG", figure 3: x is [N,leads,samples];
// four residual units, each of which makes the signal a quarter as long. The shortcut is what was
// before the last normalization.
Value EcgResNet(Builder& b, Value x, const ZooOptions& o) {
  Value h = b.Conv1d(x, Conv(o.Wide(64), kKernel, 1, "conv1"));
  Value shortcut = h = b.Relu(b.BatchNorm1d(h, {.name = "bn1"}));
  int unit = 0;
  for (const int64_t channels : {128, 196, 256, 320}) {
    const auto scope = b.Scope(absl::StrCat("unit", ++unit));
    h = BnReluDropout(b, b.Conv1d(h, Conv(o.Wide(channels), kKernel, 1, "conv1")), "bn1");
    h = b.Conv1d(h, Conv(o.Wide(channels), kKernel, 4, "conv2"));
    shortcut = b.MaxPool1d(shortcut, {.kernel = 4, .ceil_mode = true});
    shortcut = b.Conv1d(shortcut, Conv(o.Wide(channels), 1, 1, "shortcut"));
    shortcut = h = b.Add(h, shortcut);
    h = BnReluDropout(b, h, "bn2");
  }
  return b.Linear(b.Flatten(h), {.features = o.classes, .name = "classifier"});
}

}  // namespace

std::vector<ZooEntry> EcgResNets() {
  return {{.name = "ecg_resnet",
           .description = "electrocardiograms of 12 leads: a residual network in one dimension",
           .paper = "Ribeiro et al.: Automatic diagnosis of the 12-lead ECG",
           .year = 2020,
           .layers = EcgResNet,
           .input = {12, 4096},
           .classes = 6,
           .pixels = {}}};
}

}  // namespace weft
