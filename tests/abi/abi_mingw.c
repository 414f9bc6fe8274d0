/*
 * The same tables as test_layouts.c, checked by the compiler of the Windows build with mingw's DDK
 * headers and our Storport headers: this file only has to compile. Bit-fields have no offsetof, so
 * for them there are the sizes around them here, and their places in test_layouts.c.
 */
#include <ntifs.h>

#include <ntddcdrm.h>
#include <ntddmmc.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <storport.h>

#include <stddef.h>

#define ABI_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "sizeof(" #type ")");
#define ABI_FIELD(type, field, offset)                                                             \
    _Static_assert(offsetof(type, field) == (offset), "offsetof(" #type ", " #field ")");
#define ABI_BITS(type, field, byte, bit, width)                                                    \
    _Static_assert(sizeof((type){.field = 0}) >= (byte), #type "." #field);
#define ABI_MINGW_DDK
#include "layouts.def"

#define ABI_VALUE(constant, value) _Static_assert((long long)(constant) == (value), #constant);
#include "values.def"
