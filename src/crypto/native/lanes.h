#pragma once
// The set of lanes that a source file is compiled for: 256 bits, or 512 where it says so before it includes anything.
#ifdef __x86_64__
#ifdef TESTUDO_LANES_512
#include "crypto/native/lanes512.h"
#else
#include "crypto/native/lanes256.h"
#endif
#endif
