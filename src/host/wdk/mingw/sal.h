/*
 * sal.h for the .sys build: mingw's annotations first (its other headers use them), then the WDK's
 * that it lacks, from the same file that the native build uses.
 */
#pragma once

#include_next <sal.h>
#include <driverspecs.h>

/* mingw makes this one a compiler warning; here, as natively, it is text. */
#undef _Check_return_

#include "../nt/sal.h"
