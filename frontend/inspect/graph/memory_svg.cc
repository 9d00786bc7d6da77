#include <algorithm>
#include <array>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "frontend/inspect/graph/memory_timeline.h"
#include "frontend/inspect/op_kind.h"
#include "frontend/inspect/svg_parts.h"
#include "frontend/watch/plot_axis.h"
#include "graph/number_text.h"

namespace weft {
namespace {

constexpr double kMemoryLeft = 72, kMemoryRight = 16, kMemoryTop = 40, kMemoryBottom = 64;
constexpr double kMemoryHeight = 360;  // of the arena
constexpr double kStepWidth = 16, kLeastMemoryWidth = 480, kMostMemoryWidth = 1600;
constexpr double kLegendWidth = 132;
constexpr size_t kMostTitleValues = 12;

// A unit in which `bytes` is a number that people read.
struct ByteUnit {
  double bytes = 1;
  const char* name = "bytes";
};
ByteUnit ByteUnitFor(size_t bytes) {
  constexpr ByteUnit kUnits[] = {
      {1, "bytes"}, {1024, "KiB"}, {1048576, "MiB"}, {1073741824, "GiB"}};
  size_t unit = 0;
  while (unit + 1 < std::size(kUnits) && static_cast<double>(bytes) >= kUnits[unit + 1].bytes) {
    ++unit;
  }
  return kUnits[unit];
}

class MemoryChart {
 public:
  MemoryChart(const MemoryTimeline& timeline, bool standalone)
      : timeline_(timeline),
        standalone_(standalone),
        unit_(ByteUnitFor(timeline.arena_bytes)),
        arena_(static_cast<double>(std::max<size_t>(timeline.arena_bytes, 1))),
        width_(std::clamp(kStepWidth * static_cast<double>(timeline.steps.size()),
                          kLeastMemoryWidth, kMostMemoryWidth)),
        step_(width_ / static_cast<double>(std::max<size_t>(timeline.steps.size(), 1))) {}

  std::string Draw() {
    text_ = SvgBegin(
        {.css_class = "weft-chart",
         .size = {kMemoryLeft + width_ + kMemoryRight, kMemoryTop + kMemoryHeight + kMemoryBottom},
         .title = "Memory over a run",
         .style = ChartStyle(),
         .standalone = standalone_});
    Axes();
    for (const MemoryBlock& block : timeline_.blocks) Block(block);
    if (!timeline_.steps.empty()) Live();
    Legend();
    return std::move(text_) + "</svg>\n";
  }

 private:
  double X(double step) const { return kMemoryLeft + step * step_; }
  double Y(double bytes) const { return kMemoryTop + kMemoryHeight * (1 - bytes / arena_); }

  void Axes() {
    const auto bytes = [](size_t value) { return BytesText(static_cast<double>(value)); };
    text_ += SvgText("heading", X(0) + width_ / 2, 12,
                     absl::StrCat("Arena of ", bytes(timeline_.arena_bytes), " over ",
                                  timeline_.steps.size(), " steps"));
    const std::array series = {
        Series{.name = "",
               .x = {0, static_cast<double>(timeline_.steps.size())},
               .y = {0, static_cast<double>(timeline_.arena_bytes) / unit_.bytes}}};
    for (const double tick : PlotAxis::Of(series, false, false).Ticks(6)) {
      const double y = Y(tick * unit_.bytes);
      text_ +=
          SvgLine("grid", X(0), y, X(0) + width_, y) + SvgText("end", X(0) - 6, y, TickText(tick));
    }
    for (const double tick : PlotAxis::Of(series, true, false).Ticks(8)) {
      if (tick != std::floor(tick)) continue;
      text_ += SvgText("middle", X(tick), Y(0) + 12, TickText(tick));
    }
    text_ += SvgText("end", X(0) - 6, kMemoryTop - 14, unit_.name) +
             SvgText("middle", X(0) + width_ / 2, Y(0) + 28, "step") + "\n";
  }

  void Block(const MemoryBlock& block) {
    const auto last = static_cast<size_t>(block.last), first = static_cast<size_t>(block.first);
    const double top = Y(static_cast<double>(block.offset + block.bytes));
    absl::StrAppend(
        &text_, "<g class=\"block ", Absl(OpClass(OpKindOf(block.op))), "\">",
        SvgTitle({NamesOf(block, kMostTitleValues),
                  absl::StrCat(block.op, ", ", BytesText(static_cast<double>(block.bytes)), " at ",
                               block.offset),
                  absl::StrCat("steps ", first, " (", timeline_.steps[first], ") to ", last, " (",
                               timeline_.steps[last], ")")}),
        SvgRect(X(static_cast<double>(block.first)), top,
                {step_ * static_cast<double>(last - first + 1),
                 Y(static_cast<double>(block.offset)) - top}),
        "</g>\n");
  }

  void Live() {
    text_ += "<path class=\"live\" d=\"M";
    for (size_t s = 0; s < timeline_.live.size(); ++s) {
      const auto x = static_cast<double>(s);
      absl::StrAppendFormat(&text_, "%s%.1f %.1fH%.1f", s == 0 ? "" : "L", X(x),
                            Y(static_cast<double>(timeline_.live[s])), X(x + 1));
    }
    const auto peak = static_cast<size_t>(timeline_.peak);
    const double x = X(static_cast<double>(peak) + 0.5);
    // Beside the line, on the side with room.
    const bool is_left = x < X(0) + width_ / 2;
    absl::StrAppend(
        &text_, "\"><title>bytes that live</title></path>\n",
        SvgLine("mark", x, kMemoryTop - 6, x, Y(0)),
        SvgText(is_left ? "start" : "end", x + (is_left ? 4 : -4), kMemoryTop - 10,
                absl::StrCat("peak ", BytesText(static_cast<double>(timeline_.live[peak])), ": ",
                             timeline_.steps[peak])),
        "\n");
  }

  // The kinds of ops that there are.
  void Legend() {
    std::set<OpKind> kinds;
    for (const MemoryBlock& block : timeline_.blocks) kinds.insert(OpKindOf(block.op));
    double x = X(0), y = Y(0) + 48;
    for (const OpKind kind : kinds) {
      if (x + kLegendWidth > X(0) + width_) break;
      absl::StrAppend(&text_, "<g class=\"", Absl(OpClass(kind)), "\">",
                      SvgRect(x, y - 5, {10, 10}), "</g>",
                      SvgText("small", x + 14, y, std::string(ToString(kind))), "\n");
      x += kLegendWidth;
    }
  }

  const MemoryTimeline& timeline_;
  bool standalone_;
  ByteUnit unit_;
  double arena_, width_, step_;
  std::string text_;
};

}  // namespace

std::string MemorySvg(const MemoryTimeline& timeline, bool standalone) {
  return MemoryChart(timeline, standalone).Draw();
}

}  // namespace weft
