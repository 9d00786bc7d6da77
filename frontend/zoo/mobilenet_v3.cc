#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// A row of tables 1 and 2 of Howard et al. 2019.
struct Row {
  int64_t kernel, expanded, channels;
  bool excite;      // squeeze and excitation
  bool hard_swish;  // or ReLU
  int64_t stride;
};

struct MobileNetV3Config {
  std::vector<Row> rows;
  int64_t hidden;  // of the classifier
};

const MobileNetV3Config& Large() {
  static const auto& large = *new MobileNetV3Config{{{3, 16, 16, false, false, 1},
                                                     {3, 64, 24, false, false, 2},
                                                     {3, 72, 24, false, false, 1},
                                                     {5, 72, 40, true, false, 2},
                                                     {5, 120, 40, true, false, 1},
                                                     {5, 120, 40, true, false, 1},
                                                     {3, 240, 80, false, true, 2},
                                                     {3, 200, 80, false, true, 1},
                                                     {3, 184, 80, false, true, 1},
                                                     {3, 184, 80, false, true, 1},
                                                     {3, 480, 112, true, true, 1},
                                                     {3, 672, 112, true, true, 1},
                                                     {5, 672, 160, true, true, 2},
                                                     {5, 960, 160, true, true, 1},
                                                     {5, 960, 160, true, true, 1}},
                                                    1280};
  return large;
}

const MobileNetV3Config& Small() {
  static const auto& small = *new MobileNetV3Config{{{3, 16, 16, true, false, 2},
                                                     {3, 72, 24, false, false, 2},
                                                     {3, 88, 24, false, false, 1},
                                                     {5, 96, 40, true, true, 2},
                                                     {5, 240, 40, true, true, 1},
                                                     {5, 240, 40, true, true, 1},
                                                     {5, 120, 48, true, true, 1},
                                                     {5, 144, 48, true, true, 1},
                                                     {5, 288, 96, true, true, 2},
                                                     {5, 576, 96, true, true, 1},
                                                     {5, 576, 96, true, true, 1}},
                                                    1024};
  return small;
}

Value HardSigmoid(Builder& b, Value x) { return b.HardSigmoid(x); }
Value Identity(Builder&, Value x) { return x; }
Value HardSwish(Builder& b, Value x) { return b.HardSwish(x); }
Value Relu(Builder& b, Value x) { return b.Relu(x); }
using Activation = Value (*)(Builder& b, Value x);

Value Layer(Builder& b, Value x, const std::string& name, ConvBnOptions options,
            Activation activation) {
  options.epsilon = 1e-3;
  options.momentum = 0.01;
  return activation(b, ConvBnModule(b, x, name, options));
}

Value MobileNetV3Block(Builder& b, Value x, const Row& row, const ZooOptions& o) {
  const auto scope = b.Scope("block");
  const Activation activation = row.hard_swish ? HardSwish : Relu;
  const int64_t expanded = o.Wide(row.expanded), channels = o.Wide(row.channels);
  int index = 0;
  Value h = x;
  if (expanded != ChannelsOf(x)) {
    h = Layer(b, h, absl::StrCat(index++), {.channels = expanded}, activation);
  }
  h = Layer(b, h, absl::StrCat(index++),
            {.channels = expanded, .kernel = row.kernel, .stride = row.stride, .groups = expanded},
            activation);
  if (row.excite) {
    const auto excite = b.Scope(absl::StrCat(index++));
    const ZooOptions quarter{.width = 0.25};
    h = SqueezeExcite(b, h, {.squeeze = quarter.Wide(expanded), .gate = HardSigmoid});
  }
  h = Layer(b, h, absl::StrCat(index), {.channels = channels}, Identity);
  return row.stride == 1 && ChannelsOf(x) == channels ? b.Add(x, h) : h;
}

Value MobileNetV3(Builder& b, Value x, const ZooOptions& o, const MobileNetV3Config& c) {
  Value h =
      Layer(b, x, "features.0", {.channels = o.Wide(16), .kernel = 3, .stride = 2}, HardSwish);
  int index = 1;
  for (const Row& row : c.rows) {
    const auto scope = b.Scope(absl::StrCat("features.", index++));
    h = MobileNetV3Block(b, h, row, o);
  }
  h = Layer(b, h, absl::StrCat("features.", index), {.channels = 6 * ChannelsOf(h)}, HardSwish);
  h = b.HardSwish(
      b.Linear(b.GlobalAvgPool(h), {.features = o.Wide(c.hidden), .name = "classifier.0"}));
  return b.Linear(b.Dropout(h, {.ratio = 0.2}), {.features = o.classes, .name = "classifier.3"});
}

ZooEntry MobileNetV3Entry(std::string name, std::string description, const MobileNetV3Config& c) {
  return {
      .name = std::move(name),
      .description = std::move(description),
      .paper = "Howard et al.: Searching for MobileNetV3",
      .year = 2019,
      .layers = [c](Builder& b, Value x, const ZooOptions& o) { return MobileNetV3(b, x, o, c); }};
}

}  // namespace

std::vector<ZooEntry> MobileNetV3s() {
  return {MobileNetV3Entry("mobilenet_v3_small", "searched, squeeze and excitation, hard swish",
                           Small()),
          MobileNetV3Entry("mobilenet_v3_large", "the same, larger", Large())};
}

}  // namespace weft
