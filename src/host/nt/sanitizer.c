/*
 * Settings for builds with a sanitizer: the fault handler of the host stays in charge of SIGSEGV,
 * because special pool lives by faults. The environment (ASAN_OPTIONS ...) still has the last word.
 * In other builds nobody calls these.
 */

/* The sanitizers look these functions up by name. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__ubsan_default_options(void);

#define EXPORT                                                                                     \
    __attribute__((visibility("default"), used, no_sanitize("address", "thread", "undefined")))

EXPORT const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:allow_user_segv_handler="
           "1:"
           "use_sigaltstack=0:detect_stack_use_after_return=0:detect_leaks=1";
}

/* With more than one thread TSan sleeps a second at exit, so that races between the last
 * instructions show; fibers do not run meanwhile, and a sweep over seeds exits once for each. */
EXPORT const char *__tsan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:allow_user_segv_handler="
           "1:"
           "second_deadlock_stack=1:atexit_sleep_ms=0";
}

EXPORT const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1:halt_on_error=1";
}
