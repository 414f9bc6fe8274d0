/*
 * ioevent.h for the .sys build: mingw's, which needs the kernel's types before it.
 */
#pragma once

#include <wdm.h>

#include_next <ioevent.h>
