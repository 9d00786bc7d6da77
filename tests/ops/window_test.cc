#include "ops/window.h"

#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Dim kN = Dim::Symbol("N");
const Dim kH = Dim::Symbol("H");

TEST(ConvWindow, DefaultsAreOnesAndNoPadding) {
  const auto w = ReadConvWindow({}, Dims{2, 3, 7, 9}, Dims{8, 3, 3, 5});
  ASSERT_TRUE(w.ok()) << w.status();
  EXPECT_EQ(w->rank(), 2);
  EXPECT_THAT(w->kernel, ElementsAre(3, 5));
  EXPECT_THAT(w->strides, ElementsAre(1, 1));
  EXPECT_THAT(w->dilations, ElementsAre(1, 1));
  EXPECT_THAT(w->pads_begin, ElementsAre(0, 0));
  EXPECT_THAT(w->pads_end, ElementsAre(0, 0));
  EXPECT_EQ(w->group, 1);
  EXPECT_THAT(w->output_dims(), ElementsAre(2, 8, 5, 5));
}

TEST(ConvWindow, CountsStridesDilationsAndAsymmetricPads) {
  // Axis 0: 11 + 1 + 2 - (2*2+1) = 9, 9/3 + 1 = 4. Axis 1: 8 + 0 + 3 - (1*4+1) = 6, 6/2 + 1 = 4.
  const auto w = ReadConvWindow(
      {{"strides", Ints{3, 2}}, {"dilations", Ints{2, 4}}, {"pads", Ints{1, 0, 2, 3}}},
      Dims{1, 1, 11, 8}, Dims{1, 1, 3, 2});
  ASSERT_TRUE(w.ok()) << w.status();
  EXPECT_THAT(w->output, ElementsAre(4, 4));
  EXPECT_THAT(w->pads_begin, ElementsAre(1, 0));
  EXPECT_THAT(w->pads_end, ElementsAre(2, 3));
  EXPECT_EQ(w->span(0), 5);
}

TEST(ConvWindow, AutoPadPutsTheOddPadAtTheEndOrTheBeginning) {
  const AttributeMap upper = {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2}}};
  const AttributeMap lower = {{"auto_pad", "SAME_LOWER"}, {"strides", Ints{2}}};
  const auto u = ReadConvWindow(upper, Dims{1, 1, 6}, Dims{1, 1, 3});
  const auto l = ReadConvWindow(lower, Dims{1, 1, 6}, Dims{1, 1, 3});
  ASSERT_TRUE(u.ok() && l.ok());
  EXPECT_THAT(u->output, ElementsAre(3));
  EXPECT_THAT(u->pads_begin, ElementsAre(0));
  EXPECT_THAT(u->pads_end, ElementsAre(1));
  EXPECT_THAT(l->output, ElementsAre(3));
  EXPECT_THAT(l->pads_begin, ElementsAre(1));
  EXPECT_THAT(l->pads_end, ElementsAre(0));
}

TEST(ConvWindow, AutoPadValidIsNoPadding) {
  const auto w = ReadConvWindow({{"auto_pad", "VALID"}}, Dims{1, 1, 6}, Dims{1, 1, 3});
  ASSERT_TRUE(w.ok()) << w.status();
  EXPECT_THAT(w->output, ElementsAre(4));
}

std::string ConvError(AttributeMap attributes, Dims x = {1, 3, 8, 8}, Dims w = {64, 3, 7, 7}) {
  return std::string(ReadConvWindow(attributes, x, w).status().message());
}

TEST(ConvWindow, ErrorsSayWhatWasExpected) {
  EXPECT_EQ(ConvError({}, {1, 3, 8, 8}, {64, 1, 7, 7}),
            "expected 3 input channels, weights are [64,1,7,7]");
  EXPECT_EQ(ConvError({{"group", 2}}, {1, 6, 8, 8}, {64, 6, 7, 7}),
            "expected 6 input channels in 2 groups, weights are [64,6,7,7]");
  EXPECT_EQ(ConvError({{"group", 3}}, {1, 9, 8, 8}),
            "expected output channels that group 3 divides, weights are [64,3,7,7]");
  EXPECT_EQ(ConvError({{"group", 0}}), "expected a group of 1 to 2147483647, got 0");
  EXPECT_EQ(ConvError({{"strides", Ints{0, 1}}}), "expected strides of at least 1, got [0,1]");
  EXPECT_EQ(ConvError({{"dilations", Ints{1, 0}}}), "expected dilations of at least 1, got [1,0]");
  EXPECT_EQ(ConvError({{"strides", Ints{1}}}), "expected 2 strides, got [1]");
  EXPECT_EQ(ConvError({{"pads", Ints{1, 1}}}), "expected 4 pads, got [1,1]");
  EXPECT_EQ(ConvError({{"pads", Ints{0, 0, -1, 0}}}),
            "expected pads of at least 0, got [0,0,-1,0]");
  EXPECT_EQ(ConvError({{"kernel_shape", Ints{5, 5}}}),
            "expected weights of kernel_shape [5,5], got [64,3,7,7]");
  EXPECT_EQ(ConvError({{"auto_pad", "SAME"}}),
            "expected auto_pad NOTSET, SAME_UPPER, SAME_LOWER or VALID, got \"SAME\"");
  EXPECT_EQ(ConvError({{"auto_pad", "VALID"}, {"pads", Ints{1, 0, 0, 0}}}),
            "expected no pads beside auto_pad VALID, got [1,0,0,0]");
  EXPECT_EQ(
      ConvError({{"pads", Ints{0, 1, 0, 1}}}, {1, 3, 8, 4}),
      "expected a kernel that fits on spatial axis 1, got one that spans 7, the input 4 with pads "
      "1 and 1");
  EXPECT_EQ(ConvError({}, {1, 3}), "expected an input [N,C,spatial axes...], got [1,3]");
  EXPECT_EQ(ConvError({}, {1, 3, 8}),
            "expected weights of 3 axes for the input [1,3,8], got [64,3,7,7]");
}

TEST(ConvWindow, HugeAttributesAreRefusedWithoutOverflow) {
  const int64_t huge = int64_t{1} << 62;
  for (const char* name : {"strides", "dilations", "pads"}) {
    const Ints values(std::string_view(name) == "pads" ? 4 : 2, huge);
    EXPECT_THAT(ConvError({{name, values}}), HasSubstr("of at most 2147483647"));
  }
  EXPECT_THAT(ConvError({{"dilations", Ints{2147483647, 1}}}), HasSubstr("a kernel that fits"));
  EXPECT_THAT(ConvError({{"pads", Ints(4, 2147483647)}}, {1, 3, 8, 8}, {64, 3, 7, 7}), "");
  EXPECT_THAT(
      InferenceError("Conv", F32Types({ToShape(Dims{1, 3, 8, 8}), ToShape(Dims{64, 3, 7, 7})}),
                     {{"pads", Ints(4, 2147483647)}}),
      HasSubstr("elements"));
}

TEST(ConvShape, SymbolicExtentsAreExactWhereTheyCanBe) {
  const Shape w3 = {8, 3, 3, 3}, w2 = {8, 3, 2, 2};
  const Dim twice = *Dim::Multiply(kH, 2);
  EXPECT_EQ(Inferred("Conv", F32Types({{kN, 3, kH, kH}, w3}), {{"pads", Ints{1, 1, 1, 1}}}),
            "f32[N,8,H,H]");
  EXPECT_EQ(Inferred("Conv", F32Types({{kN, 3, twice, twice}, w2}), {{"strides", Ints{2, 2}}}),
            "f32[N,8,H,H]");
  EXPECT_EQ(Inferred("Conv", F32Types({{kN, 3, kH, 7}, w2}), {{"auto_pad", "SAME_UPPER"}}),
            "f32[N,8,H,7]");
}

TEST(ConvShape, AnExtentThatIsNoMonomialIsADerivedSymbol) {
  const Shape w2 = {8, 3, 2, 2};
  const Dim twice = *Dim::Multiply(kH, 2);
  // H + 1, and H - 1.
  const auto grown =
      InferConvShape({{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}, {kN, 3, twice, 4}, w2);
  const auto shrunk = InferConvShape({}, {kN, 3, kH, 4}, w2);
  ASSERT_TRUE(grown.ok() && shrunk.ok());
  EXPECT_EQ((*grown)[2], InferContext::DerivedDim("floor((2*H+2)/2)"));
  EXPECT_EQ((*shrunk)[2], InferContext::DerivedDim("H-1"));
}

TEST(ConvShape, EqualFormulasOfASymbolAreEqualDims) {
  // A residual block's two branches at stride 2: floor((H-1)/2) + 1 both.
  const AttributeMap main = {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}};
  const auto a = InferConvShape(main, {kN, 3, kH, kH}, {8, 3, 3, 3});
  const auto b = InferConvShape({{"strides", Ints{2, 2}}}, {kN, 3, kH, kH}, {8, 3, 1, 1});
  const auto other = InferConvShape({{"strides", Ints{2, 2}}}, {kN, 3, kH, kH}, {8, 3, 3, 3});
  ASSERT_TRUE(a.ok() && b.ok() && other.ok());
  EXPECT_EQ(*a, *b);
  EXPECT_NE(*a, *other);
  EXPECT_FALSE((*a)[2].is_static());
}

TEST(PoolWindow, CeilModeAddsTheLastPartialWindow) {
  const AttributeMap attributes = {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}};
  AttributeMap ceil = attributes;
  ceil["ceil_mode"] = 1;
  EXPECT_THAT(ReadPoolWindow(attributes, Dims{1, 1, 6})->output, ElementsAre(2));
  EXPECT_THAT(ReadPoolWindow(ceil, Dims{1, 1, 6})->output, ElementsAre(3));
  EXPECT_THAT(ReadPoolWindow(ceil, Dims{1, 1, 7})->output, ElementsAre(3));
}

TEST(PoolWindow, CeilModeDropsAWindowThatStartsInTheEndPadding) {
  // ceil((5+1+1-2)/2) + 1 = 4 windows at -1, 1, 3, 5; the last would read padding only.
  const AttributeMap attributes = {
      {"kernel_shape", Ints{2}}, {"strides", Ints{2}}, {"pads", Ints{1, 1}}, {"ceil_mode", 1}};
  EXPECT_THAT(ReadPoolWindow(attributes, Dims{1, 1, 5})->output, ElementsAre(3));
}

TEST(PoolWindow, ErrorsSayWhatWasExpected) {
  const auto error = [](AttributeMap attributes, Dims x) {
    return std::string(ReadPoolWindow(attributes, x).status().message());
  };
  EXPECT_EQ(error({{"kernel_shape", Ints{2}}}, {1, 1, 4, 4}),
            "expected 2 kernel_shape for the input [1,1,4,4], got [2]");
  EXPECT_EQ(error({{"kernel_shape", Ints{0, 2}}}, {1, 1, 4, 4}),
            "expected kernel_shape of at least 1, got [0,2]");
  EXPECT_EQ(error({{"kernel_shape", Ints{2, 2}}, {"pads", Ints{0, 2, 0, 0}}}, {1, 1, 4, 4}),
            "expected pads below the kernel's span of 2 on spatial axis 1, got [0,2,0,0]");
  EXPECT_EQ(error({{"kernel_shape", Ints{2}}, {"pads", Ints{1, 1}}}, {1, 1, 0}),
            "expected elements on spatial axis 0 of the input, got none");
  // Taps at -1 and 1 step over the only element.
  EXPECT_EQ(
      error({{"kernel_shape", Ints{2}}, {"dilations", Ints{2}}, {"pads", Ints{1, 1}}}, {1, 1, 1}),
      "expected every window on spatial axis 0 to read some of the input, got one that reads "
      "padding only: extent 1, dilation 2, pads 1 and 1");
  EXPECT_EQ(error({{"kernel_shape", Ints(3, int64_t{1} << 30)}}, {1, 1, 4, 4, 4}).empty(), false);
}

TEST(PoolWindow, ADilationAboveTheExtentIsFineWhereEveryWindowReads) {
  // Taps at -4, 0, 4 for the first output, and so on: the middle one is always inside.
  const auto w = ReadPoolWindow(
      {{"kernel_shape", Ints{3}}, {"dilations", Ints{4}}, {"pads", Ints{4, 4}}}, Dims{1, 1, 3});
  ASSERT_TRUE(w.ok()) << w.status();
  EXPECT_THAT(w->output, ElementsAre(3));
}

TEST(PoolWindow, TwoBillionWindowsInTheBeginningPadsAreNotLookedAtOneByOne) {
  const int64_t far = 2147483647;
  const auto w =
      ReadPoolWindow({{"kernel_shape", Ints{2}}, {"dilations", Ints{far}}, {"pads", Ints{far, 0}}},
                     Dims{1, 1, far - 1});
  EXPECT_THAT(std::string(w.status().message()), HasSubstr("expected at most 1048576 windows"));
}

TEST(CheckShape, ComparesOnlyWhatBothKnow) {
  EXPECT_TRUE(CheckShape("dY", {kN, 3}, {2, 3}).ok());
  EXPECT_EQ(CheckShape("dY", {kN, 3}, {2, 4}).message(), "expected dY [N,3], got [2,4]");
  EXPECT_EQ(CheckShape("dY", {kN}, {2, 4}).message(), "expected dY [N], got [2,4]");
}

}  // namespace
}  // namespace weft
