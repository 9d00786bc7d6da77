// MelWeightMatrix and Multinomial.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/session/session.h"
#include "testing_onnx_run.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

OnnxMaker MelMatrix(int64_t bands, int64_t length, int64_t rate, float lower, float upper) {
  const auto number = [](int64_t value) {
    return *Tensor::FromInts(std::vector{value}).Reshaped({});
  };
  OnnxMaker m(17);
  m.Initializer("bands", number(bands)).Initializer("length", number(length));
  m.Initializer("rate", number(rate));
  m.Initializer("lower", Tensor::Scalar(lower, DType::kF32))
      .Initializer("upper", Tensor::Scalar(upper, DType::kF32));
  m.Node("MelWeightMatrix", {"bands", "length", "rate", "lower", "upper"}, {"y"}).Output("y");
  return m;
}

// 8000 samples a second in frames of 16: bins of 500 Hz, of which 17/16 count as one. The ends of
// the bands, 2146 mel in four steps, are 0, 427, 1114 and 2220 Hz: bins 0, 0, 2 and 4.
TEST(OnnxSignal, MelBandsRiseAndFall) {
  OnnxMaker m = MelMatrix(2, 16, 8000, 0, 4000);
  const Tensor y = OutputOfOnnx(m, {}, "y");
  ASSERT_EQ(y.dims(), (Dims{9, 2}));
  const auto at = [&](int64_t bin, int64_t band) { return y.At(2 * bin + band); };
  EXPECT_THAT((std::vector{at(0, 0), at(1, 0), at(2, 0)}), ElementsAre(1, 0.5, 0));
  EXPECT_THAT((std::vector{at(0, 1), at(1, 1), at(2, 1), at(3, 1), at(4, 1)}),
              ElementsAre(0, 0.5, 1, 0.5, 0));
}

TEST(OnnxSignal, MelBandsThatAreNoneAreRefused) {
  EXPECT_THAT(std::string(MelMatrix(0, 16, 8000, 0, 4000).Import().status().message()),
              HasSubstr("at least 1 band"));
  EXPECT_THAT(std::string(MelMatrix(2, 16, 8000, 4000, 100).Import().status().message()),
              HasSubstr("4000 to 100"));
  EXPECT_THAT(std::string(MelMatrix(2, 16, 8000, 0, HUGE_VALF).Import().status().message()),
              HasSubstr("0 to inf"));
}

// The bands' ends are bins that no integer counts; of the spectrum nothing but bin 0 is in them.
TEST(OnnxSignal, MelBandsFarAboveTheSpectrumAreEmpty) {
  OnnxMaker m = MelMatrix(2, 16, 1, 0, 3e38f);
  const Tensor y = OutputOfOnnx(m, {}, "y");
  ASSERT_EQ(y.dims(), (Dims{9, 2}));
  for (int64_t bin = 0; bin < 9; ++bin) {
    EXPECT_NEAR(y.At(2 * bin), 0, 1e-9) << bin;
    EXPECT_EQ(y.At(2 * bin + 1), 0) << bin;
  }
}

// Unnormalized log-probabilities of 0, 1/4, 0, 3/4 and 0 and a row of one class alone.
TEST(OnnxSignal, MultinomialDrawsEachClassAsOftenAsItsProbability) {
  constexpr int64_t kSamples = 4000;
  const float none = -HUGE_VALF;
  OnnxMaker m(13);
  m.Input("x", {-1, 5}).Node("Multinomial", {"x"}, {"y"});
  m.Attribute("sample_size", onnx::AttributeProto::INT)->set_i(kSamples);
  m.Output("y", onnx::TensorProto::INT32);
  const TensorMap feeds = {{"x", Floats({2, 5}, {none, 2, none, 2 + std::log(3.0f), none,  //
                                                 none, none, none, none, 7})}};
  const Tensor y = OutputOfOnnx(m, feeds, "y");
  ASSERT_EQ(y.type(), (TensorType{DType::kI32, ToShape(Dims{2, kSamples})}));
  const auto drawn = y.values<int32_t>();
  int64_t ones = 0;
  for (int64_t i = 0; i < kSamples; ++i) {
    ASSERT_TRUE(drawn[i] == 1 || drawn[i] == 3) << drawn[i];
    ones += drawn[i] == 1;
  }
  EXPECT_NEAR(static_cast<double>(ones), kSamples / 4, 6 * std::sqrt(kSamples * 3 / 16.0));
  EXPECT_THAT(drawn.subspan(kSamples), Each(4));
  EXPECT_EQ(OutputOfOnnx(m, feeds, "y"), y);  // of the same seed
}

}  // namespace
}  // namespace weft
