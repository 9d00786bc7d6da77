#include "frontend/watch/confusion_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

constexpr size_t kLongestClassName = 12;
constexpr size_t kShownMistakes = 20;
constexpr int64_t kLargestPicture = 512;  // pixels a side

[[gnu::format(printf, 1, 2)]] std::string CellFormat(const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  return buffer;
}

std::string ConfusedName(const std::vector<std::string>& names, int64_t label) {
  return label < static_cast<int64_t>(names.size()) ? names[static_cast<size_t>(label)]
                                                    : std::to_string(label);
}

std::string ShortConfusedName(const std::vector<std::string>& names, int64_t label) {
  const std::string name = ConfusedName(names, label);
  size_t length = std::min(name.size(), kLongestClassName);
  while (length < name.size() && (name[length] & 0xc0) == 0x80) --length;  // not within a character
  return name.substr(0, length);
}

int64_t CountConfusedClasses(const Confusion& confusion, size_t names) {
  auto classes = static_cast<int64_t>(names);
  for (const auto& [pair, count] : confusion.counts()) {
    classes = std::max({classes, pair.first + 1, pair.second + 1});
  }
  return classes;
}

std::string PaddedCell(const std::string& text, size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string ConfusionTable(const Confusion& confusion, const std::vector<std::string>& names,
                           int64_t classes) {
  std::map<int64_t, ClassScore> scores = ClassScores(confusion);
  size_t width = 6;
  for (int64_t c = 0; c < classes; ++c)
    width = std::max(width, ShortConfusedName(names, c).size() + 1);
  std::string text = PaddedCell("", width);
  for (int64_t c = 0; c < classes; ++c) text += PaddedCell(ShortConfusedName(names, c), width);
  text += "  precision  recall      F1     IoU\n";
  for (int64_t label = 0; label < classes; ++label) {
    text += PaddedCell(ShortConfusedName(names, label), width);
    for (int64_t predicted = 0; predicted < classes; ++predicted) {
      text += PaddedCell(std::to_string(confusion.count(label, predicted)), width);
    }
    const ClassScore& s = scores[label];
    text +=
        CellFormat("  %9.4f  %6.4f  %6.4f  %6.4f\n", s.precision(), s.recall(), s.f1(), s.iou());
  }
  return text;
}

std::string ConfusionMistakes(const Confusion& confusion, const std::vector<std::string>& names) {
  std::vector<std::pair<int64_t, Confusion::Pair>> mistakes;
  for (const auto& [pair, count] : confusion.counts()) {
    if (pair.first != pair.second) mistakes.emplace_back(count, pair);
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (mistakes.size() > kShownMistakes) mistakes.resize(kShownMistakes);
  std::string text = mistakes.empty() ? "no mistakes\n" : "most frequent mistakes:\n";
  for (const auto& [count, pair] : mistakes) {
    text += "  " + PaddedCell(std::to_string(count), 6) + "  " + ConfusedName(names, pair.first) +
            " taken for " + ConfusedName(names, pair.second) + "\n";
  }
  return text;
}

// The share of the label's examples, for shades.
double ShareOfLabel(const Confusion& confusion, const std::map<int64_t, ClassScore>& scores,
                    int64_t label, int64_t predicted) {
  const auto it = scores.find(label);
  if (it == scores.end() || it->second.support == 0) return 0;
  return static_cast<double>(confusion.count(label, predicted)) /
         static_cast<double>(it->second.support);
}

std::string SvgCell(double x, double y, double side, double share, int64_t count, bool numbers) {
  const int shade = static_cast<int>(std::lround(255 * (1 - share)));
  std::string text = CellFormat(
      "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"rgb(%d,%d,255)\" "
      "stroke=\"#eeeeee\"/>\n",
      x, y, side, side, shade, shade);
  if (!numbers || count == 0) return text;
  return text +
         CellFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"%s\">%lld</text>\n",
                    x + side / 2, y + side / 2 + 4, share > 0.5 ? "white" : "black",
                    static_cast<long long>(count));
}

}  // namespace

std::string ConfusionText(const Confusion& confusion, const std::vector<std::string>& names) {
  const int64_t classes = CountConfusedClasses(confusion, names.size());
  return classes <= kTableClasses ? ConfusionTable(confusion, names, classes)
                                  : ConfusionMistakes(confusion, names);
}

std::string ConfusionSvg(const Confusion& confusion, const std::vector<std::string>& names) {
  constexpr double kMargin = 110;
  const int64_t classes = CountConfusedClasses(confusion, names.size());
  const bool numbers = classes <= kTableClasses;
  const double side = numbers ? 36 : std::max(2.0, 864.0 / static_cast<double>(classes));
  const double size = kMargin + side * static_cast<double>(classes) + 16;
  const std::map<int64_t, ClassScore> scores = ClassScores(confusion);
  const auto cell = [&](int64_t label, int64_t predicted) {
    return SvgCell(kMargin + side * static_cast<double>(predicted),
                   kMargin + side * static_cast<double>(label), side,
                   ShareOfLabel(confusion, scores, label, predicted),
                   confusion.count(label, predicted), numbers);
  };
  std::string text = CellFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" "
      "fill=\"white\"/>\n<text x=\"8\" y=\"%.0f\">label</text>\n<text x=\"%.0f\" "
      "y=\"14\">predicted</text>\n",
      size, size, kMargin - 6, kMargin);
  for (int64_t label = 0; numbers && label < classes; ++label) {
    const double at = kMargin + side * static_cast<double>(label);
    const std::string name = XmlText(ShortConfusedName(names, label));
    text += CellFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", kMargin - 6,
                       at + side / 2 + 4, name.c_str());
    text += CellFormat("<text transform=\"translate(%.1f %.1f) rotate(-60)\">%s</text>\n",
                       at + side / 2, kMargin - 6, name.c_str());
    for (int64_t predicted = 0; predicted < classes; ++predicted) {
      text += cell(label, predicted);
    }
  }
  if (numbers) return text + "</svg>\n";
  // Of many classes most pairs do not occur; they are as white as the ground.
  for (const auto& [pair, count] : confusion.counts()) text += cell(pair.first, pair.second);
  return text + "</svg>\n";
}

Picture ConfusionPicture(const Confusion& confusion) {
  const int64_t classes = std::max<int64_t>(CountConfusedClasses(confusion, 0), 1);
  const int64_t cell = std::max<int64_t>(kLargestPicture / classes, 1);
  const int64_t side = std::min(cell * classes, kLargestPicture);
  // Of more classes than pixels, several share one.
  const auto begin = [&](int64_t c) { return c * side / classes; };
  const auto end = [&](int64_t c) { return std::max(begin(c + 1), begin(c) + 1); };
  const std::map<int64_t, ClassScore> scores = ClassScores(confusion);
  Picture picture{.height = side, .width = side, .channels = 1};
  picture.pixels.assign(static_cast<size_t>(side * side), 255);
  for (const auto& [pair, count] : confusion.counts()) {
    const double share = ShareOfLabel(confusion, scores, pair.first, pair.second);
    const auto shade = static_cast<uint8_t>(std::lround(255 * (1 - share)));
    for (int64_t y = begin(pair.first); y < end(pair.first); ++y) {
      for (int64_t x = begin(pair.second); x < end(pair.second); ++x) {
        uint8_t& pixel = picture.pixels[static_cast<size_t>(y * side + x)];
        pixel = std::min(pixel, shade);
      }
    }
  }
  return picture;
}

}  // namespace weft
