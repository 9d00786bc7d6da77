#ifndef WEFT_TESTS_PRECOMPILED_H_
#define WEFT_TESTS_PRECOMPILED_H_

// As graph/precompiled.h, for the tests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/precompiled.h"

#endif  // WEFT_TESTS_PRECOMPILED_H_
