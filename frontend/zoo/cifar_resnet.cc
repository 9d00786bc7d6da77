#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Where normalization and activation stand in a block: figure 4 of He et al. 2016, "Identity
// mappings".
enum class Order { kOriginal, kBnAfterAddition, kReluBeforeAddition, kReluOnlyPreAct, kFullPreAct };

// 6n + 2 layers on images of 32x32: section 4.2 of He et al. 2015. Wide ResNets (Zagoruyko and
// Komodakis 2016) are `widen` times as wide and project their shortcuts.
struct CifarConfig {
  int n;
  Order order = Order::kOriginal;
  int64_t widen = 1;
  double dropout = 0;  // between the convolutions of a wide block
};

class CifarResNet {
 public:
  CifarResNet(Builder& b, const ZooOptions& o, const CifarConfig& c) : b_(b), o_(o), c_(c) {}

  Value Logits(Value x) {
    Value h = Conv(x, o_.Wide(16), 1, "conv1");
    if (!PreActivated()) h = b_.Relu(Bn(h, "bn1"));
    for (int64_t stage = 0; stage < 3; ++stage) {
      const int64_t channels = o_.Wide(c_.widen * (int64_t{16} << stage));
      for (int i = 0; i < c_.n; ++i) {
        const auto scope = b_.Scope(absl::StrCat("layer", stage + 1, ".", i));
        h = Block(h, channels, stage > 0 && i == 0 ? 2 : 1);
      }
    }
    if (PreActivated()) h = b_.Relu(Bn(h, "bn1"));
    return b_.Linear(b_.GlobalAvgPool(h), {.features = o_.classes, .name = "fc"});
  }

 private:
  bool PreActivated() const {
    return c_.order == Order::kReluOnlyPreAct || c_.order == Order::kFullPreAct;
  }

  Value Conv(Value x, int64_t channels, int64_t stride, std::string name, int64_t kernel = 3) {
    return b_.Conv2d(x, {.channels = channels,
                         .kernel = kernel,
                         .stride = stride,
                         .padding = kernel / 2,
                         .bias = false,
                         .init = Initializer::HeNormal(),
                         .name = std::move(name)});
  }
  Value Bn(Value x, std::string name) { return b_.BatchNorm2d(x, {.name = std::move(name)}); }

  // Option A: every other pixel, and zeros for the channels that are new.
  Value Subsampled(Value x, int64_t channels, int64_t stride) {
    if (stride != 1) x = b_.Slice(x, {{.axis = 2, .step = stride}, {.axis = 3, .step = stride}});
    const int64_t added = channels - ChannelsOf(x);
    if (added == 0) return x;
    return b_.Pad(x, {.padding = {{.axis = 1, .begin = added / 2, .end = added - added / 2}}});
  }

  Value Shortcut(Value x, Value active, int64_t channels, int64_t stride) {
    if (stride == 1 && ChannelsOf(x) == channels) return x;
    if (c_.widen == 1) return Subsampled(x, channels, stride);
    return Conv(active, channels, stride, "downsample", 1);
  }

  Value Block(Value x, int64_t channels, int64_t stride) {
    switch (c_.order) {
      case Order::kFullPreAct: {
        const Value active = b_.Relu(Bn(x, "bn1"));
        Value h = b_.Relu(Bn(Conv(active, channels, stride, "conv1"), "bn2"));
        if (c_.dropout != 0) h = b_.Dropout(h, {.ratio = c_.dropout});
        return b_.Add(Conv(h, channels, 1, "conv2"), Shortcut(x, active, channels, stride));
      }
      case Order::kReluOnlyPreAct: {
        const Value h = b_.Relu(Bn(Conv(b_.Relu(x), channels, stride, "conv1"), "bn1"));
        return b_.Add(Bn(Conv(h, channels, 1, "conv2"), "bn2"), Shortcut(x, x, channels, stride));
      }
      default:
        break;
    }
    const Value h = b_.Relu(Bn(Conv(x, channels, stride, "conv1"), "bn1"));
    const Value branch = Conv(h, channels, 1, "conv2");
    const Value shortcut = Shortcut(x, x, channels, stride);
    if (c_.order == Order::kBnAfterAddition) {
      return b_.Relu(Bn(b_.Add(branch, shortcut), "bn2"));
    }
    const Value normalized = Bn(branch, "bn2");
    if (c_.order == Order::kReluBeforeAddition) return b_.Add(b_.Relu(normalized), shortcut);
    return b_.Relu(b_.Add(normalized, shortcut));
  }

  Builder& b_;
  const ZooOptions& o_;
  const CifarConfig& c_;
};

ZooEntry CifarResNetEntry(std::string name, std::string description, std::string paper, int year,
                          const CifarConfig& c) {
  return {.name = std::move(name),
          .description = std::move(description),
          .paper = std::move(paper),
          .year = year,
          .layers = [c](Builder& b, Value x,
                        const ZooOptions& o) { return CifarResNet(b, o, c).Logits(x); },
          .input = {3, 32, 32},
          .classes = 10,
          .fit = ZooFit(0.1)};
}

}  // namespace

std::vector<ZooEntry> CifarResNets() {
  std::vector<ZooEntry> entries;
  const std::string deep = "He et al.: Deep residual learning for image recognition";
  for (const int n : {3, 5, 7, 9, 18, 200}) {
    entries.push_back(CifarResNetEntry(absl::StrCat("resnet", 6 * n + 2, "_cifar"), "for 32x32",
                                       deep, 2015, {n}));
  }
  const std::string identity = "He et al.: Identity mappings in deep residual networks";
  const std::pair<const char*, Order> kOrders[] = {
      {"bn_after_addition", Order::kBnAfterAddition},
      {"relu_before_addition", Order::kReluBeforeAddition},
      {"relu_only_preact", Order::kReluOnlyPreAct},
      {"full_preact", Order::kFullPreAct}};
  for (const auto& [order, value] : kOrders) {
    entries.push_back(CifarResNetEntry(absl::StrCat("resnet110_cifar_", order),
                                       "a variant of figure 4", identity, 2016, {18, value}));
  }
  const std::string wide = "Zagoruyko and Komodakis: Wide residual networks";
  const std::pair<int, int64_t> kWide[] = {{2, 8}, {6, 4}, {4, 10}};
  for (const auto& [n, widen] : kWide) {
    entries.push_back(CifarResNetEntry(absl::StrCat("wide_resnet", 6 * n + 4, "_", widen, "_cifar"),
                                       "wider instead of deeper", wide, 2016,
                                       {n, Order::kFullPreAct, widen, 0.3}));
  }
  return entries;
}

}  // namespace weft
