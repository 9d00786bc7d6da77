#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Redmon and Farhadi 2017, "YOLO9000", table 6: 3x3 convolutions, and 1x1 between them that halve
// the channels; pooling before each stage but the first.
Value DarkNet19(Builder& b, Value x, const ZooOptions& o) {
  const std::vector<std::vector<int64_t>> stages = {{32},
                                                    {64},
                                                    {128, 64, 128},
                                                    {256, 128, 256},
                                                    {512, 256, 512, 256, 512},
                                                    {1024, 512, 1024, 512, 1024}};
  Value h = x;
  int layer = 0;
  for (size_t stage = 0; stage < stages.size(); ++stage) {
    if (stage > 0) h = b.MaxPool2d(h, {.kernel = 2});
    for (size_t i = 0; i < stages[stage].size(); ++i) {
      const auto scope = b.Scope(absl::StrCat("layer", ++layer));
      h = ConvBn(b, h, {.channels = o.Wide(stages[stage][i]), .kernel = i % 2 == 0 ? 3 : 1});
      h = b.LeakyRelu(h, {.negative_slope = 0.1});
    }
  }
  h = b.Conv2d(h, {.channels = o.classes, .kernel = 1, .name = "classifier"});
  return b.GlobalAvgPool(h);
}

}  // namespace

std::vector<ZooEntry> DarkNets() {
  return {{.name = "darknet19",
           .description = "the backbone of YOLO9000: 3x3 and 1x1 convolutions, leaky ReLU",
           .paper = "Redmon and Farhadi: YOLO9000",
           .year = 2017,
           .layers = DarkNet19}};
}

}  // namespace weft
