/*
 * ntddk.h for the native Linux build: wdm.h and the few names that the WDK declares beside it.
 */
#pragma once

#include <wdm.h>

/* Object types, and object-directory access, for drivers that look things up by name. */
#define DIRECTORY_QUERY    0x0001u
#define DIRECTORY_TRAVERSE 0x0002u
#define OBJECT_TYPE_CREATE 0x0001u
