#include <utility>

#include "frontend/zoo/families.h"
#include "frontend/zoo/inception.h"

namespace weft {
namespace {

// Szegedy et al. 2016, "Inception-v4, Inception-ResNet": v1 as in figures 10 to 14, v2 as its
// authors published it, with 10, 20 and 10 blocks.
struct Config {
  bool second;      // v2
  int blocks[3];    // at 35x35, 17x17 and 8x8
  double scale[3];  // of the branches: section 3.3
};

// relu(x + scale * 1x1(concat(branches))); `last` has no activation.
Value Residual(const InceptionBuilder& i, Value x, std::vector<Value> branches, double scale,
               bool last = false) {
  Builder& b = i.b();
  const Value up = b.Conv2d(i.Concat(std::move(branches)),
                            {.channels = ChannelsOf(x), .kernel = 1, .name = "up"});
  const Value h = b.Add(x, b.Mul(up, b.Full({}, scale, i.o().dtype)));
  return last ? h : b.Relu(h);
}

Value A(const InceptionBuilder& i, Value x, const Config& c) {
  return Residual(i, x,
                  {i.Branch(x, "branch1", {{32}}), i.Branch(x, "branch2", {{32}, {32, 3}}),
                   i.Branch(x, "branch3",
                            c.second ? std::vector<InceptionConv>{{32}, {48, 3}, {64, 3}}
                                     : std::vector<InceptionConv>{{32}, {32, 3}, {32, 3}})},
                  c.scale[0]);
}

Value B(const InceptionBuilder& i, Value x, const Config& c) {
  const int64_t middle = c.second ? 160 : 128, wide = c.second ? 192 : 128;
  return Residual(i, x,
                  {i.Branch(x, "branch1", {{wide}}),
                   i.Branch(x, "branch2", {{128}, {middle, {1, 7}}, {wide, {7, 1}}})},
                  c.scale[1]);
}

Value C(const InceptionBuilder& i, Value x, const Config& c, bool last) {
  const int64_t middle = c.second ? 224 : 192, wide = c.second ? 256 : 192;
  return Residual(i, x,
                  {i.Branch(x, "branch1", {{192}}),
                   i.Branch(x, "branch2", {{192}, {middle, {1, 3}}, {wide, {3, 1}}})},
                  last ? 1 : c.scale[2], last);
}

// To 256 channels at 35x35 (figure 14), or to 320 through a module of Inception v3's kind.
Value Stem(const InceptionBuilder& i, Value x, bool second) {
  const auto scope = i.b().Scope("stem");
  Value h = i.MaxPool(i.Branch(x, "conv1", {{32, 3, 2, 0}, {32, 3, 1, 0}, {64, 3}}));
  if (!second) return i.Branch(h, "conv2", {{80}, {192, 3, 1, 0}, {256, 3, 2, 0}});
  h = i.MaxPool(i.Branch(h, "conv2", {{80}, {192, 3, 1, 0}}));
  return i.Concat({i.Branch(h, "branch1", {{96}}), i.Branch(h, "branch2", {{48}, {64, 5}}),
                   i.Branch(h, "branch3", {{64}, {96, 3}, {96, 3}}),
                   i.Branch(i.Mean(h), "branch4", {{64}})});
}

Value ReductionA(const InceptionBuilder& i, Value x, bool second) {
  const auto scope = i.b().Scope("reduction_a");
  const int64_t first = second ? 256 : 192, last = second ? 384 : 256;
  return i.Concat({i.Branch(x, "branch1", {{384, 3, 2, 0}}),
                   i.Branch(x, "branch2", {{first}, {first, 3}, {last, 3, 2, 0}}), i.MaxPool(x)});
}

Value ReductionB(const InceptionBuilder& i, Value x, bool second) {
  const auto scope = i.b().Scope("reduction_b");
  const int64_t middle = second ? 288 : 256, last = second ? 320 : 256;
  return i.Concat({i.Branch(x, "branch1", {{256}, {384, 3, 2, 0}}),
                   i.Branch(x, "branch2", {{256}, {middle, 3, 2, 0}}),
                   i.Branch(x, "branch3", {{256}, {middle, 3}, {last, 3, 2, 0}}), i.MaxPool(x)});
}

Value InceptionResNet(Builder& b, Value x, const ZooOptions& o, const Config& c) {
  const InceptionBuilder i(b, o);
  Value h = Stem(i, x, c.second);
  for (int n = 0; n < c.blocks[0]; ++n) {
    const auto scope = b.Scope(absl::StrCat("block35.", n));
    h = A(i, h, c);
  }
  h = ReductionA(i, h, c.second);
  for (int n = 0; n < c.blocks[1]; ++n) {
    const auto scope = b.Scope(absl::StrCat("block17.", n));
    h = B(i, h, c);
  }
  h = ReductionB(i, h, c.second);
  for (int n = 0; n < c.blocks[2]; ++n) {
    const auto scope = b.Scope(absl::StrCat("block8.", n));
    h = C(i, h, c, /*last=*/c.second && n + 1 == c.blocks[2]);
  }
  if (c.second) h = i.Branch(h, "conv3", {{1536}});
  return i.Head(h, 0.2);
}

ZooEntry InceptionResNetEntry(std::string name, std::string description, const Config& c) {
  return {.name = std::move(name),
          .description = std::move(description),
          .paper = "Szegedy et al.: Inception-v4, Inception-ResNet",
          .year = 2016,
          .layers = [c](Builder& b, Value x,
                        const ZooOptions& o) { return InceptionResNet(b, x, o, c); },
          .input = {3, 299, 299},
          .pixels = InceptionPixels()};
}

}  // namespace

std::vector<ZooEntry> InceptionResNets() {
  return {InceptionResNetEntry("inception_resnet_v1", "residual modules, scaled",
                               {false, {5, 10, 5}, {0.17, 0.10, 0.20}}),
          InceptionResNetEntry("inception_resnet_v2", "the same, wider and deeper",
                               {true, {10, 20, 10}, {0.17, 0.10, 0.20}})};
}

}  // namespace weft
