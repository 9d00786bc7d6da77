#include "frontend/inspect/attribution/attribution.h"

namespace weft {
namespace {

constexpr AttributionMethod kAttributionMethods[] = {
    {"gradient", "Gradient", "How strongly the class's score changes with each pixel", true,
     GradientAttribution},
    {"gradient-times-input", "Gradient x input",
     "The pixels' shares in the class's score, to first order", true, GradientTimesInput},
    {"integrated-gradients", "Integrated gradients",
     "The pixels' shares in what the score gains from a baseline to the picture", false,
     IntegratedGradients},
    {"smoothgrad", "SmoothGrad", "The mean gradient of the picture with noise", false, SmoothGrad},
    {"guided-backpropagation", "Guided backpropagation",
     "The gradient without what rectifiers would let back below zero", true, GuidedBackpropagation},
    {"deconvolution", "Deconvolution",
     "The class's signal on its way back, unpooled by switches and rectified", true, Deconvolution},
    {"occlusion", "Occlusion", "What the class's score loses where a window is filled", false,
     Occlusion},
    {"grad-cam", "Grad-CAM", "Where a layer's maps speak for the class, by their gradients", true,
     GradCam},
    {"cam", "CAM", "Where the last maps speak for the class, by the last layer's weights", true,
     ClassActivationMap},
};

}  // namespace

std::span<const AttributionMethod> AttributionMethods() { return kAttributionMethods; }

}  // namespace weft
