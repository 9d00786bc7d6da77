#include <algorithm>
#include <utility>

#include "frontend/zoo/families.h"
#include "frontend/zoo/inception.h"

namespace weft {
namespace {

// A row of the table in the appendix of Ioffe and Szegedy 2015: channels of the 1x1 branch (0:
// there is none, and the module halves the extent), of the 3x3 and of the double 3x3 branch after
// their reductions, and of the pooling branch (0: the pooling itself).
struct ModuleRow {
  const char* name;
  int64_t c1, reduce3, c3, reduce_double, c_double, pool;
  bool max_pool = false;
};

constexpr ModuleRow kRows[] = {
    {"3a", 64, 64, 64, 64, 96, 32},       {"3b", 64, 64, 96, 64, 96, 64},
    {"3c", 0, 128, 160, 64, 96, 0},       {"4a", 224, 64, 96, 96, 128, 128},
    {"4b", 192, 96, 128, 96, 128, 128},   {"4c", 160, 128, 160, 128, 160, 128},
    {"4d", 96, 128, 192, 160, 192, 128},  {"4e", 0, 128, 192, 192, 256, 0},
    {"5a", 352, 192, 320, 160, 224, 128}, {"5b", 352, 192, 320, 192, 224, 128, true}};

Value Module(const InceptionBuilder& i, Value x, const ModuleRow& row) {
  const auto scope = i.b().Scope(absl::StrCat("inception", row.name));
  const int64_t stride = row.c1 == 0 ? 2 : 1;
  std::vector<Value> branches;
  if (row.c1 != 0) branches.push_back(i.Branch(x, "branch1", {{row.c1}}));
  branches.push_back(i.Branch(x, "branch2", {{row.reduce3}, {row.c3, 3, stride}}));
  branches.push_back(
      i.Branch(x, "branch3", {{row.reduce_double}, {row.c_double, 3}, {row.c_double, 3, stride}}));
  if (row.pool == 0) {
    branches.push_back(i.b().MaxPool2d(x, {.kernel = 3, .stride = 2, .padding = 1}));
  } else {
    const Value pooled =
        row.max_pool ? i.b().MaxPool2d(x, {.kernel = 3, .stride = 1, .padding = 1}) : i.Mean(x);
    branches.push_back(i.Branch(pooled, "branch4", {{row.pool}}));
  }
  return i.Concat(std::move(branches));
}

// With squeeze and excitation after each module: table 2 of Hu et al. 2018.
Value InceptionV2(Builder& b, Value x, const ZooOptions& o, bool excite) {
  const InceptionBuilder i(b, o);
  const auto pool = [&](Value v) {
    return b.MaxPool2d(v, {.kernel = 3, .stride = 2, .padding = 1});
  };
  Value h = pool(i.Branch(x, "conv1", {{64, 7, 2}}));
  h = pool(i.Branch(h, "conv2", {{64}, {192, 3}}));
  for (const ModuleRow& row : kRows) {
    h = Module(i, h, row);
    if (!excite) continue;
    const auto scope = b.Scope(absl::StrCat("inception", row.name, ".se"));
    h = SqueezeExcite(b, h, {.squeeze = std::max<int64_t>(ChannelsOf(h) / 16, 1)});
  }
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

}  // namespace

std::vector<ZooEntry> InceptionV2s() {
  const auto layers = [](bool excite) {
    return
        [excite](Builder& b, Value x, const ZooOptions& o) { return InceptionV2(b, x, o, excite); };
  };
  return {{.name = "inception_v2",
           .description = "BN-Inception: batch normalization, two 3x3 for each 5x5",
           .paper = "Ioffe and Szegedy: Batch normalization",
           .year = 2015,
           .layers = layers(false)},
          {.name = "se_inception",
           .description = "BN-Inception with squeeze and excitation",
           .paper = "Hu et al.: Squeeze-and-excitation networks",
           .year = 2018,
           .layers = layers(true)}};
}

}  // namespace weft
