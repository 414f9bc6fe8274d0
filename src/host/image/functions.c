/*
 * Which functions of a driver run, in which order: the two hooks that gcc and clang call from code
 * that they compiled with -finstrument-functions. A driver built that way finds them here, as it
 * finds the routines that it imports; any other driver never calls them. They record, and neither
 * change an IRQL nor give the processor away. The two that come with -fsanitize=thread (nt/points.c)
 * do the same.
 */
#include "image/image.h"
#include "nt/fiber.h"
#include "nt/trace.h"

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);

static void function_record(const void *function, unsigned event, bool from_outside)
{
    char name[128];

    if (trace_wants(TRACE_FUNCTION) && image_symbol(function, name, sizeof name) != NULL) {
        trace_text(TRACE_FUNCTION, name, event, from_outside, 0, 0);
    }
}

void __cyg_profile_func_enter(void *function, void *site)
{
    function_record(function, 1, image_contains(site, NULL) == NULL);
}

void __cyg_profile_func_exit(void *function, void *site)
{
    (void)site;
    function_record(function, 2, false);
}

#if !defined(FIBER_TSAN) /* There they are the sanitizer's own. */

void __tsan_func_entry(void *site);
void __tsan_func_exit(void *nothing); /* As gcc declares it; it passes none. */

void __tsan_func_entry(void *site)
{
    __cyg_profile_func_enter(__builtin_return_address(0), site);
}

void __tsan_func_exit(void *nothing)
{
    (void)nothing;
    function_record(__builtin_return_address(0), 2, false);
}

#endif
