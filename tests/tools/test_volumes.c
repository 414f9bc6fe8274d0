/**
 * \file
 * What vminictl does on Windows to the volumes of a disk before it disconnects it: which it takes,
 * in which order it locks, dismounts and releases them, and when it refuses. The system is a fake
 * that writes down what is asked of it.
 */
#include "tools/vminictl/volumes.h"

#include <CUnit/Basic.h>

#include <stdio.h>
#include <string.h>

#define CD_ROM 2u

static char log_text[512];
static const char *stuck, *busy, *fixed; /**< Cannot be opened, locked, dismounted: all volumes that
                                              have one of these letters. */

static bool told(const char *verb, const struct volume *volume, const char *unwilling)
{
    snprintf(log_text + strlen(log_text), sizeof(log_text) - strlen(log_text), "%s%s %c",
             log_text[0] == '\0' ? "" : ", ", verb, volume->name[0]);
    return strchr(unwilling, volume->name[0]) == NULL;
}

static bool fake_open(struct volume *volume)
{
    volume->handle = told("open", volume, stuck) ? volume : NULL;
    return volume->handle != NULL;
}

static bool fake_lock(struct volume *volume)
{
    return told("lock", volume, busy);
}

static void fake_flush(struct volume *volume)
{
    told("flush", volume, "");
}

static bool fake_dismount(struct volume *volume)
{
    return told("dismount", volume, fixed);
}

static void fake_close(struct volume *volume)
{
    told("close", volume, "");
}

static const struct volume_ops fake = {fake_open, fake_lock, fake_flush, fake_dismount, fake_close};

/** Two volumes, E: and F:. \return what was asked of the system; `problem.what` is "" when it went
 * well: then the disk has gone, and they are released. */
static const char *take(bool force, struct os_problem *problem)
{
    struct volume volumes[] = {{.name = "E:\\"}, {.name = "F:\\"}};

    log_text[0] = problem->what[0] = '\0';
    if (volumes_take(&fake, volumes, 2, force, problem)) {
        CU_ASSERT(problem->what[0] == '\0');
        snprintf(log_text + strlen(log_text), sizeof(log_text) - strlen(log_text), ", gone");
        volumes_release(&fake, volumes, 2);
    } else {
        CU_ASSERT(problem->status == EXIT_REFUSED);
        CU_ASSERT(strstr(problem->remedy, "--force") != NULL);
    }
    CU_ASSERT(volumes[0].handle == NULL && volumes[1].handle == NULL);
    return log_text;
}

static void test_free(void)
{
    struct os_problem problem;

    stuck = busy = fixed = "";
    CU_ASSERT_STRING_EQUAL(take(false, &problem), "open E, lock E, open F, lock F, dismount E, "
                                                  "dismount F, gone, close E, close F");
    log_text[0] = '\0';
    CU_ASSERT(volumes_take(&fake, NULL, 0, false, &problem) && log_text[0] == '\0');
}

/** One is in use: the other has been locked for nothing, and none has been dismounted. */
static void test_in_use(void)
{
    struct os_problem problem;

    stuck = fixed = "";
    busy = "F";
    CU_ASSERT_STRING_EQUAL(take(false, &problem),
                           "open E, lock E, open F, lock F, close E, close F");
    CU_ASSERT_STRING_EQUAL(problem.what, "volume F:\\ is in use");
    busy = "E";
    CU_ASSERT_STRING_EQUAL(take(false, &problem), "open E, lock E, close E");
    CU_ASSERT_STRING_EQUAL(problem.what, "volume E:\\ is in use");
    /* What is in use is written before it goes: nobody has done that by locking it. */
    CU_ASSERT_STRING_EQUAL(take(true, &problem),
                           "open E, lock E, open F, lock F, flush E, dismount E, dismount F, gone, "
                           "close E, close F");
}

static void test_cannot_be_opened(void)
{
    struct os_problem problem;

    busy = fixed = "";
    stuck = "E";
    CU_ASSERT_STRING_EQUAL(take(false, &problem), "open E");
    CU_ASSERT(strstr(problem.what, "volume E:\\ cannot be opened") != NULL);
    CU_ASSERT_STRING_EQUAL(take(true, &problem),
                           "open E, open F, lock F, dismount F, gone, close F");
}

static void test_cannot_be_dismounted(void)
{
    struct os_problem problem;

    stuck = busy = "";
    fixed = "E";
    CU_ASSERT_STRING_EQUAL(take(false, &problem),
                           "open E, lock E, open F, lock F, dismount E, close E, close F");
    CU_ASSERT_STRING_EQUAL(problem.what, "volume E:\\ cannot be dismounted");
    CU_ASSERT_STRING_EQUAL(take(true, &problem),
                           "open E, lock E, open F, lock F, dismount E, dismount F, gone, close E, "
                           "close F");
}

/** Which volumes live on a device. */
static void test_places(void)
{
    static const uint32_t two_and_four[] = {2, 4};
    const struct volume_device disk = {VOLUME_ON_DISK, 2}, cd = {CD_ROM, 2};
    struct volume_place simple = {.has_device = true, .device = disk};
    struct volume_place spanned = {.disks = two_and_four, .disk_count = 2};
    struct volume_place other = {.has_device = true, .device = {VOLUME_ON_DISK, 3}};
    struct volume_place film = {.has_device = true, .device = cd};
    struct volume_place nowhere = {.device = disk};

    CU_ASSERT(volume_is_on(&simple, disk) && !volume_is_on(&simple, cd));
    CU_ASSERT(volume_is_on(&spanned, disk) && !volume_is_on(&spanned, cd));
    CU_ASSERT(volume_is_on(&spanned, (struct volume_device){VOLUME_ON_DISK, 4}));
    CU_ASSERT(!volume_is_on(&spanned, (struct volume_device){VOLUME_ON_DISK, 3}));
    CU_ASSERT(!volume_is_on(&other, disk) && !volume_is_on(&nowhere, disk));
    CU_ASSERT(volume_is_on(&film, cd) && !volume_is_on(&film, disk));
    CU_ASSERT(volume_same_address(1, 2, 3, (VMINI_ADDRESS){1, 2, 3, 0}));
    CU_ASSERT(!volume_same_address(0, 2, 3, (VMINI_ADDRESS){1, 2, 3, 0}));
    CU_ASSERT(!volume_same_address(1, 3, 3, (VMINI_ADDRESS){1, 2, 3, 0}));
    CU_ASSERT(!volume_same_address(1, 2, 0, (VMINI_ADDRESS){1, 2, 3, 0}));
}

CU_ErrorCode register_volumes_suite(void);
CU_ErrorCode register_volumes_suite(void)
{
    static CU_TestInfo tests[] = {
        {"locked, dismounted, held until the disk has gone", test_free},
        {"in use: refused, and nothing touched; --force", test_in_use},
        {"a volume that cannot be opened", test_cannot_be_opened},
        {"a volume that cannot be dismounted", test_cannot_be_dismounted},
        {"which volumes live on a disk or CD-ROM", test_places},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"vminictl: volumes before a disconnect", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL};

    return CU_register_suites(suites);
}
