#include "frontend/zoo/families.h"
#include "frontend/zoo/inception.h"

namespace weft {
namespace {

// Szegedy et al. 2016, "Inception-v4, Inception-ResNet", figures 3 to 9.

// Figure 3: 3x299x299 to 384x35x35.
Value Stem(const InceptionBuilder& i, Value x) {
  const auto scope = i.b().Scope("stem");
  Value h = i.Branch(x, "conv", {{32, 3, 2, 0}, {32, 3, 1, 0}, {64, 3}});
  h = i.Concat({i.MaxPool(h), i.Branch(h, "branch1", {{96, 3, 2, 0}})});
  h = i.Concat({i.Branch(h, "branch2", {{64}, {96, 3, 1, 0}}),
                i.Branch(h, "branch3", {{64}, {64, {1, 7}}, {64, {7, 1}}, {96, 3, 1, 0}})});
  return i.Concat({i.Branch(h, "branch4", {{192, 3, 2, 0}}), i.MaxPool(h)});
}

// Figure 4.
Value A(const InceptionBuilder& i, Value x) {
  return i.Concat({i.Branch(x, "branch1", {{96}}), i.Branch(x, "branch2", {{64}, {96, 3}}),
                   i.Branch(x, "branch3", {{64}, {96, 3}, {96, 3}}),
                   i.Branch(i.Mean(x), "branch4", {{96}})});
}

// Figure 7, with the channels of table 1.
Value ReductionA(const InceptionBuilder& i, Value x) {
  const auto scope = i.b().Scope("reduction_a");
  return i.Concat({i.Branch(x, "branch1", {{384, 3, 2, 0}}),
                   i.Branch(x, "branch2", {{192}, {224, 3}, {256, 3, 2, 0}}), i.MaxPool(x)});
}

// Figure 5.
Value B(const InceptionBuilder& i, Value x) {
  return i.Concat(
      {i.Branch(x, "branch1", {{384}}),
       i.Branch(x, "branch2", {{192}, {224, {1, 7}}, {256, {7, 1}}}),
       i.Branch(x, "branch3", {{192}, {192, {7, 1}}, {224, {1, 7}}, {224, {7, 1}}, {256, {1, 7}}}),
       i.Branch(i.Mean(x), "branch4", {{128}})});
}

// Figure 8.
Value ReductionB(const InceptionBuilder& i, Value x) {
  const auto scope = i.b().Scope("reduction_b");
  return i.Concat({i.Branch(x, "branch1", {{192}, {192, 3, 2, 0}}),
                   i.Branch(x, "branch2", {{256}, {256, {1, 7}}, {320, {7, 1}}, {320, 3, 2, 0}}),
                   i.MaxPool(x)});
}

// Figure 6.
Value C(const InceptionBuilder& i, Value x) {
  const Value two = i.Branch(x, "branch2", {{384}});
  const Value three = i.Branch(x, "branch3", {{384}, {448, {3, 1}}, {512, {1, 3}}});
  return i.Concat(
      {i.Branch(x, "branch1", {{256}}), i.Branch(two, "branch2a", {{256, {1, 3}}}),
       i.Branch(two, "branch2b", {{256, {3, 1}}}), i.Branch(three, "branch3a", {{256, {1, 3}}}),
       i.Branch(three, "branch3b", {{256, {3, 1}}}), i.Branch(i.Mean(x), "branch4", {{256}})});
}

Value Repeat(const InceptionBuilder& i, Value x, const char* name, int count,
             Value (*module)(const InceptionBuilder&, Value)) {
  for (int n = 0; n < count; ++n) {
    const auto scope = i.b().Scope(absl::StrCat(name, ".", n));
    x = module(i, x);
  }
  return x;
}

Value InceptionV4(Builder& b, Value x, const ZooOptions& o) {
  const InceptionBuilder i(b, o);
  Value h = Repeat(i, Stem(i, x), "inception_a", 4, A);
  h = Repeat(i, ReductionA(i, h), "inception_b", 7, B);
  h = Repeat(i, ReductionB(i, h), "inception_c", 3, C);
  return i.Head(h, 0.2);
}

}  // namespace

std::vector<ZooEntry> InceptionV4s() {
  return {{.name = "inception_v4",
           .description = "uniform modules, more of them",
           .paper = "Szegedy et al.: Inception-v4, Inception-ResNet",
           .year = 2016,
           .layers = InceptionV4,
           .input = {3, 299, 299},
           .pixels = InceptionPixels()}};
}

}  // namespace weft
