/*
 * GUIDs: the 16-byte identifier and the macro that declares or defines one. A header full of
 * DEFINE_GUID lines only declares them; in the one source file that includes <initguid.h> first,
 * the same lines define them. Every definition may be repeated in other files (weak symbols), as
 * the WDK's `selectany` allows.
 */
#ifndef VMINI_WDK_GUIDDEF_H
#define VMINI_WDK_GUIDDEF_H

#include <stdint.h>

/** A 128-bit identifier; the first three members are native integers, not bytes. */
typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;

typedef GUID *LPGUID;
typedef const GUID *LPCGUID;

#define IsEqualGUID(a, b)       (__builtin_memcmp((a), (b), sizeof(GUID)) == 0)
#define InlineIsEqualGUID(a, b) IsEqualGUID(a, b)
#endif

/* Outside the include guard on purpose: <initguid.h> comes back here to change the macro. */
#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
    extern const GUID name;                                                                        \
    __attribute__((weak)) const GUID name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) extern const GUID name
#endif
