#include "frontend/inspect/graph/memory_timeline.h"

#include <algorithm>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/io/text_table.h"
#include "frontend/watch/plot.h"
#include "graph/number_text.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

// For each buffer, what lies in it.
struct BufferUse {
  std::vector<std::string> values = {};
  std::string op = {};
};

std::vector<BufferUse> UsesOfBuffers(const Plan& plan) {
  std::vector<BufferUse> uses(plan.buffers.size());
  const auto at = [&](int buffer) -> BufferUse& { return uses[static_cast<size_t>(buffer)]; };
  for (const PlanValue& value : plan.values) {
    if (value.buffer >= 0) at(value.buffer).values.push_back(value.name);
  }
  for (const PlanStep& step : plan.steps) {
    const auto add = [&](int buffer, const char* what) {
      if (buffer < 0) return;
      if (what != nullptr) at(buffer).values.push_back(absl::StrCat(what, step.name));
      if (at(buffer).op.empty()) at(buffer).op = step.op;
    };
    for (const int v : step.outputs) {
      if (v >= 0) add(plan.values[static_cast<size_t>(v)].buffer, nullptr);
    }
    add(step.scratch, "scratch of ");
    // A gradient's step shares that of its forward step.
    const bool is_owner = step.workspace >= 0 && at(step.workspace).values.empty();
    add(step.workspace, is_owner ? "workspace of " : nullptr);
  }
  return uses;
}

size_t LayoutBytes(const std::vector<Layout>& layouts) {
  size_t bytes = 0;
  for (const Layout& layout : layouts) bytes += layout.bytes();
  return bytes;
}

std::vector<double> StepNumbers(size_t steps) {
  std::vector<double> numbers;
  for (size_t s = 0; s < steps; ++s) numbers.push_back(static_cast<double>(s));
  return numbers;
}

std::string BlocksTable(const MemoryTimeline& timeline, size_t most) {
  std::vector<const MemoryBlock*> blocks;
  for (const MemoryBlock& block : timeline.blocks) {
    if (block.first <= timeline.peak && timeline.peak <= block.last) blocks.push_back(&block);
  }
  std::ranges::stable_sort(blocks, std::ranges::greater(), &MemoryBlock::bytes);
  std::vector<std::vector<std::string>> lines = {{"bytes", "from", "to", "values"}};
  for (size_t i = 0; i < std::min(most, blocks.size()); ++i) {
    const MemoryBlock& block = *blocks[i];
    lines.push_back({BytesText(static_cast<double>(block.bytes)), absl::StrCat(block.first),
                     absl::StrCat(block.last), NamesOf(block)});
  }
  std::string text = TextTable("rrrl", lines);
  if (blocks.size() > most) absl::StrAppend(&text, "and ", blocks.size() - most, " more\n");
  return text;
}

}  // namespace

std::string NamesOf(const MemoryBlock& block, size_t most) {
  const size_t named = std::min(most, block.values.size());
  std::string names = absl::StrJoin(std::span(block.values).first(named), ", ");
  if (block.values.size() > named) {
    absl::StrAppend(&names, " and ", block.values.size() - named, " more");
  }
  return names;
}

MemoryTimeline MemoryTimelineOf(const Plan& plan) {
  MemoryTimeline timeline{.arena_bytes = plan.arena_bytes,
                          .constant_bytes = plan.constant_bytes,
                          .variable_bytes = plan.variable_bytes,
                          .input_bytes = LayoutBytes(plan.input_layouts),
                          .output_bytes = LayoutBytes(plan.output_layouts)};
  for (const PlanStep& step : plan.steps) timeline.steps.push_back(step.name);
  timeline.live.resize(plan.steps.size());
  timeline.top.resize(plan.steps.size());
  std::vector<BufferUse> uses = UsesOfBuffers(plan);
  for (size_t b = 0; b < plan.buffers.size(); ++b) {
    const PlanBuffer& buffer = plan.buffers[b];
    if (buffer.place != Place::kArena || buffer.first < 0 || buffer.bytes == 0) continue;
    timeline.blocks.push_back({.values = std::move(uses[b].values),
                               .op = std::move(uses[b].op),
                               .first = buffer.first,
                               .last = buffer.last,
                               .offset = buffer.offset,
                               .bytes = buffer.bytes});
    const size_t bytes = AlignedBytes(buffer.bytes);
    for (auto s = static_cast<size_t>(buffer.first); s <= static_cast<size_t>(buffer.last); ++s) {
      timeline.live[s] += bytes;
      timeline.top[s] = std::max(timeline.top[s], buffer.offset + bytes);
    }
  }
  if (!timeline.live.empty()) {
    timeline.peak =
        static_cast<int>(std::ranges::max_element(timeline.live) - timeline.live.begin());
  }
  return timeline;
}

std::string MemoryText(const MemoryTimeline& timeline, int columns, size_t most) {
  const auto bytes = [](size_t value) { return BytesText(static_cast<double>(value)); };
  std::string text = absl::StrCat(
      "arena ", bytes(timeline.arena_bytes), ", constants ", bytes(timeline.constant_bytes),
      ", variables ", bytes(timeline.variable_bytes), ", inputs ", bytes(timeline.input_bytes),
      ", outputs ", bytes(timeline.output_bytes), "\n");
  if (timeline.steps.empty()) return text;
  const auto peak = static_cast<size_t>(timeline.peak);
  absl::StrAppend(&text, "peak ", bytes(timeline.live[peak]), " at step ", peak, " of ",
                  timeline.steps.size(), ", ", timeline.steps[peak], "\n");
  Series live{.name = "MiB that live", .x = StepNumbers(timeline.steps.size())};
  for (const size_t value : timeline.live) live.y.push_back(static_cast<double>(value) / 1048576);
  constexpr int kAxisColumns = 12;
  const std::vector<Series> series = {live};
  text += PlotText(
      series, {.x_label = "step", .columns = std::max(16, columns - kAxisColumns), .rows = 12});
  return absl::StrCat(text, "the largest at the peak:\n", BlocksTable(timeline, most));
}

}  // namespace weft
