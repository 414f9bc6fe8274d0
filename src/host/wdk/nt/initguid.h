/*
 * Include this before any header with DEFINE_GUID lines, in exactly the source files that shall
 * hold the GUIDs themselves. Sits in front of <guiddef.h>; does nothing else.
 */
#ifndef INITGUID
#define INITGUID
#endif
#include <guiddef.h>
