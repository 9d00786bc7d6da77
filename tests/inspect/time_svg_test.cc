#include "frontend/inspect/graph/time_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../frontend/testing_files.h"
#include "frontend/session/session.h"
#include "testing_golden.h"
#include "testing_xml.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

Profile SomeProfile() {
  Profile profile{.batch = 8, .threads = 2};
  profile.steps = {
      {.name = "reorder x",
       .op = "Reorder",
       .implementation = "jit:uni",
       .seconds = 0.5e-3,
       .bound = 0.25e-3},
      {.name = "conv1",
       .op = "FusedConv",
       .implementation = "brgconv:avx512_core",
       .from = "fuse_conv_activation(conv1, bn1, relu1)",
       .seconds = 4e-3,
       .work = {.flops = 2e9, .bytes = 3e6},
       .bound = 3e-3},
      {.name = "a<b>", .op = "Gemm", .implementation = "gemm", .seconds = 1e-3, .bound = 2e-3}};
  profile.step_total = 5.5e-3;
  profile.bound = 5.25e-3;
  return profile;
}

TEST(TimeSvg, BarsAreTimesAndStrokesAreBounds) {
  const XmlDocument document = ReadXml(TimeSvg(SomeProfile()));
  ASSERT_EQ(document.error, "");
  const std::vector<const XmlElement*> bars = document.All("bar"), bounds = document.All("bound");
  ASSERT_EQ(bars.size(), 3u);
  ASSERT_EQ(bounds.size(), 3u);
  const auto width = [&](size_t i) {
    return std::stod(document.Child(*bars[i], "rect")->Get("width"));
  };
  const auto place = [&](size_t i) {
    return std::stod(bounds[i]->Get("x1")) - std::stod(document.Child(*bars[i], "rect")->Get("x"));
  };
  EXPECT_EQ(bars[0]->Get("data-node"), "conv1");
  EXPECT_TRUE(bars[0]->Is("op-conv"));
  EXPECT_EQ(bars[1]->Get("data-node"), "a<b>");
  EXPECT_EQ(bars[2]->Get("data-node"), "reorder x");
  EXPECT_NEAR(width(1), width(0) / 4, 0.05);
  EXPECT_NEAR(width(2), width(0) / 8, 0.05);
  EXPECT_NEAR(place(0), width(0) * 3 / 4, 0.1);
  EXPECT_NEAR(place(1), width(0) / 2, 0.1);
  EXPECT_THAT(document.Child(*bars[0], "title")->text,
              testing::AllOf(HasSubstr("conv1 (FusedConv)\n4.0000 ms, at least 3.0000 ms"),
                             HasSubstr("2000 MFLOP, 3 MB"),
                             HasSubstr("fuse_conv_activation(conv1, bn1, relu1)")));
  EXPECT_THAT(TimeSvg(SomeProfile()), HasSubstr("4.000 ms, 72.7 %  FusedConv brgconv:avx512_core, "
                                                "fuse_conv_activation<"));
}

TEST(TimeSvg, TheRestIsOneBar) {
  const XmlDocument document = ReadXml(TimeSvg(SomeProfile(), {.most = 1}));
  ASSERT_EQ(document.error, "");
  ASSERT_EQ(document.All("bar").size(), 2u);
  const XmlElement* rest = document.All("bar")[1];
  EXPECT_EQ(rest->Get("data-node"), "");
  EXPECT_EQ(document.Child(*rest, "title")->text, "2 more steps");
  EXPECT_THAT(TimeSvg(SomeProfile(), {.most = 1}), HasSubstr("1.500 ms, 27.3 %"));
  EXPECT_EQ(ReadXml(TimeSvg({})).error, "");
}

// The steps of a network's plan as if this machine did 10 GFLOP/s and moved 1 GB/s, one after the
// other: a golden file can have no measured time.
void ExpectGoldenTimes(const std::string& network) {
  const auto session =
      Session::Create(GoldenModel(network), {.threads = 1, .reference_only = true}).value();
  const auto plan = session->PlanFor(4).value();
  Profile profile{.batch = 4, .threads = 1};
  for (const PlanStep& step : plan->steps) {
    ProfileRow row{.name = step.name,
                   .op = step.op,
                   .implementation = step.kernel->implementation(),
                   .work = WorkOf(*plan, step).value()};
    const double arithmetic = row.work.flops / 10e9, movement = row.work.bytes / 1e9;
    row.seconds = arithmetic + movement;
    row.bound = std::max(arithmetic, movement);
    profile.step_total += row.seconds;
    profile.bound += row.bound;
    profile.steps.push_back(row);
  }
  const std::string svg = TimeSvg(profile), path = GoldenFolder() + "/time_" + network + ".svg";
  if (std::getenv("WEFT_UPDATE_GOLDEN") != nullptr) return WriteText(path, svg);
  EXPECT_EQ(svg, ReadText(path));
}

TEST(TimeSvg, GoldenDigits) { ExpectGoldenTimes("digits"); }

TEST(TimeSvg, GoldenCifar) { ExpectGoldenTimes("cifar"); }

}  // namespace
}  // namespace weft
