/*
 * ntstrsafe.h for the .sys build: the native build's, whose inlines import the same two routines,
 * instead of mingw's.
 */
#pragma once

#include "../nt/ntstrsafe.h"
