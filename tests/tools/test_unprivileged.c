/**
 * \file
 * The host itself, run by somebody who is not root: every file that he may not have is refused with
 * its name and that reason, and what is his own works. Run by root, who tries it as `nobody`; what
 * root may do himself would prove nothing.
 */
#include "tools/shell.h"

#include <sys/stat.h>
#include <unistd.h>

/** Everything that nobody runs is copied to where he may look. \return false: we are not root. */
static bool prepare(void)
{
    if (!have_somebody_else()) {
        return false;
    }
    copy_file(shell.nthost, "nthost", 0755);
    copy_file(shell.driver, "vmini.so", 0644);
    copy_of_inf("vmini.inf", NULL, NULL);
    CU_ASSERT(chmod("vmini.inf", 0644) == 0);
    mkdir("home", 0755);
    CU_ASSERT(chown("home", NOBODY, NOBODY) == 0);
    return true;
}

#define RUN "run", "--driver", "vmini.so", "--inf", "vmini.inf"

static void test_images(void)
{
    static const char denied[] = "the user may not open it that way (STATUS_ACCESS_DENIED)";

    if (!prepare()) {
        return;
    }
    make_image("roots.img", 1 << 20);
    make_image("seen.img", 1 << 20);
    make_image("own.img", 1 << 20);
    mkdir("closed", 0700);
    make_image("closed/in.img", 1 << 20);
    CU_ASSERT(chmod("roots.img", 0600) == 0 && chmod("seen.img", 0644) == 0);
    CU_ASSERT(chmod("own.img", 0600) == 0 && chown("own.img", NOBODY, NOBODY) == 0);
    EXPECT(as_nobody("./nthost", RUN, "--disk", "own.img", NULL), 0, "0:0:0  own.img");
    EXPECT(as_nobody("./nthost", RUN, "--disk", "roots.img", NULL), 1,
           "connect roots.img:", denied);
    EXPECT(as_nobody("./nthost", RUN, "--disk", "roots.img", "--read-only", NULL), 1, denied);
    EXPECT(as_nobody("./nthost", RUN, "--disk", "seen.img", NULL), 1, "connect seen.img:", denied);
    EXPECT(as_nobody("./nthost", RUN, "--disk", "seen.img", "--read-only", NULL), 0,
           "0:0:0  seen.img");
    EXPECT(as_nobody("./nthost", RUN, "--cdrom", "seen.img", NULL), 0, "0:0:0  seen.img");
    EXPECT(as_nobody("./nthost", RUN, "--disk", "closed/in.img", NULL), 1,
           "connect closed/in.img:", denied);
    EXPECT(as_nobody("./nthost", "serve", "--driver", "vmini.so", "--inf", "vmini.inf", "--port",
                     "0", "roots.img", NULL),
           1, "roots.img:", denied);
}

static void test_packages(void)
{
    if (!prepare()) {
        return;
    }
    CU_ASSERT(chmod("vmini.so", 0600) == 0);
    EXPECT(as_nobody("./nthost", RUN, NULL), 1, "driver vmini.so: Permission denied");
    CU_ASSERT(chmod("vmini.so", 0644) == 0 && chmod("vmini.inf", 0600) == 0);
    EXPECT(as_nobody("./nthost", RUN, NULL), 1, "INF vmini.inf: Permission denied");
    EXPECT(as_nobody("./nthost", "inf", "check", "vmini.inf", NULL), 1,
           "error 1000: The INF cannot be read: Permission denied");
}

static void test_files_of_the_host(void)
{
    if (!prepare()) {
        return;
    }
    write_file("roots.reg", "", 0);
    CU_ASSERT(chmod("roots.reg", 0644) == 0);
    EXPECT(as_nobody("./nthost", RUN, "--registry", "roots.reg", NULL), 1,
           "registry file roots.reg: Permission denied");
    EXPECT(as_nobody("./nthost", RUN, "--registry", "new.reg", NULL), 1,
           "new.reg: Permission denied");
    EXPECT(as_nobody("./nthost", RUN, "--registry", "home/new.reg", NULL), 0, "");
    EXPECT(as_nobody("./nthost", "devices", "--registry", "home/new.reg", NULL), 0,
           "service vmini");
    EXPECT(as_nobody("./nthost", RUN, "--control", "host.sock", NULL), 1,
           "control socket host.sock: Permission denied");
    EXPECT(as_nobody("./nthost", RUN, "--trace", "trace.txt", NULL), 1,
           "trace trace.txt: Permission denied");
    CU_ASSERT(access("new.reg", F_OK) != 0 && access("host.sock", F_OK) != 0);
}

CU_ErrorCode register_unprivileged_suite(void);
CU_ErrorCode register_unprivileged_suite(void)
{
    static CU_TestInfo tests[] = {
        {"images: his own, and those of others", test_images},
        {"a package that he may not read", test_packages},
        {"registry, socket and trace where he may not write", test_files_of_the_host},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"the host, run by nobody", shell_set_up, shell_tear_down, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
