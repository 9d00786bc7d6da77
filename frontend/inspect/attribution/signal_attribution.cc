#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/inspect/attribution/attribution_picture.h"
#include "frontend/inspect/attribution/color_strip.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/svg_parts.h"
#include "frontend/watch/plot_axis.h"

namespace weft {
namespace {

constexpr size_t kSignalPlaces = 900;  // one a pixel
constexpr double kSignalWidth = 900, kSignalLeft = 80, kSignalTop = 30, kSignalPanel = 70,
                 kSignalGap = 8, kSignalBottom = 46, kSignalLegend = 120;

// The extents of a signal: [C,L] of [1,C,L], [1,L] of [1,L].
struct SignalExtents {
  size_t channels = 1, length = 0;
};

absl::StatusOr<SignalExtents> ExtentsOfSignal(const Tensor& x, const Attribution& what) {
  const bool fits = !x.is_empty() && x.dtype() == DType::kF32 && x.size() > 0 &&
                    (x.rank() == 2 || (x.rank() == 3 && x.dims()[0] == 1));
  if (!fits || what.map.is_empty() || what.map.dims() != Dims{1, x.dims().back()}) {
    return absl::InvalidArgumentError(
        absl::StrCat("signal: expected f32[1,C,L] and a map f32[1,L], got ",
                     x.is_empty() ? "nothing" : ToString(x.type()), " and ",
                     what.map.is_empty() ? "nothing" : ToString(what.map.type())));
  }
  const auto length = static_cast<size_t>(x.dims().back());
  return SignalExtents{x.values<float>().size() / length, length};
}

// What each place is colored by, 0.5 for nothing: of the samples there the largest magnitude. NaN,
// which no color stands for, where all are.
std::vector<double> PlacesOf(std::span<const float> says, bool is_signed, double most) {
  const size_t places = std::min(kSignalPlaces, says.size());
  std::vector<double> result(places);
  for (size_t p = 0; p < places; ++p) {
    const size_t first = p * says.size() / places, end = (p + 1) * says.size() / places;
    float loudest = std::numeric_limits<float>::quiet_NaN();
    for (const float v : says.subspan(first, end - first)) {
      if (!std::isnan(v) && !(std::abs(v) <= std::abs(loudest))) loudest = v;
    }
    const double value = is_signed ? loudest : std::abs(loudest);
    result[p] = most > 0 || std::isnan(value) ? 0.5 + value / most / 2 : 0.5;
  }
  return result;
}

// A line through the samples, with a gap at those that are no finite numbers.
std::string SignalCurve(std::span<const float> signal, const ValueRange& range, const SvgBox& box) {
  const size_t places = std::min(kSignalPlaces, signal.size());
  std::string text, points;
  const auto end_line = [&] {
    if (points.empty()) return;
    absl::StrAppend(&text, "<polyline fill=\"none\" stroke=\"black\" stroke-width=\"1\" points=\"",
                    points, "\"/>\n");
    points.clear();
  };
  const auto point = [&](size_t place, float value) {
    const double x =
        box.x + box.width * (static_cast<double>(place) + 0.5) / static_cast<double>(places);
    const double y = box.y + box.height * (0.95 - 0.9 * range.Place(value));
    absl::StrAppend(&points, std::round(10 * x) / 10, ",", std::round(10 * y) / 10, " ");
  };
  for (size_t p = 0; p < places; ++p) {
    const size_t first = p * signal.size() / places, end = (p + 1) * signal.size() / places;
    const auto samples = signal.subspan(first, end - first);
    const bool is_whole = std::ranges::all_of(samples, [](float v) { return std::isfinite(v); });
    if (!is_whole) {
      end_line();
      continue;
    }
    const auto [least, most] = std::ranges::minmax(samples);
    point(p, least);
    if (most != least) point(p, most);
  }
  end_line();
  return text;
}

// Sample numbers below, and what the colors say.
std::string SignalAxis(size_t length, double y, bool is_signed, double most) {
  const Series ends{.name = "", .x = {0, static_cast<double>(length - 1)}, .y = {0, 0}};
  const PlotAxis axis = PlotAxis::Of(std::span(&ends, 1), true, false);
  std::string text;
  for (const double tick : axis.Ticks(8)) {
    const double x = kSignalLeft + kSignalWidth * (tick + 0.5) / static_cast<double>(length);
    text += SvgText("middle", x, y + 10, TickText(tick));
  }
  std::vector<double> ramp(33);
  for (size_t i = 0; i < ramp.size(); ++i) {
    const double place = static_cast<double>(i) / static_cast<double>(ramp.size() - 1);
    ramp[i] = is_signed ? place : 0.5 + place / 2;
  }
  const SvgBox box{kSignalLeft + kSignalWidth - 2 * kSignalLegend, y + 24, kSignalLegend, 10};
  text += ColorStripSvg(ramp, ColorMap::kDiverging, box);
  text += SvgText("end", box.x - 6, box.y + 6, is_signed ? TickText(-most) : "0");
  text += SvgText("start", box.x + box.width + 6, box.y + 6, TickText(most));
  return text + SvgText("start", kSignalLeft, box.y + 6, "samples");
}

}  // namespace

absl::StatusOr<std::string> SignalAttributionSvg(const Tensor& x, const Attribution& what,
                                                 const std::string& title) {
  WEFT_ASSIGN_OR_RETURN(const SignalExtents extents, ExtentsOfSignal(x, what));
  const std::span<const float> says =
      what.elements.is_empty() ? what.map.values<float>() : what.elements.values<float>();
  const double most = RangeOf(says, true).high;
  const double pitch = kSignalPanel + kSignalGap;
  const double bottom = kSignalTop + pitch * static_cast<double>(extents.channels);
  std::string text = ChartBegin({kSignalLeft + kSignalWidth + 16, bottom + kSignalBottom}, title) +
                     SvgText("start", kSignalLeft, 16, title);
  for (size_t c = 0; c < extents.channels; ++c) {
    const auto signal = x.values<float>().subspan(c * extents.length, extents.length);
    const auto colored = says.subspan(c * extents.length % says.size(), extents.length);
    const SvgBox box{kSignalLeft, kSignalTop + pitch * static_cast<double>(c), kSignalWidth,
                     kSignalPanel};
    text += ColorStripSvg(PlacesOf(colored, what.is_signed, most), ColorMap::kDiverging, box);
    text += SignalCurve(signal, RangeOf(signal, false), box);
    text += SvgText("end", box.x - 6, box.y + box.height / 2, absl::StrCat("channel ", c));
  }
  return text + SignalAxis(extents.length, bottom, what.is_signed, most) + "</svg>\n";
}

}  // namespace weft
