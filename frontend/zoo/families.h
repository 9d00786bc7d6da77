#ifndef WEFT_FRONTEND_ZOO_FAMILIES_H_
#define WEFT_FRONTEND_ZOO_FAMILIES_H_

#include <vector>

#include "frontend/zoo/zoo.h"

// The families of networks, in the order in which they are listed: for each line NAME a function
// std::vector<ZooEntry> NAME() in one file of this folder.
#define WEFT_ZOO_FAMILIES(FAMILY) \
  FAMILY(LeNets)                  \
  FAMILY(OriginalAlexNets)        \
  FAMILY(AlexNets)                \
  FAMILY(NetworksInNetworks)      \
  FAMILY(Vggs)                    \
  FAMILY(GoogLeNets)              \
  FAMILY(InceptionV2s)            \
  FAMILY(InceptionV3s)            \
  FAMILY(InceptionV4s)            \
  FAMILY(InceptionResNets)        \
  FAMILY(ResNets)                 \
  FAMILY(PreActResNets)           \
  FAMILY(CifarResNets)            \
  FAMILY(DenseNets)               \
  FAMILY(SqueezeNets)             \
  FAMILY(Xceptions)               \
  FAMILY(DarkNets)                \
  FAMILY(MobileNets)              \
  FAMILY(ShuffleNetV1s)           \
  FAMILY(ShuffleNetV2s)           \
  FAMILY(SeNets)                  \
  FAMILY(MobileNetV3s)            \
  FAMILY(MnasNets)                \
  FAMILY(HrNets)                  \
  FAMILY(EfficientNets)           \
  FAMILY(RegNets)                 \
  FAMILY(ConvNexts)               \
  FAMILY(EegNets)                 \
  FAMILY(EcgResNets)              \
  FAMILY(VideoNetworks)           \
  FAMILY(Autoencoders)            \
  FAMILY(DcGans)                  \
  FAMILY(CapsNets)                \
  FAMILY(UNets)                   \
  FAMILY(LanguageModels)

namespace weft {

#define WEFT_ZOO_DECLARE(NAME) std::vector<ZooEntry> NAME();
WEFT_ZOO_FAMILIES(WEFT_ZOO_DECLARE)
#undef WEFT_ZOO_DECLARE

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_FAMILIES_H_
