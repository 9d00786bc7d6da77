#ifndef WEFT_FRONTEND_ZOO_NETWORKS_H_
#define WEFT_FRONTEND_ZOO_NETWORKS_H_

#include "frontend/builder.h"

namespace weft {

// The layers of the networks in zoo.cc's list, each from images to scores.
Value LeNet(Builder& b, Value x, int64_t classes);
Value LeNetBn(Builder& b, Value x, int64_t classes);

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_NETWORKS_H_
