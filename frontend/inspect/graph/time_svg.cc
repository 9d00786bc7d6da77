#include "frontend/inspect/graph/time_svg.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "frontend/inspect/graph/graph_drawing.h"
#include "frontend/inspect/op_kind.h"
#include "frontend/inspect/svg_parts.h"

namespace weft {
namespace {

constexpr double kNameWidth = 190, kBarWidth = 320, kNoteWidth = 460;
constexpr double kBarTop = 46, kBarStep = 20, kBarHeight = 14;
constexpr size_t kMostBarName = 26, kMostBarNote = 64;

class TimeChart {
 public:
  TimeChart(const Profile& profile, const TimeSvgOptions& options)
      : profile_(profile), rows_(profile.steps), standalone_(options.standalone) {
    std::ranges::stable_sort(rows_, std::ranges::greater(), &ProfileRow::seconds);
    if (options.most > 0 && rows_.size() > options.most) {
      for (size_t i = options.most; i < rows_.size(); ++i) {
        rest_ += rows_[i].seconds;
        ++others_;
      }
      rows_.resize(options.most);
    }
    longest_ = std::max(rest_, 1e-12);
    for (const ProfileRow& row : rows_) longest_ = std::max({longest_, row.seconds, row.bound});
  }

  std::string Draw() {
    const auto bars = static_cast<double>(rows_.size() + (others_ > 0 ? 1 : 0));
    text_ = SvgBegin({.css_class = "weft-chart",
                      .size = {kNameWidth + kBarWidth + kNoteWidth, kBarTop + kBarStep * bars + 12},
                      .title = "Time by node",
                      .style = ChartStyle(),
                      .standalone = standalone_});
    text_ += SvgText("heading", kNameWidth + kBarWidth / 2, 12,
                     absl::StrFormat("%d steps in %.3f ms", profile_.steps.size(),
                                     1e3 * profile_.step_total)) +
             SvgText("small middle", kNameWidth + kBarWidth / 2, 30,
                     absl::StrFormat("batch %d, %d thread%s; the stroke marks the least that the "
                                     "work takes here, %.3f ms in all",
                                     profile_.batch, profile_.threads,
                                     profile_.threads == 1 ? "" : "s", 1e3 * profile_.bound)) +
             "\n";
    for (size_t i = 0; i < rows_.size(); ++i) Row(rows_[i], Top(i));
    if (others_ > 0) {
      Bar(OpKind::kOther, "", {absl::StrCat(others_, " more steps")},
          absl::StrCat(others_, " more"), rest_, Length(rest_), Top(rows_.size()), "");
    }
    return std::move(text_) + "</svg>\n";
  }

 private:
  static double Top(size_t i) { return kBarTop + kBarStep * static_cast<double>(i); }
  double Length(double seconds) const { return kBarWidth * seconds / longest_; }

  void Row(const ProfileRow& row, double top) {
    std::vector<std::string> title = {
        absl::StrCat(row.name, " (", row.op, ")"),
        absl::StrFormat("%.4f ms, at least %.4f ms", 1e3 * row.seconds, 1e3 * row.bound),
        absl::StrFormat("%.4g MFLOP, %.4g MB", 1e-6 * row.work.flops, 1e-6 * row.work.bytes),
        row.implementation};
    if (!row.from.empty()) title.push_back(row.from);
    Bar(OpKindOf(row.op), row.name, title, Shortened(row.name, kMostBarName), row.seconds,
        Length(std::max(row.seconds, row.bound)), top,
        absl::StrCat(row.op, " ", row.implementation, row.from.empty() ? "" : ", ",
                     row.from.substr(0, row.from.find('('))));
    const double x = kNameWidth + Length(row.bound);
    text_ += SvgLine("bound", x, top - 2, x, top + kBarHeight + 2) + "\n";
  }

  // `end`: where its text may begin.
  void Bar(OpKind kind, const std::string& node, const std::vector<std::string>& title,
           const std::string& name, double seconds, double end, double top,
           const std::string& note) {
    const double middle = top + kBarHeight / 2;
    const double total = profile_.step_total;
    absl::StrAppend(&text_, "<g class=\"bar ", Absl(OpClass(kind)), "\"",
                    node.empty() ? "" : SvgAttribute("data-node", node), ">", SvgTitle(title),
                    SvgRect(kNameWidth, top, {Length(seconds), kBarHeight}),
                    SvgText("end", kNameWidth - 6, middle, name),
                    SvgText("small", kNameWidth + end + 8, middle,
                            absl::StrCat(absl::StrFormat("%.3f ms, %.1f %%  ", 1e3 * seconds,
                                                         total > 0 ? 100 * seconds / total : 0),
                                         Shortened(note, kMostBarNote))),
                    "</g>\n");
  }

  const Profile& profile_;
  std::vector<ProfileRow> rows_;
  bool standalone_;
  double rest_ = 0, longest_ = 0;
  size_t others_ = 0;
  std::string text_;
};

}  // namespace

std::string TimeSvg(const Profile& profile, const TimeSvgOptions& options) {
  return TimeChart(profile, options).Draw();
}

}  // namespace weft
