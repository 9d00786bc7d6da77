#include "frontend/inspect/graph/memory_timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "../frontend/testing_files.h"
#include "frontend/session/session.h"
#include "frontend/train/train.h"
#include "frontend/zoo/zoo.h"
#include "runtime/scratch.h"
#include "testing_golden.h"
#include "testing_xml.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const Plan> PlanOf(const Model& model, int64_t batch, SessionOptions options = {}) {
  static std::vector<std::unique_ptr<Session>> kept;  // plans refer to their graphs
  kept.push_back(Session::Create(model, options).value());
  return kept.back()->PlanFor(batch).value();
}

// Against the plan, by brute force.
void ExpectTimelineOfPlan(const MemoryTimeline& timeline, const Plan& plan) {
  ASSERT_EQ(timeline.steps.size(), plan.steps.size());
  size_t highest = 0, most = 0, blocks = 0;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    size_t live = 0, top = 0;
    for (const PlanBuffer& b : plan.buffers) {
      if (b.place != Place::kArena || b.first < 0 || b.bytes == 0) continue;
      blocks += s == 0;
      if (static_cast<int>(s) < b.first || static_cast<int>(s) > b.last) continue;
      live += AlignedBytes(b.bytes);
      top = std::max(top, b.offset + AlignedBytes(b.bytes));
    }
    EXPECT_EQ(timeline.live[s], live) << s;
    EXPECT_EQ(timeline.top[s], top) << s;
    highest = std::max(highest, top);
    most = std::max(most, live);
  }
  EXPECT_EQ(timeline.blocks.size(), blocks);
  EXPECT_EQ(highest, plan.arena_bytes);
  EXPECT_EQ(timeline.live[static_cast<size_t>(timeline.peak)], most);
  EXPECT_LE(most, plan.arena_bytes);
}

void ExpectNoOverlap(const MemoryTimeline& timeline) {
  const std::vector<MemoryBlock>& blocks = timeline.blocks;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const MemoryBlock& a = blocks[i];
    EXPECT_FALSE(a.values.empty()) << i;
    EXPECT_FALSE(a.op.empty()) << a.values[0];
    EXPECT_LE(a.offset + a.bytes, timeline.arena_bytes);
    for (size_t j = 0; j < i; ++j) {
      const MemoryBlock& b = blocks[j];
      const bool together = a.first <= b.last && b.first <= a.last;
      const bool apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
      EXPECT_TRUE(!together || apart) << a.values[0] << " and " << b.values[0];
    }
  }
}

TEST(MemoryTimeline, IsThatOfThePlan) {
  for (const char* network : {"lenet-bn", "resnet20_cifar", "squeezenet1_0"}) {
    SCOPED_TRACE(network);
    const Model model = BuildNetwork(**FindNetwork(network), {}).value();
    const auto plan = PlanOf(model, 2);
    const MemoryTimeline timeline = MemoryTimelineOf(*plan);
    ExpectTimelineOfPlan(timeline, *plan);
    ExpectNoOverlap(timeline);
  }
}

TEST(MemoryTimeline, OfATrainingStepHasWorkspacesAndScratch) {
  Model model = BuildNetwork(**FindNetwork("lenet-bn"), {}).value();
  const auto trainer = Trainer::Create(std::move(model), {.threads = 1}).value();
  const auto plan = trainer->TrainingPlan(8).value();
  const MemoryTimeline timeline = MemoryTimelineOf(*plan);
  ExpectTimelineOfPlan(timeline, *plan);
  ExpectNoOverlap(timeline);
  // A step keeps its activations: more lives at once than inference needs.
  EXPECT_GT(timeline.live[static_cast<size_t>(timeline.peak)],
            MemoryTimelineOf(*PlanOf(BuildNetwork(**FindNetwork("lenet-bn"), {}).value(), 8))
                .arena_bytes);
  EXPECT_GT(timeline.variable_bytes, 0u);
}

// Three blocks of 64 bytes over four steps: a 0-1, b 1-3 above it, c 2-3 in a's place.
MemoryTimeline HandMade() {
  return {.steps = {"one", "two", "<three>", "four"},
          .blocks = {{{"a"}, "Conv", 0, 1, 0, 64},
                     {{"b", "b2"}, "Relu", 1, 3, 64, 64},
                     {{"c & d"}, "Gemm", 2, 3, 0, 32}},
          .live = {64, 128, 128, 128},
          .top = {64, 128, 128, 128},
          .peak = 1,
          .arena_bytes = 128,
          .constant_bytes = 2048};
}

TEST(MemorySvg, DrawsBlocksWhereAndWhenTheyLive) {
  const XmlDocument document = ReadXml(MemorySvg(HandMade()));
  ASSERT_EQ(document.error, "");
  const std::vector<const XmlElement*> blocks = document.All("block");
  ASSERT_EQ(blocks.size(), 3u);
  // The arena is 360 pixels high below 40, a step 480 / 4 wide right of 72.
  const auto rect = [&](size_t i) {
    const XmlElement* r = document.Child(*blocks[i], "rect");
    return std::vector<std::string>{r->Get("x"), r->Get("y"), r->Get("width"), r->Get("height")};
  };
  EXPECT_THAT(rect(0), ElementsAre("72.0", "220.0", "240.0", "180.0"));
  EXPECT_THAT(rect(1), ElementsAre("192.0", "40.0", "360.0", "180.0"));
  EXPECT_THAT(rect(2), ElementsAre("312.0", "310.0", "240.0", "90.0"));
  EXPECT_TRUE(blocks[0]->Is("op-conv"));
  EXPECT_EQ(document.Child(*blocks[1], "title")->text,
            "b, b2\nRelu, 64 B at 64\nsteps 1 (two) to 3 (four)");
  EXPECT_THAT(document.Child(*blocks[2], "title")->text, HasSubstr("steps 2 (<three>) to 3"));
  ASSERT_EQ(document.All("live").size(), 1u);
  EXPECT_EQ(document.All("live")[0]->Get("d"),
            "M72.0 220.0H192.0L192.0 40.0H312.0L312.0 40.0H432.0L432.0 40.0H552.0");
  EXPECT_THAT(MemorySvg(HandMade()), HasSubstr("peak 128 B: two"));
}

TEST(MemorySvg, TakesARunWithoutMemory) {
  EXPECT_EQ(ReadXml(MemorySvg({})).error, "");
  EXPECT_EQ(ReadXml(MemorySvg({}, /*standalone=*/false)).error, "");
  EXPECT_THAT(MemoryText({}), HasSubstr("arena 0 B"));
}

TEST(MemoryText, ListsThePeak) {
  const std::string text = MemoryText(HandMade(), 60, 1);
  EXPECT_THAT(text, HasSubstr("arena 128 B, constants 2.0 KiB"));
  EXPECT_THAT(text, HasSubstr("peak 128 B at step 1 of 4, two"));
  EXPECT_THAT(text, HasSubstr("64 B     0   1  a"));
  EXPECT_THAT(text, HasSubstr("and 1 more"));
}

void ExpectGoldenMemory(const std::string& network) {
  // The reference kernels: no machine chooses others.
  const auto plan = PlanOf(GoldenModel(network), 4, {.threads = 1, .reference_only = true});
  const std::string svg = MemorySvg(MemoryTimelineOf(*plan));
  const std::string path = GoldenFolder() + "/memory_" + network + ".svg";
  if (std::getenv("WEFT_UPDATE_GOLDEN") != nullptr) return WriteText(path, svg);
  EXPECT_EQ(svg, ReadText(path));
}

TEST(MemorySvg, GoldenDigits) { ExpectGoldenMemory("digits"); }

TEST(MemorySvg, GoldenCifar) { ExpectGoldenMemory("cifar"); }

}  // namespace
}  // namespace weft
