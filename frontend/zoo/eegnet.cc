#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr int64_t kTemporal = 8;  // F1: filters over time
constexpr int64_t kSpatial = 2;   // D: over the electrodes, of each of those
constexpr double kDropout = 0.5;

// EEGNet-8,2, table 2 of Lawhern et al. 2018: x is [N,1,electrodes,samples] at 128 Hz. Filters over
// half a second, then over all electrodes, then over time and over filters apart.
Value EegNet(Builder& b, Value x, const ZooOptions& o) {
  const int64_t temporal = o.Wide(kTemporal, 4), electrodes = o.input[1];
  const auto end = [&](Value v, int64_t pool, const char* bn) {
    v = b.Elu(b.BatchNorm2d(v, {.name = bn}));
    return b.Dropout(b.AvgPool2d(v, {.kernel = {1, pool}}), {.ratio = kDropout});
  };
  Value h = b.Conv2d(x, {.channels = temporal,
                         .kernel = {1, 64},
                         .padding = "same",
                         .bias = false,
                         .name = "temporal"});
  h = b.BatchNorm2d(h, {.name = "bn1"});
  h = b.DepthwiseConv2d(
      h, {.kernel = {electrodes, 1}, .multiplier = kSpatial, .bias = false, .name = "spatial"});
  h = end(h, 4, "bn2");
  h = b.DepthwiseSeparableConv2d(h, {.channels = kSpatial * temporal,
                                     .kernel = {1, 16},
                                     .padding = "same",
                                     .bias = false,
                                     .name = "separable"});
  h = end(h, 8, "bn3");
  return b.Linear(b.Flatten(h), {.features = o.classes, .name = "classifier"});
}

}  // namespace

std::vector<ZooEntry> EegNets() {
  return {{.name = "eegnet",
           .description = "electroencephalograms: filters over time, electrodes, filters",
           .paper = "Lawhern et al.: EEGNet",
           .year = 2018,
           .layers = EegNet,
           .input = {1, 64, 128},
           .classes = 4,
           .pixels = {}}};
}

}  // namespace weft
